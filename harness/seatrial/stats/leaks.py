"""Growth that stays: noise and filling caches are diluted by more calls, a leak is not."""

from collections.abc import Mapping, Sequence

LIMITS: Mapping[str, float] = {"own": 16.0, "heap": 64.0, "containers": 0.5, "descriptors": 0.05, "threads": 0.05}
"""Per call: bytes for `own` and `heap`, else how many. Above the noise that clean apps showed when measured."""
FADED = 0.5
"""A growth that fell below this part of the largest earlier one is fading."""


def persists(per_call: Sequence[float], limit: float) -> bool:
    """Whether the last window still grows: above the limit, and not faded. Two windows are the least to tell.

    The first window is left out where there are others: what was there before tracing began is traced as new once it
    moves (a list or a buffer that grows), and that is no growth of that window.
    """
    if len(per_call) < 2:
        return False
    return per_call[-1] > limit and per_call[-1] >= FADED * max(per_call[1:-1] or per_call[:1])


def quiet(grown: Mapping[str, Sequence[float]]) -> bool:
    """Whether nothing grew beyond its limit in either of the last two windows: no more need be measured."""
    return all(
        len(per_call) >= 2 and max(per_call[-2:]) <= LIMITS.get(name, 0.0)
        for name, per_call in grown.items()
        if name in LIMITS
    )
