"""Routes that write: the database is restored before each size, so that each request finds what the first one found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from seatrial.database.growth import Seen, Way
from seatrial.model.growth import Growth
from seatrial.model.inventory import Route
from seatrial.model.profiles import Profile
from seatrial.trials.growth.bench import HostBench, out_of_time
from seatrial.trials.growth.measure import Measure, Pair, StoppedError
from seatrial.trials.growth.prover import Prover

if TYPE_CHECKING:
    from seatrial.host.run import Run
    from seatrial.target import Target


@dataclass(frozen=True, slots=True)
class Sowing:
    """What to grow before the one request: every table in its ways, from the restored database."""

    chosen: Mapping[str, Sequence[Way]]
    copies: int
    seen: Seen
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Harvest:
    """What the host brings back."""

    measure: Measure
    ways: Mapping[str, Sequence[Way]]
    known: frozenset[str]
    named: frozenset[str]
    skipped: Counter[str]


@dataclass(slots=True)
class RestoredBench:
    """One unsafe route as one identity, seen from outside of the host."""

    run: Run
    profile: Profile
    route: Route
    identity: str
    options: Mapping[str, Any]
    deadline: float
    requests: int = 0
    known: frozenset[str] = frozenset()
    skipped: Counter[str] = field(default_factory=Counter)
    remembered: dict[str, tuple[str, Way]] = field(default_factory=dict)
    _tables: frozenset[str] = frozenset()
    _last: Harvest | None = None

    def first(self) -> Pair:
        return Pair(self._ask(None).measure)

    def ways(self, tables: frozenset[str], grouped: frozenset[str], seen: Seen) -> dict[str, list[Way]]:
        assert self._last is not None
        self._tables = tables & self.known
        return {table: list(self._last.ways[table]) for table in sorted(self._tables)}

    def grown(self, chosen: Mapping[str, Sequence[Way]], copies: int, seen: Seen) -> Pair:
        harvest = self._ask(Sowing(chosen, copies, seen, self._tables))
        self.skipped = harvest.skipped
        return Pair(harvest.measure)

    def back(self) -> None:
        """Nothing to do: the next size begins with a restored database."""

    def shrunk(self, table: str, seen: Seen) -> Pair | None:
        return None  # a page of results is what GET routes have

    def named(self, seen: Seen) -> frozenset[str]:
        assert self._last is not None
        return self._last.named

    def _ask(self, sowing: Sowing | None) -> Harvest:
        deadlines = self.run.settings.deadlines
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise StoppedError(out_of_time(deadlines.growth_s))
        self.run.restore(self.profile)
        self.requests += 1
        self._last = self.run.call(
            self.profile, ask, left + deadlines.request_s + 5, self.route, self.identity, self.options, sowing
        )
        self.known = self._last.known
        return self._last


def ask(target: Target, route: Route, identity: str, options: Mapping[str, Any], sowing: Sowing | None) -> Harvest:
    """In the host: grow, then send the one request. The copies stay; the database is restored from outside.

    Raises:
        StoppedError: The route did not answer 2xx.
    """
    grower = target.grower()
    bench = HostBench(target, route, identity, grower, time.monotonic() + target.settings.deadlines.growth_s, options)
    if sowing is None:
        measure = bench.once()
        seen = {name: list(keys) for name, keys in measure.loaded.items() if name in bench.known}
        ways = bench.ways(measure.read, measure.grouped, seen)
        return Harvest(measure, ways, bench.known, bench.named(seen), Counter())
    bench.ways(sowing.tables, frozenset(), sowing.seen)
    for table, chosen in sowing.chosen.items():
        grower.grow(table, chosen, sowing.copies, sowing.seen)
    skipped = bench.skipped
    return Harvest(bench.once(), {}, bench.known, frozenset(), skipped)


def prove_writing(run: Run, profile: Profile, route: Route, identity: str, options: Mapping[str, Any]) -> Growth:
    """Grow under one route that writes.

    Raises:
        HostEnded, HostHung: The request ended the host.
        InconclusiveError: The trial was banned or locked out on the way.
    """
    started = time.monotonic()
    bench = RestoredBench(run, profile, route, identity, options, started + run.settings.deadlines.growth_s)
    prover = Prover(bench)
    prover.run()
    return replace(
        prover.evidence(route, identity),
        dirty=True,
        elapsed_ms=round((time.monotonic() - started) * 1000, 1),
        requests=bench.requests,
    )
