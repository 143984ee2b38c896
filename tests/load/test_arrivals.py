"""The schedule: rates are kept, whatever their shape, and by several workers together."""

import random
from itertools import pairwise

import pytest

from seatrial.load.arrivals import Stretch, arrivals, stretches
from seatrial.model.errors import ConfigurationError


def test_even_arrivals_are_evenly_spaced_and_counted_exactly() -> None:
    found = list(arrivals(stretches("100", 5, 1), kind="even"))
    assert len(found) == 600
    assert found[0] == 0.0
    assert {round(b - a, 6) for a, b in pairwise(found)} == {0.01}


def test_poisson_arrivals_keep_the_rate_and_are_not_spaced_evenly() -> None:
    found = list(arrivals(stretches("200", 50), kind="poisson", source=random.Random(1)))
    gaps = [b - a for a, b in pairwise(found)]
    mean = sum(gaps) / len(gaps)
    assert len(found) == pytest.approx(10_000, rel=0.04)
    assert sum((gap - mean) ** 2 for gap in gaps) / len(gaps) == pytest.approx(mean**2, rel=0.1)  # exponential


def test_a_ramp_rises_in_a_straight_line() -> None:
    found = list(arrivals(stretches("10..100", 10), kind="even"))
    per_second = [sum(n <= at < n + 1 for at in found) for n in range(10)]
    assert len(found) == 550
    assert per_second == pytest.approx([14.5, 23.5, 32.5, 41.5, 50.5, 59.5, 68.5, 77.5, 86.5, 95.5], abs=1)


def test_steps_share_the_duration() -> None:
    assert stretches("10,20,40", 30) == (Stretch(10, 10, 10), Stretch(10, 20, 20), Stretch(10, 40, 40))
    found = list(arrivals(stretches("10,20,40", 30), kind="even"))
    assert [sum(n * 10 <= at < (n + 1) * 10 for at in found) for n in range(3)] == [100, 200, 400]


def test_workers_together_send_at_the_rate() -> None:
    shares = [list(arrivals(stretches("100", 10), kind="even", workers=4, source=random.Random(n))) for n in range(4)]
    assert sum(map(len, shares)) == pytest.approx(1000, abs=4)
    assert len({share[0] for share in shares}) == 4, "they begin at different moments"


@pytest.mark.parametrize("rate", ["", "fast", "0", "-5", "10..", "10..20..30", "10,,20", "nan", "1e9"])
def test_what_is_no_rate_is_refused_with_the_way_out(rate: str) -> None:
    with pytest.raises(ConfigurationError, match="write requests per second as 50, a ramp as"):
        stretches(rate, 10)
