"""Slopes: what convicts, what does not."""

import pytest

from seatrial.stats.slopes import Shape, exact, per_row, shape, slope


@pytest.mark.parametrize(
    ("rows", "counts", "expected"),
    [
        ((4, 10, 19), (4, 10, 19), 1.0),
        ((4, 10, 19), (9, 21, 39), 2.0),
        ((1, 3, 6), (5, 5, 5), 0.0),
        ((3, 3, 3), (1, 2, 3), None),
        ((), (), None),
    ],
)
def test_slope(rows: tuple[int, ...], counts: tuple[int, ...], expected: float | None) -> None:
    assert slope(rows, counts) == (None if expected is None else pytest.approx(expected))


def test_slope_needs_pairs() -> None:
    with pytest.raises(ValueError, match="3 rows for 2 counts"):
        slope((1, 2, 3), (1, 2))


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ((1, 3, 6), (1, 3, 6)),  # one per row
        ((1, 3, 6), (2, 4, 7)),  # besides a constant one
        ((2, 6, 12), (1, 3, 6)),  # one for every second row
        ((2, 8, 20, 44), (1, 4, 10, 22)),
        ((4, 9, 21), (2, 5, 11)),
        ((1, 3, 6, 12), (1, 4, 3, 12)),  # not monotonic
        ((1, 2, 2), (1, 2, 2)),  # a page of two
        ((1, 2), (1, 2)),
    ],
)
def test_what_follows_the_rows_is_convicted(rows: tuple[int, ...], counts: tuple[int, ...]) -> None:
    assert per_row(rows, counts) is not None


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ((1, 3, 6), (7, 7, 7)),
        ((1, 3, 6), (1, 2, 2)),  # one jump: another branch of the page, not a loop
        ((500, 1000, 2000), (1, 2, 4)),  # chunks of an eager loader
        ((1, 3, 6), (6, 3, 1)),
        ((3, 3, 3), (1, 2, 3)),  # the rows never moved
        ((1, 3, 6, 12), (1, 9, 1, 1)),  # a spike that did not stay
    ],
)
def test_what_does_not_is_acquitted(rows: tuple[int, ...], counts: tuple[int, ...]) -> None:
    assert per_row(rows, counts) is None


@pytest.mark.parametrize(
    ("rows", "counts", "expected"),
    [
        ((1, 3, 6), (1, 3, 6), Shape.LINEAR),
        ((1, 2, 2), (1, 2, 2), Shape.BOUNDED),
        ((1, 3, 6), (1, 9, 36), Shape.SUPERLINEAR),
        ((1,), (1,), Shape.LINEAR),
    ],
)
def test_shape(rows: tuple[int, ...], counts: tuple[int, ...], expected: Shape) -> None:
    assert shape(rows, counts) is expected


@pytest.mark.parametrize(
    ("rows", "counts", "expected"),
    [
        ((1, 3, 6), (13, 39, 78), True),
        ((1, 3, 6), (14, 40, 79), True),
        ((2, 6, 12), (1, 3, 6), True),
        ((1, 3, 6), (1, 3, 7), False),
        ((1, 3, 6), (5, 5, 5), False),
        ((3, 3, 3), (1, 2, 3), False),
        ((1, 1), (1, 1), False),
    ],
)
def test_exact(rows: tuple[int, ...], counts: tuple[int, ...], expected: bool) -> None:
    assert exact(rows, counts) is expected
