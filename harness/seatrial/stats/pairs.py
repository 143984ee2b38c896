"""Ratios of paired measurements: what both have in common (the machine, its load) falls out."""

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.stats.quantiles import ranks

CONFIDENCE = 0.98


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median ratio of the second to the first, and its bounds (None: there are too few pairs)."""

    median: float
    low: float | None
    high: float | None


def paired_ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Ratio | None:
    """The interval is that of order statistics, so no shape is assumed. None without a pair."""
    found = sorted(second / first for first, second in pairs if first > 0)
    if not found:
        return None
    n = len(found)
    middle = found[n // 2] if n % 2 else (found[n // 2 - 1] + found[n // 2]) / 2
    lower, upper = ranks(n, 0.5, confidence)
    return Ratio(middle, found[lower - 1] if lower else None, found[upper - 1] if upper else None)


def abba(number: int) -> tuple[int, int]:
    """Which side of a pair comes first: base, head, head, base, … so that drift hits both alike."""
    return (1, 0) if number % 2 else (0, 1)
