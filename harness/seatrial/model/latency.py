"""How long one route takes, asked alone and in process."""

from dataclasses import dataclass

from seatrial.model.evidence import Exchange


@dataclass(frozen=True, slots=True)
class Timings:
    """Warm calls of one route, one after the other, of which nothing was recorded but the time."""

    exchange: Exchange
    """One more call, recorded: that the page was seen, and what it sends."""
    calls_ms: tuple[float, ...] = ()
    """In order; fewer where the route is so slow that the time was up."""
    unlike: str = ""
    """What one of the calls answered in place of the page, or empty."""

    @property
    def subject(self) -> str:
        return self.exchange.subject
