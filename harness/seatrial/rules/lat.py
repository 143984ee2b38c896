"""LAT: how long answers take, under load and alone, and against a base revision."""

import math
from collections.abc import Mapping

from seatrial.model.findings import Judgement
from seatrial.model.load import EndpointLoad
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.registry import rule
from seatrial.stats.quantiles import (
    CONFIDENCE,
    Answer,
    Histogram,
    design_effect,
    exceedance,
    interval,
    merged,
    over,
    quantile,
    smallest,
)

P99 = 0.99


@rule(
    code="LAT001",
    name="p99-over-limit",
    level=Level.BLOCK,
    claim="Under load, 99 % of the requests to an endpoint are answered as expected within its limit.",
    control="at least 459 requests in a valid run, some of them answered as expected",
    rationale="One page load is dozens of requests: the slowest 1 % is what most visitors meet at least once.",
    source="Dean, Barroso: The Tail at Scale (CACM 2013); measured: a closed loop reported a P99 33 times too low",
    remedy="Look at when it is slow (`--html`), then at what happens then: locks, garbage collection, a full pool.",
    command="load",
)
def p99_over_limit(rule: Rule, load: EndpointLoad, _: Context) -> Judgement:
    """Evidence: one endpoint of a load run whose generator was found valid."""
    limit = load.demands.p99_ms
    latency = merged(second.latency for second in load.seconds.values())
    answered, failed = sum(latency.values()), load.failed
    n = answered + failed
    if n == 0:
        return rule.not_proved(load.subject, "no request was made of it: give it a weight, or leave it out")
    if not answered:
        return rule.not_proved(load.subject, f"none of {n} requests was answered as expected ({reasons(load.reasons)})")
    fewest = smallest(P99)
    if n < fewest:
        return rule.not_proved(load.subject, f"{n} requests say nothing of a P99; {fewest} do: raise --duration")
    slow = over(latency, limit) + failed
    effect = clumping(load, limit)
    answer = exceedance(slow, n, 1 - P99, effect=effect)
    if answer is Answer.PASS:
        return rule.passed(load.subject)
    low, high = interval(latency, P99, beyond=failed, effect=effect)
    if answer is Answer.INCONCLUSIVE:
        return rule.not_proved(
            load.subject,
            f"P99 is {between(low, high)}, and the limit of {limit:g} ms lies in there "
            f"({slow} of {n} over it, {allowed(n)} allowed): raise --duration",
        )
    also = f", {failed} of them without the expected answer" if failed else ""
    return rule.failed(
        load.subject,
        rule.finding(
            load.subject,
            f"99 % of the requests must be answered within {limit:g} ms but P99 was "
            f"{milliseconds(quantile(latency, P99, failed))} "
            f"(at least {milliseconds(low)}; {slow} of {n} requests over the limit{also}, {allowed(n)} allowed)",
            evidence={
                "limit_ms": limit,
                "p99_ms": finite(quantile(latency, P99, failed)),
                "interval_ms": [finite(low), finite(high)],
                "confidence": CONFIDENCE,
                "requests": n,
                "over": slow,
                "allowed": allowed(n),
                "failed": dict(sorted(load.reasons.items())),
                "clumping_ms": round(effect, 2),
                "service_p99_ms": finite(quantile(service(load), P99, failed)),
            },
        ),
    )


def clumping(load: EndpointLoad, limit: float) -> float:
    """The design effect of the requests over a limit, second by second."""
    seconds = [load.seconds[number] for number in sorted(load.seconds)]
    return design_effect([(over(second.latency, limit) + second.failed, second.offered) for second in seconds])


def service(load: EndpointLoad) -> Histogram:
    """Service times of the whole run."""
    return merged(second.service for second in load.seconds.values())


def reasons(counted: Mapping[str, int]) -> str:
    """`12 times refused, 3 times answered 500`, the most frequent first."""
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered[:3])


def allowed(n: int) -> int:
    return math.floor(n * (1 - P99) + 1e-9)


def between(low: float, high: float) -> str:
    """An interval in words; a side without a bound is left out."""
    if math.isinf(high):
        return f"at least {milliseconds(low)}" if low else "unknown"
    return f"{milliseconds(low)} to {milliseconds(high)}" if low else f"at most {milliseconds(high)}"


def milliseconds(value: float) -> str:
    """`12 ms`, or that there is none."""
    if math.isinf(value):
        return "no answer at all"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def finite(value: float) -> float | None:
    """JSON has no infinity."""
    return round(value, 3) if math.isfinite(value) else None
