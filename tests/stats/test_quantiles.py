"""Quantiles by order statistics: held against sums over all outcomes, published ranks, and simulated runs."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.stats import quantiles
from seatrial.stats.quantiles import Answer, bucket, design_effect, exceedance, interval, quantile, ranks, smallest


@given(st.integers(1, 120), st.integers(-1, 121), st.floats(0.001, 0.999))
def test_binomial_is_the_sum_over_all_outcomes(n: int, k: int, p: float) -> None:
    expected = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(min(k, n) + 1)) if k >= 0 else 0
    assert quantiles.binomial_cdf(k, n, p) == pytest.approx(expected, abs=1e-9)


def test_binomial_of_a_million_is_symmetric_about_its_middle() -> None:
    assert quantiles.binomial_cdf(499_999, 1_000_000, 0.5) == pytest.approx(0.4996, abs=1e-4)


@pytest.mark.parametrize(
    ("n", "expected"), [(1000, (983, 997)), (2000, (1971, 1989)), (10_000, (9880, 9920)), (367, (359, None))]
)
def test_ranks_of_p99_at_95_percent(n: int, expected: tuple[int, int | None]) -> None:
    assert expected == ranks(n, 0.99, 0.95)


def test_fewest_samples_are_those_from_which_an_upper_bound_exists() -> None:
    assert (smallest(0.99, 0.95), smallest(0.95, 0.95), smallest(0.99)) == (368, 72, 459)
    assert ranks(458, 0.99)[1] is None
    assert ranks(459, 0.99)[1] == 459


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    source = random.Random(3)
    held = 0
    for _ in range(300):
        sample = Counter(bucket(source.expovariate(0.01)) for _ in range(800))
        low, high = interval(sample, 0.9, confidence=0.9)
        held += low <= bucket(-100 * math.log(0.1)) <= high
    assert 0.85 <= held / 300 <= 0.97


@given(st.floats(0.001, 1e7))
def test_a_bucket_never_says_less_than_was_measured_and_at_most_a_hundredth_more(ms: float) -> None:
    assert ms * (1 - 1e-9) <= bucket(ms) <= ms * 1.0101 + 1e-6


def test_what_failed_is_slower_than_anything() -> None:
    assert quantile({10.0: 98}, 0.99, beyond=2) == math.inf
    assert quantile({10.0: 99}, 0.99, beyond=1) == 10.0
    assert math.isnan(quantile({}, 0.99))
    assert interval({}, 0.99) == (0.0, math.inf)


def test_over_the_limit_means_over_its_bucket() -> None:
    assert quantiles.over({200.0: 3, 201.0: 2, 5.0: 9}, 200) == 2


def test_independent_requests_are_worth_what_they_are_and_clumps_less() -> None:
    source = random.Random(5)
    spread = [(sum(source.random() < 0.05 for _ in range(50)), 50) for _ in range(200)]
    clumped = [(50 if source.random() < 0.05 else 0, 50) for _ in range(200)]
    assert design_effect(spread) < 1.5
    assert design_effect(clumped) > 30
    assert design_effect([(0, 50)] * 20) == 1.0
    assert design_effect([(50, 50)] * 3) == 1.0


def test_a_clump_of_several_seconds_shows_in_wider_blocks() -> None:
    blocks = ([(2, 50)] * 3 + [(0, 50)] * 9) * 10
    assert design_effect(blocks) > quantiles._effect(blocks)


def test_exceedance() -> None:
    assert exceedance(31, 2000, 0.01) is Answer.INCONCLUSIVE
    assert exceedance(40, 2000, 0.01) is Answer.FAIL
    assert exceedance(8, 2000, 0.01) is Answer.PASS
    assert exceedance(40, 2000, 0.01, effect=6) is Answer.INCONCLUSIVE
    assert exceedance(0, 458, 0.01) is Answer.INCONCLUSIVE
    assert exceedance(0, 459, 0.01) is Answer.PASS
    assert exceedance(0, 0, 0.01) is Answer.INCONCLUSIVE
    assert exceedance(1, 1000, 0.0) is Answer.FAIL
