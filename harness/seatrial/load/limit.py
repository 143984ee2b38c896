"""Where the capacity ends: the rate is raised until the gate breaks, then the edge is closed in on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.load.verdict import LoadVerdict
from seatrial.stats.quantiles import Answer, merged, quantile

GROWTH = 1.5
"""From one step to the next, while nothing breaks."""
CLOSE = 1.15
"""The edge is found where the rates on both sides of it are so near to each other."""
MOST_STEPS = 14


@dataclass(frozen=True, slots=True)
class LimitStep:
    """One rate that was tried."""

    rate: float
    answer: Answer
    p99_ms: float
    """Of all endpoints together, from the intended start."""
    answered: float
    """Requests per second that were answered as expected while the step lasted."""


@dataclass(frozen=True, slots=True)
class Knee:
    """What was found, and the way there."""

    steps: tuple[LimitStep, ...]
    doubts: tuple[str, ...] = ()

    @property
    def kept(self) -> float | None:
        """The highest rate that kept its limits, below the first that broke them."""
        broke = self.broke
        kept = [s.rate for s in self.steps if s.answer is Answer.PASS and (broke is None or s.rate < broke)]
        return max(kept, default=None)

    @property
    def broke(self) -> float | None:
        """The lowest rate that broke them."""
        return min((s.rate for s in self.steps if s.answer is Answer.FAIL), default=None)

    @property
    def unjudged(self) -> float | None:
        """The highest rate below the first that broke them of which nothing can be said."""
        broke = self.broke
        dark = [s.rate for s in self.steps if s.answer not in (Answer.PASS, Answer.FAIL)]
        return max((rate for rate in dark if broke is None or rate < broke), default=None)

    @property
    def sentence(self) -> str:
        kept, broke = self.kept, self.broke
        if kept is None and broke is None:
            return "no rate could be judged: raise --duration"
        if kept is None and self.unjudged is not None:
            return (
                f"the limits are broken at {broke:g} requests per second; "
                f"up to {self.unjudged:g} nothing could be told: raise --duration"
            )
        if kept is None:
            return f"the limits are already broken at {broke:g} requests per second: begin lower with --rate"
        if broke is None:
            why = f" ({self.doubts[0]})" if self.doubts else ""
            return f"the limits were kept up to {kept:g} requests per second; where they break was not reached{why}"
        return f"the knee lies between {kept:g} requests per second (limits kept) and {broke:g} (broken)"


def find(first: float, batch: Callable[[float], LoadVerdict], *, seconds: float) -> tuple[Knee, LoadVerdict]:
    """Steps of one batch each. Returns the verdict on the last rate that was kept, else on the last one tried."""
    steps: list[LimitStep] = []
    verdicts: dict[float, LoadVerdict] = {}
    rate = first
    doubts: tuple[str, ...] = ()
    while len(steps) < MOST_STEPS:
        verdict = batch(rate)
        verdicts[rate] = verdict
        steps.append(_step(rate, verdict, seconds))
        if verdict.doubts:
            doubts = verdict.doubts  # beyond this the generator is what breaks
            break
        knee = Knee(tuple(steps))
        # Where nothing was kept, the edge lies above what could not be judged for want of requests.
        low, broke = knee.kept if knee.kept is not None else knee.unjudged, knee.broke
        if broke is None:
            rate = round(rate * GROWTH, 1)
        elif low is None or broke / low <= CLOSE:
            break
        else:
            rate = round((low * broke) ** 0.5, 1)
            if rate in verdicts:  # it lies in between and cannot be told
                break
    knee = Knee(tuple(steps), doubts)
    shown = knee.kept if knee.kept is not None else steps[-1].rate
    return knee, verdicts[shown]


def _step(rate: float, verdict: LoadVerdict, seconds: float) -> LimitStep:
    loads = [found.load for found in verdict.endpoints]
    latency = merged(second.latency for load in loads for second in load.seconds.values())
    answered = sum(load.in_time for load in loads) / seconds
    p99 = quantile(latency, 0.99, sum(load.failed for load in loads))
    return LimitStep(rate, verdict.answer, p99, round(answered, 1))
