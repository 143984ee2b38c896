"""Evidence of the response classes of one part of the app."""

from dataclasses import dataclass

from seatrial.model.evidence import Exchange


@dataclass(frozen=True, slots=True)
class ResponseClasses:
    """Everything that a blueprint (or the app outside of blueprints) was seen to answer."""

    subject: str
    """`blueprint NAME` or `app`."""
    exchanges: tuple[Exchange, ...]
    """Its pages, and what was provoked; `variant` says how."""
