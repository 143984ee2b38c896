"""What is counted while load runs: in each process by itself, sent to the master as deltas, and read as a LoadRun."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.load.plan import Plan
from seatrial.model.load import Demands, EndpointLoad, Generator, LoadRun, Second
from seatrial.stats.quantiles import bucket

Delta = dict[str, Any]
"""JSON: what was counted since the last one."""


@dataclass(slots=True)
class _Second:
    latency: Counter[float] = field(default_factory=Counter)
    service: Counter[float] = field(default_factory=Counter)
    failed: int = 0


@dataclass(slots=True)
class _Endpoint:
    seconds: dict[int, _Second] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    in_time: int = 0


@dataclass(slots=True)
class Tally:
    """Counters of one process, or of all of them on the master."""

    endpoints: dict[str, _Endpoint] = field(default_factory=dict)
    lag: Counter[float] = field(default_factory=Counter)
    arrivals: int = 0
    settled: int = 0
    cpu: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def answered(self, subject: str, second: int, latency_ms: float, service_ms: float, *, in_time: bool) -> None:
        """An expected answer. `second`: of its intended start."""
        endpoint = self.endpoints.setdefault(subject, _Endpoint())
        counted = endpoint.seconds.setdefault(second, _Second())
        counted.latency[bucket(latency_ms)] += 1
        counted.service[bucket(service_ms)] += 1
        endpoint.in_time += in_time

    def failed(self, subject: str, second: int, reason: str) -> None:
        endpoint = self.endpoints.setdefault(subject, _Endpoint())
        endpoint.seconds.setdefault(second, _Second()).failed += 1
        endpoint.reasons[reason] += 1

    def late(self, ms: float) -> None:
        """An arrival left the schedule, so late."""
        self.arrivals += 1
        self.lag[bucket(ms)] += 1

    # ------------------------------------------------------------------ between processes
    def take(self) -> Delta:
        """Everything since the last call, as plain lists; begins anew."""
        delta: Delta = {
            "endpoints": [
                [
                    subject,
                    [
                        [n, sorted(s.latency.items()), sorted(s.service.items()), s.failed]
                        for n, s in sorted(endpoint.seconds.items())
                    ],
                    sorted(endpoint.reasons.items()),
                    endpoint.in_time,
                ]
                for subject, endpoint in self.endpoints.items()
            ],
            "lag": sorted(self.lag.items()),
            "arrivals": self.arrivals,
            "settled": self.settled,
            "cpu": sorted(self.cpu.items()),
            "problems": list(self.problems),
            "mistakes": list(self.mistakes),
        }
        self.endpoints, self.lag = {}, Counter()
        self.arrivals = self.settled = 0
        self.problems, self.mistakes = [], []
        return delta

    def merge(self, delta: Delta) -> None:
        for subject, seconds, reasons, in_time in delta["endpoints"]:
            endpoint = self.endpoints.setdefault(subject, _Endpoint())
            for number, latency, service, failed in seconds:
                counted = endpoint.seconds.setdefault(int(number), _Second())
                counted.latency.update({float(ms): int(n) for ms, n in latency})
                counted.service.update({float(ms): int(n) for ms, n in service})
                counted.failed += failed
            endpoint.reasons.update(dict(reasons))
            endpoint.in_time += in_time
        self.lag.update({float(ms): int(n) for ms, n in delta["lag"]})
        self.arrivals += delta["arrivals"]
        self.settled += delta["settled"]
        self.cpu.update(dict(delta["cpu"]))
        self.problems += [sentence for sentence in delta["problems"] if sentence not in self.problems]
        self.mistakes += [sentence for sentence in delta["mistakes"] if sentence not in self.mistakes]


def read(plan: Plan, delta: Delta, ended: int) -> LoadRun:
    """A whole run as evidence. Endpoints that were planned and never asked are in it, without samples."""
    tally = Tally()
    tally.merge(delta)
    return LoadRun(
        url=plan.url,
        endpoints=tuple(
            _endpoint(subject, tally.endpoints.get(subject, _Endpoint()), plan.demands.get(subject, plan.default))
            for subject in dict.fromkeys((*plan.subjects, *tally.endpoints))
        ),
        generator=Generator(
            lag=dict(tally.lag),
            arrivals=tally.arrivals,
            settled=tally.settled,
            cpu=dict(tally.cpu),
            workers=plan.workers,
            ended=ended,
            problems=tuple(tally.problems),
        ),
        rate=plan.rate,
        duration_s=plan.duration_s,
        mistakes=tuple(tally.mistakes),
    )


def _endpoint(subject: str, counted: _Endpoint, demands: Demands) -> EndpointLoad:
    seconds = {
        number: Second(dict(second.latency), dict(second.service), second.failed)
        for number, second in sorted(counted.seconds.items())
    }
    return EndpointLoad(subject, demands, seconds, dict(counted.reasons), counted.in_time)


def pooled(first: LoadRun, then: LoadRun) -> LoadRun:
    """Two batches as one run: the seconds of the second follow those of the first."""
    offset = max((max(e.seconds, default=-1) for e in first.endpoints), default=-1) + 1
    later = {endpoint.subject: endpoint for endpoint in then.endpoints}
    endpoints = [_joined(e, later.pop(e.subject), offset) if e.subject in later else e for e in first.endpoints]
    endpoints += [replace(e, seconds={n + offset: s for n, s in e.seconds.items()}) for e in later.values()]
    a, b = first.generator, then.generator
    return replace(
        first,
        endpoints=tuple(endpoints),
        generator=Generator(
            lag=Counter(a.lag) + Counter(b.lag),
            arrivals=a.arrivals + b.arrivals,
            settled=a.settled + b.settled,
            cpu={name: max(a.cpu.get(name, 0.0), b.cpu.get(name, 0.0)) for name in {**a.cpu, **b.cpu}},
            workers=a.workers,
            ended=min(a.ended, b.ended),
            problems=tuple(dict.fromkeys((*a.problems, *b.problems))),
        ),
        duration_s=first.duration_s + then.duration_s,
        batches=first.batches + then.batches,
        mistakes=first.mistakes + then.mistakes,
    )


def _joined(first: EndpointLoad, then: EndpointLoad, offset: int) -> EndpointLoad:
    return replace(
        first,
        seconds={**first.seconds, **{number + offset: second for number, second in then.seconds.items()}},
        reasons=Counter(first.reasons) + Counter(then.reasons),
        in_time=first.in_time + then.in_time,
    )
