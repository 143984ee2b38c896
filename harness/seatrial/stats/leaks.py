"""Growth that stays: noise and filling caches are diluted by more calls, a leak is not."""

import statistics
from collections.abc import Mapping, Sequence

LIMITS: Mapping[str, float] = {"own": 16.0, "heap": 64.0, "containers": 0.5, "descriptors": 0.05, "threads": 0.05}
"""Per call: bytes for `own` and `heap`, else how many. Above the noise that clean apps showed when measured."""
FADED = 0.5
"""A growth that fell below this part of the largest earlier one is fading."""
STRAIGHT = 0.9
"""Correlation of what is held with the calls made, within the last window. One jump has 0.866 at most."""


def persists(per_call: Sequence[float], limit: float, within: Sequence[float] = ()) -> bool:
    """Whether the last window still grows: above the limit, not faded, and from its beginning to its end.

    The first window is left out where there are others: what was there before tracing began is traced as new once it
    moves (a list or a buffer that grows), and that is no growth of that window.

    Args:
        per_call: Growth per call of each window. Two are the least to tell.
        limit: See LIMITS.
        within: What was held at equal steps through the last window, where that was read.
    """
    if len(per_call) < 2:
        return False
    grows = per_call[-1] > limit and per_call[-1] >= FADED * max(per_call[1:-1] or per_call[:1])
    return grows and straight(within)


def straight(within: Sequence[float]) -> bool:
    """Whether these readings climb like a line. A dict that is made larger jumps once; answers of all sizes go up and
    down. Fewer than three readings say nothing against it."""
    if len(within) < 3:
        return True
    if len(set(within)) == 1:
        return False
    return statistics.correlation(range(len(within)), within) >= STRAIGHT


def quiet(grown: Mapping[str, Sequence[float]]) -> bool:
    """Whether nothing grew beyond its limit in either of the last two windows: no more need be measured."""
    return all(
        len(per_call) >= 2 and max(per_call[-2:]) <= LIMITS.get(name, 0.0)
        for name, per_call in grown.items()
        if name in LIMITS
    )
