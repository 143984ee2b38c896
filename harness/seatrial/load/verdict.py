"""What a load run comes to: is the generator to be believed, and if so, what is said of each endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.model.findings import Judgement
from seatrial.model.load import EndpointLoad, Generator, LoadRun
from seatrial.model.outcomes import ExitCode, Outcome
from seatrial.rules import lat
from seatrial.stats.quantiles import Answer, design_effect, exceedance, interval, merged, over, quantile

LAG_MS = 25.0
"""P99 of how late arrivals may leave the schedule."""
CPU = 0.9
"""Of one processor, that a process of the generator may use."""
LOST = 0.001
"""Share of the arrivals that may go missing."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand on one endpoint."""

    name: str
    """`P99`, `P95`, `P50`, `errors` or `throughput`."""
    answer: Answer
    said: str
    """What was demanded and what was seen."""


@dataclass(frozen=True, slots=True)
class EndpointVerdict:
    """Everything that is said of one endpoint."""

    load: EndpointLoad
    judgement: Judgement
    """Of LAT001."""
    criteria: tuple[Criterion, ...]

    @property
    def answer(self) -> Answer:
        return worst(criterion.answer for criterion in self.criteria)


@dataclass(frozen=True, slots=True)
class LoadVerdict:
    """Of a whole run."""

    run: LoadRun
    endpoints: tuple[EndpointVerdict, ...]
    doubts: tuple[str, ...]
    """Why the generator is not to be believed; nothing is judged then."""

    @property
    def answer(self) -> Answer:
        if self.doubts or not self.endpoints:
            return Answer.INCONCLUSIVE
        return worst(endpoint.answer for endpoint in self.endpoints)

    def exit_code(self, *, inconclusive_passes: bool = False) -> ExitCode:
        match self.answer:
            case Answer.PASS:
                return ExitCode.PASS
            case Answer.FAIL:
                return ExitCode.BLOCKED
            case Answer.INCONCLUSIVE:
                return ExitCode.PASS if inconclusive_passes else ExitCode.INCONCLUSIVE

    @property
    def worth_another(self) -> bool:
        """More of the same would help: nothing failed, and something lies in between."""
        return self.answer is Answer.INCONCLUSIVE and not self.doubts and any(e.load.offered for e in self.endpoints)


def worst(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    return next((a for a in (Answer.FAIL, Answer.INCONCLUSIVE) if a in found), Answer.PASS)


def judge(run: LoadRun) -> LoadVerdict:
    """The generator first: where it was the bottleneck, the numbers judge it and not the app."""
    found = tuple(endpoint_verdict(load) for load in run.endpoints)
    return LoadVerdict(run, found, doubts(run.generator))


def doubts(generator: Generator) -> tuple[str, ...]:
    """Why the generator is not to be believed."""
    found = list(generator.problems)
    if not generator.arrivals:
        found.append("the generator made no request at all")
        return tuple(found)
    if generator.ended < generator.workers:
        found.append(
            f"only {generator.ended} of {generator.workers} workers came to an end: what the others measured is missing"
        )
    lag = quantile(generator.lag, 0.99)
    if lag > LAG_MS:
        found.append(
            f"the generator was late itself ({lag:.0f} ms at its P99, {LAG_MS:g} allowed): "
            f"lower --rate, add --workers, or load from another machine"
        )
    for name, share in sorted(generator.cpu.items()):
        if share > CPU:
            found.append(f"{name} used {share:.0%} of its processor: add --workers, or lower --rate")
    lost = generator.arrivals - generator.settled
    if lost > LOST * generator.arrivals:
        found.append(f"{lost} of {generator.arrivals} requests are not accounted for")
    return tuple(found)


def endpoint_verdict(load: EndpointLoad) -> EndpointVerdict:
    judgement = lat.p99_over_limit(load)
    answer = {Outcome.PASS: Answer.PASS, Outcome.FAIL: Answer.FAIL}.get(judgement.outcome, Answer.INCONCLUSIVE)
    p99 = Criterion("P99", answer, _said(load, 0.99, load.demands.p99_ms))
    others = [_quantile(load, *asked) for asked in ((0.95, load.demands.p95_ms), (0.5, load.demands.p50_ms))]
    criteria = (p99, *(c for c in others if c is not None), _errors(load), _throughput(load))
    return EndpointVerdict(load, judgement, criteria)


def _quantile(load: EndpointLoad, p: float, limit: float | None) -> Criterion | None:
    if limit is None:
        return None
    slow = sum(over(second.latency, limit) for second in load.seconds.values()) + load.failed
    answer = exceedance(slow, load.offered, 1 - p, effect=lat.clumping(load, limit))
    return Criterion(f"P{p * 100:.0f}", answer, _said(load, p, limit))


def _said(load: EndpointLoad, p: float, limit: float) -> str:
    if not load.offered:
        return "no request was made of it"
    latency = merged(second.latency for second in load.seconds.values())
    low, high = interval(latency, p, beyond=load.failed, effect=lat.clumping(load, limit))
    value = quantile(latency, p, load.failed)
    return f"{lat.milliseconds(value)} ({lat.between(low, high)}), limit {limit:g} ms"


def _errors(load: EndpointLoad) -> Criterion:
    limit = load.demands.errors
    blocks = [(load.seconds[n].failed, load.seconds[n].offered) for n in sorted(load.seconds)]
    answer = exceedance(load.failed, load.offered, limit, effect=design_effect(blocks))
    if answer is Answer.FAIL and load.failed == 1 and limit > 0:
        answer = Answer.INCONCLUSIVE  # one of a few: anybody's bad luck
    if not load.failed and load.offered and (limit <= 0 or answer is Answer.INCONCLUSIVE):
        answer = Answer.PASS  # too few requests show in the P99; that none failed is seen
    said = f"{load.failed} of {load.offered} failed, {limit:.2%} allowed"
    return Criterion("errors", answer, f"{said}: {lat.reasons(load.reasons)}" if load.reasons else said)


def _throughput(load: EndpointLoad) -> Criterion:
    share = load.in_time / load.offered if load.offered else 0.0
    answer = Answer.INCONCLUSIVE if not load.offered else Answer.PASS
    if load.offered and share < load.demands.throughput:
        answer = Answer.FAIL
    return Criterion("throughput", answer, f"{share:.0%} answered while it lasted, {load.demands.throughput:.0%} asked")
