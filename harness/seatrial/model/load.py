"""A load run as it was measured: latencies per endpoint and second, and what the generator says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Latencies = Mapping[float, int]
"""Milliseconds (three significant digits, rounded up) -> requests."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded of one endpoint. None: not demanded."""

    p99_ms: float = 200.0
    p95_ms: float | None = None
    p50_ms: float | None = None
    errors: float = 0.01
    """Share of the requests that may go without the expected answer."""
    throughput: float = 0.9
    """Share of what was offered that must be answered while the load lasts."""


@dataclass(frozen=True, slots=True)
class Second:
    """What was offered to one endpoint in one second of the run, by the intended start."""

    latency: Latencies = field(default_factory=dict)
    """From the intended start to the end of the expected answer."""
    service: Latencies = field(default_factory=dict)
    """From the moment it was really sent: what a closed loop would report."""
    failed: int = 0
    """Without the expected answer, refused, timed out or never sent: slower than any that was answered."""

    @property
    def offered(self) -> int:
        return sum(self.latency.values()) + self.failed


@dataclass(frozen=True, slots=True)
class EndpointLoad:
    """One endpoint under load."""

    subject: str
    demands: Demands = field(default_factory=Demands)
    seconds: Mapping[int, Second] = field(default_factory=dict)
    """By whole seconds since the load began."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why requests failed, and how many."""
    in_time: int = 0
    """Requests that were answered before the load ended."""

    @property
    def offered(self) -> int:
        return sum(second.offered for second in self.seconds.values())

    @property
    def failed(self) -> int:
        return sum(second.failed for second in self.seconds.values())


@dataclass(frozen=True, slots=True)
class Generator:
    """What the load generator says about itself: where it was the bottleneck, the numbers judge it and not the app."""

    lag: Latencies = field(default_factory=dict)
    """How late arrivals left the schedule."""
    arrivals: int = 0
    """That the schedule made."""
    settled: int = 0
    """Arrivals that were accounted for: answered, failed, or never sent."""
    cpu: Mapping[str, float] = field(default_factory=dict)
    """Share of one processor that each process of the generator used."""
    workers: int = 1
    """Processes that were to send."""
    ended: int = 1
    """Of these, processes that said that they were done."""
    problems: tuple[str, ...] = ()
    """Sentences about what went wrong with it."""


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One or more batches of load on one address."""

    url: str
    endpoints: tuple[EndpointLoad, ...]
    generator: Generator = field(default_factory=Generator)
    rate: str = ""
    """As it was asked for (`50`, `10..100`)."""
    duration_s: float = 0.0
    """Of all batches, without warming up."""
    batches: int = 1
    mistakes: tuple[str, ...] = ()
    """What keeps the run from being one at all (a log-in that was refused)."""
