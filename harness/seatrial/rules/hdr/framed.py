"""X-Frame-Options as the HTML standard reads it."""

from typing import NamedTuple

from seatrial.model.evidence import Exchange

_KNOWN = frozenset({"deny", "sameorigin", "allowall"})


class FrameOptions(NamedTuple):
    """What the header says."""

    values: tuple[str, ...]
    """As sent, split at commas."""
    refuses: bool
    """Foreign frames are refused."""


def frame_options(exchange: Exchange) -> FrameOptions:
    """All headers of the name together: equal values are one, and different ones of which one is known refuse."""
    values = tuple(v.strip() for sent in exchange.header_values("X-Frame-Options") for v in sent.split(","))
    distinct = {value.lower() for value in values}
    if len(distinct) > 1:
        return FrameOptions(values, not distinct.isdisjoint(_KNOWN))
    return FrameOptions(values, bool(distinct & {"deny", "sameorigin"}))
