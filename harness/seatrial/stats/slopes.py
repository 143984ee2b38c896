"""How a count follows another one: the slope that tells a statement per row from a statement per page."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

SLOPE = 0.5
"""Statements per added row from which a statement is said to run once per row."""
_BEND = 1.5
"""How much steeper the last stretch must be than the first to be called superlinear."""


class Shape(StrEnum):
    """The curve that the points lie on."""

    LINEAR = "linear"
    SUPERLINEAR = "superlinear"
    BOUNDED = "bounded"
    """It grew with the rows, and both stopped: the size of a page."""


def slope(rows: Sequence[int], counts: Sequence[int]) -> float | None:
    """Least-squares slope of `counts` over `rows`; None where the rows never moved."""
    if len(rows) != len(counts):
        raise ValueError(f"{len(rows)} rows for {len(counts)} counts")
    if not rows:
        return None
    mean_x, mean_y = sum(rows) / len(rows), sum(counts) / len(counts)
    spread = sum((x - mean_x) ** 2 for x in rows)
    if spread == 0:
        return None
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(rows, counts, strict=True)) / spread


def per_row(rows: Sequence[int], counts: Sequence[int]) -> float | None:
    """The slope where the count follows the rows: at least SLOPE and more at the most rows than at the fewest.

    None where it does not. Counts need not be monotonic (a page may choose another way from some size on), so one step
    back does not acquit; a single jump does not convict.
    """
    found = slope(rows, counts)
    if found is None or found < SLOPE:
        return None
    ordered = sorted(zip(rows, counts, strict=True))
    first, last = ordered[0], ordered[-1]
    if last[1] - first[1] < SLOPE * (last[0] - first[0]):
        return None
    # With three sizes or more, what grew must have grown at more than one of them: a jump is another matter.
    risen = [after for before, after in pairwise(ordered) if after[0] > before[0] and after[1] > before[1]]
    steps = [after for before, after in pairwise(ordered) if after[0] > before[0]]
    return found if len(risen) >= min(2, len(steps)) else None


def shape(rows: Sequence[int], counts: Sequence[int]) -> Shape:
    """The curve of a count that follows the rows."""
    points = list(zip(rows, counts, strict=True))
    if len(points) >= 2 and points[-1] == points[-2]:
        return Shape.BOUNDED
    steps = [(c2 - c1) / (r2 - r1) for (r1, c1), (r2, c2) in pairwise(sorted(set(points))) if r2 > r1]
    if len(steps) >= 2 and steps[0] > 0 and steps[-1] > _BEND * steps[0]:
        return Shape.SUPERLINEAR
    return Shape.LINEAR


def exact(rows: Sequence[int], counts: Sequence[int]) -> bool:
    """All points lie on one line that is not flat: each row costs the same number of statements, no more, no less."""
    points = sorted(set(zip(rows, counts, strict=True)))
    if len(points) < 2:
        return False
    (r1, c1), (r2, c2) = points[0], points[-1]
    return c2 > c1 and r2 > r1 and all((c - c1) * (r2 - r1) == (c2 - c1) * (r - r1) for r, c in points)
