"""LAT: how long answers take, under load and alone, and against a base revision."""

import math
from collections.abc import Mapping

from seatrial.model.findings import Judgement
from seatrial.model.latency import Timings
from seatrial.model.load import EndpointLoad
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import hot, unexpected
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
MEDIAN_CONFIDENCE = 0.95


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
                "clumping": round(effect, 2),
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


@rule(
    code="LAT002",
    name="response-time",
    level=Level.WARN,
    claim="The median warm call of a hot path, alone and in process, takes at most the limit (200 ms by default).",
    control="the page was seen, and enough warm calls of it for an interval of their median",
    rationale="What is slow with nobody else there, without a network, is slow everywhere, and most of all under load.",
    source="the 200 ms limit of a page under load (LAT001); a median and no P99: 20 calls cannot know one",
    remedy="Look at the statements and rows of the page first (SQL001, SQL004, SQL005), then profile it.",
)
def response_time(rule: Rule, timings: Timings, context: Context) -> Judgement:
    if not hot(timings.exchange.route, context):
        return rule.skipped(
            timings.subject, "not a hot path: name it on `hot` under [tool.seatrial], or run seatrial budgets record"
        )
    silent = unexpected(rule, timings.exchange)
    if silent is not None:
        return silent
    if timings.unlike:
        return rule.not_proved(
            timings.subject, f"one of its calls answered {timings.unlike}: a page must stay the same"
        )
    limit = context.limits.response_ms
    calls = sorted(timings.calls_ms)
    counted = {value: calls.count(value) for value in calls}
    low, high = interval(counted, 0.5, confidence=MEDIAN_CONFIDENCE)
    if calls and high <= limit:
        return rule.passed(timings.subject)
    if len(calls) < smallest_median():
        return rule.not_proved(
            timings.subject,
            f"{len(calls)} calls say nothing of a median ({smallest_median()} do): "
            f"raise request_s under [tool.seatrial.deadlines]",
        )
    if low <= limit:
        return rule.not_proved(
            timings.subject,
            f"the median of {len(calls)} calls is {between(low, high)}, and the limit of {limit:g} ms lies in there: "
            f"try again on a machine that does nothing else",
        )
    statements = timings.exchange.counted
    spent = sum(statement.elapsed_ms for statement in statements)
    return rule.failed(
        timings.subject,
        rule.finding(
            timings.subject,
            f"Limited to {limit:g} ms alone and warm but the median of {len(calls)} calls was "
            f"{milliseconds(quantile(counted, 0.5))} (a tripwire, no P99; one call sends {amount(len(statements))})",
            evidence={
                "calls": len(calls),
                "limit_ms": limit,
                "median_ms": finite(quantile(counted, 0.5)),
                "bounds_ms": [finite(low), finite(high)],
                "statements": len(statements),
                "rows": timings.exchange.rows,
                "in_statements_ms": round(spent, 1),
            },
        ),
    )


def smallest_median() -> int:
    """Fewest calls for which both bounds of a median exist."""
    return smallest(0.5, MEDIAN_CONFIDENCE)


def amount(statements: int) -> str:
    return f"{statements} statement{'s' if statements != 1 else ''}"
