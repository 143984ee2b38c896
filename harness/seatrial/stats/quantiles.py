"""Quantiles of latencies, and what a sample allows to be said about them: order statistics, no assumption on the shape.

“P99 is at most 200 ms” says the same as “at most 1 % of the requests take longer than 200 ms”, and the number of
requests over a limit is binomial. Slow requests come in clumps (a lock, a garbage collection, a neighbour), so a sample
of n is worth less than n independent ones: by the design effect, which is measured on blocks of time.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum


class Answer(StrEnum):
    """What a sample says of a claim. INCONCLUSIVE: it is too small, or its noise is too large, for either."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


Histogram = Mapping[float, int]
"""Milliseconds (of `bucket`) -> how many."""
CONFIDENCE = 0.98
"""Two-sided, for each look at the data: up to three batches are pooled, and each is a chance to be wrong."""
_FEWEST_BLOCKS = 5
"""Blocks from which a variance means anything."""
_WIDTHS = (1, 3)
"""Seconds per block: a clump that lasts longer than one second shows in the wider ones."""


def bucket(ms: float) -> float:
    """Three significant digits, rounded up: 1.234 -> 1.24, 200.1 -> 201. Never less than was measured."""
    if ms <= 0:
        return 0.0
    step: float = 10.0 ** (math.floor(math.log10(ms)) - 2)
    return round(math.ceil(ms / step - 1e-9) * step, 6)


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(B <= k) for B ~ Binomial(n, p); exact, in time that grows with the width of the distribution and not with n."""
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    if p <= 0 or p >= 1:
        return 1.0 if p <= 0 else 0.0
    # Summed from k outwards, away from the mean: the terms fall at once, and none underflows at the start.
    downwards = k < n * p
    i = k if downwards else k + 1
    term = math.exp(
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p)
    )
    total = 0.0
    while 0 <= i <= n and term > total * 1e-16:
        total += term
        if downwards:
            term *= i * (1 - p) / ((n - i + 1) * p)
            i -= 1
        else:
            term *= (n - i) * p / ((i + 1) * (1 - p))
            i += 1
    return min(1.0, total if downwards else 1 - total)


def ranks(n: int, p: float, confidence: float = CONFIDENCE) -> tuple[int | None, int | None]:
    """1-based ranks of the order statistics that bracket the p-quantile; None where n is too small for that side."""
    alpha = (1 - confidence) / 2
    lower = _first(n, lambda rank: binomial_cdf(rank - 1, n, p) > alpha) - 1
    upper = _first(n, lambda rank: binomial_cdf(rank - 1, n, p) >= 1 - alpha)
    return (lower if lower >= 1 else None), (upper if upper <= n else None)


def _first(n: int, holds: Callable[[int], bool]) -> int:
    """The first rank for which it holds; n + 1 where it does for none."""
    low, high = 1, n + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def smallest(p: float, confidence: float = CONFIDENCE) -> int:
    """Fewest samples for which an upper bound of the p-quantile exists (P99 at 98 %: 459)."""
    return math.ceil(math.log((1 - confidence) / 2) / math.log(p))


def merged(histograms: Iterable[Histogram]) -> dict[float, int]:
    """All of them in one."""
    found: dict[float, int] = {}
    for histogram in histograms:
        for value, count in histogram.items():
            found[value] = found.get(value, 0) + count
    return found


def at_rank(histogram: Histogram, rank: int) -> float:
    """The value that stands at a 1-based rank; infinite beyond the last."""
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= rank:
            return value
    return math.inf


def quantile(histogram: Histogram, p: float, beyond: int = 0) -> float:
    """Nearest rank. `beyond`: requests without an answer, slower than any. NaN where there is nothing at all."""
    n = sum(histogram.values()) + beyond
    return at_rank(histogram, max(1, math.ceil(p * n - 1e-9))) if n else math.nan


def interval(
    histogram: Histogram, p: float, *, beyond: int = 0, effect: float = 1.0, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds of the p-quantile; 0 and infinity where the sample is too small for them. `effect` widens it."""
    n = sum(histogram.values()) + beyond
    worth = max(1, round(n / effect)) if n else 0
    if not worth:
        return 0.0, math.inf
    lower, upper = ranks(worth, p, confidence)
    low = at_rank(histogram, max(1, math.floor(lower * n / worth))) if lower else 0.0
    return low, (at_rank(histogram, min(n, math.ceil(upper * n / worth))) if upper else math.inf)


def over(histogram: Histogram, limit: float) -> int:
    """How many were slower than the limit, by their buckets."""
    edge = bucket(limit)
    return sum(count for value, count in histogram.items() if value > edge)


def design_effect(blocks: Sequence[tuple[int, int]]) -> float:
    """How much less n requests are worth than n independent ones; at least 1.

    The variance of the counts per block of time against the binomial one.

    `blocks`: (over the limit, all) per second of the run, in order.
    """
    return max(_effect(_joined(blocks, width)) for width in _WIDTHS)


def _joined(blocks: Sequence[tuple[int, int]], width: int) -> list[tuple[int, int]]:
    parts = (blocks[i : i + width] for i in range(0, len(blocks), width))
    return [(sum(k for k, _ in part), sum(n for _, n in part)) for part in parts]


def _effect(blocks: Sequence[tuple[int, int]]) -> float:
    blocks = [(k, n) for k, n in blocks if n]
    hits, total = sum(k for k, _ in blocks), sum(n for _, n in blocks)
    if hits in (0, total) or len(blocks) < _FEWEST_BLOCKS:
        return 1.0
    share = hits / total
    spread = sum((k - n * share) ** 2 / (n * share * (1 - share)) for k, n in blocks)
    return max(1.0, spread / (len(blocks) - 1))


def exceedance(hits: int, n: int, share: float, *, effect: float = 1.0, confidence: float = CONFIDENCE) -> Answer:
    """Whether at most `share` of the requests do it, of which `hits` of `n` did: fail and pass only where chance alone
    does not explain it."""
    if n <= 0:
        return Answer.INCONCLUSIVE
    alpha = (1 - confidence) / 2
    worth, counted = max(1, round(n / effect)), round(hits / effect)
    if share <= 0:
        return Answer.FAIL if hits else Answer.INCONCLUSIVE
    if 1 - binomial_cdf(counted - 1, worth, share) <= alpha:
        return Answer.FAIL
    if binomial_cdf(counted, worth, share) <= alpha:
        return Answer.PASS
    return Answer.INCONCLUSIVE
