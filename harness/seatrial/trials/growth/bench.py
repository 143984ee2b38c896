"""Where the data of one route grows: inside the host, by copies that are removed again."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from seatrial.database.growth import Grower, Seen, Way
from seatrial.model.growth import Growth
from seatrial.model.inventory import Route
from seatrial.observe.loaded import loaded_rows
from seatrial.target import caches
from seatrial.trials import sweep
from seatrial.trials.growth.measure import Measure, Pair, StoppedError, UnansweredError, gathered
from seatrial.trials.growth.prover import Prover

if TYPE_CHECKING:
    from seatrial.target import Target

_PLURAL = re.compile(r"(?:(?<=ch)|(?<=sh)|(?<=ss)|(?<=x)|(?<=z))es$|(?<!s)s$")
_SEGMENT = re.compile(r"[^/?&=.,;]+")


@dataclass(slots=True)
class HostBench:
    """One route as one identity, in the host that holds the app."""

    target: Target
    route: Route
    identity: str
    grower: Grower
    deadline: float
    """On the clock of `time.monotonic`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the request: a form, a JSON body."""
    requests: int = 0
    wrote: bool = False
    _caches_matter: bool = False
    _copies: int = 0
    _tables: dict[str, frozenset[str]] = field(default_factory=dict)

    # ------------------------------------------------------------------ asking
    def first(self) -> Pair:
        caches.clear(self.target)
        cold, warm = self._request(), self._request()
        # Where emptied caches change nothing, a second request at every size would tell nothing either.
        self._caches_matter = cold.counts() != warm.counts()
        return Pair(cold, warm if self._caches_matter else None)

    def once(self) -> Measure:
        """One request, with the app's caches emptied."""
        caches.clear(self.target)
        return self._request()

    def _again(self) -> Pair:
        caches.clear(self.target)
        return Pair(self._request(), self._request() if self._caches_matter else None)

    def _request(self) -> Measure:
        if time.monotonic() > self.deadline:
            raise StoppedError(out_of_time(self.target.settings.deadlines.growth_s))
        self.requests += 1
        with loaded_rows() as loaded:
            exchange = sweep.drive(self.target, self.route, self.identity, self.route.path, rows=True, **self.options)
        if not exchange.ok:
            raise UnansweredError(replace(exchange, statements=()))
        statements = gathered(exchange.statements)
        for fingerprint, same in statements.items():
            if fingerprint not in self._tables:
                self._tables[fingerprint] = self.grower.catalog.mentioned(same[0].sql)
        measure = Measure(statements, loaded, {fingerprint: self._tables[fingerprint] for fingerprint in statements})
        self.wrote = self.wrote or measure.wrote
        return measure

    # ------------------------------------------------------------------ growing
    @property
    def known(self) -> frozenset[str]:
        """Tables that can be spoken of."""
        return frozenset(self.grower.catalog.tables)

    @property
    def skipped(self) -> Counter[str]:
        return Counter(self.grower.skipped)

    @property
    def remembered(self) -> dict[str, tuple[str, Way]]:
        return self.grower.explained

    def ways(self, tables: frozenset[str], grouped: frozenset[str], seen: Seen) -> dict[str, list[Way]]:
        self.grower.begin(tables)
        return {table: self.grower.ways(table, seen, grouped=table in grouped) for table in sorted(tables & self.known)}

    def grown(self, chosen: Mapping[str, Sequence[Way]], copies: int, seen: Seen) -> Pair:
        for table, ways in chosen.items():
            self.grower.grow(table, ways, copies - self._copies, seen)
        self._copies = copies
        return self._again()

    def back(self) -> None:
        self._copies = 0
        if not self.grower.undo():
            raise StoppedError("its rows could not be removed again: the page writes rows that refer to them")

    def shrunk(self, table: str, seen: Seen) -> Pair | None:
        if not self.grower.shrink(table, seen.get(table, [])[:1]):
            return None
        return self._again()

    def named(self, seen: Seen) -> frozenset[str]:
        """Tables of which the URL names a row: it holds a word of the table's name and a key of the row.

        The key alone says little: organisation 1 is loaded on the page of order 1 as well.
        """
        if not self.route.arguments:
            return frozenset()
        values = set(_SEGMENT.findall(self.route.path))
        words = _words(f"{self.route.rule} {self.route.endpoint}")
        return frozenset(
            table
            for table, keys in seen.items()
            if len(keys) == 1 and words & _words(table) and values & self.grower.identifying(table, seen)
        )


def _words(text: str) -> set[str]:
    """Words in the singular, as far as English goes by rules: `/batches/<batch_id>` has `batch`."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return {_PLURAL.sub("", re.sub(r"ies$", "y", word)) for word in words}


def out_of_time(limit_s: float) -> str:
    return f"it took longer than {limit_s:g} s; raise `growth_s` under [tool.seatrial.deadlines]"


def prove(target: Target, route: Route, identity: str, options: Mapping[str, Any]) -> Growth:
    """Grow under one route. What the app or its data do is evidence, never an error.

    Raises:
        InconclusiveError: The trial was banned or locked out on the way.
    """
    grower = target.grower()
    started = time.monotonic()
    bench = HostBench(target, route, identity, grower, started + target.settings.deadlines.growth_s, options)
    prover = Prover(bench)
    broken, dirty, notes = "", False, []
    try:
        grower.mark(target.writes)
        prover.run()
        dirty = not grower.undo()
        changed = grower.differences(everywhere=bench.wrote) if not dirty else []
        dirty = dirty or bool(changed) or grower.shrunk
        if changed and not bench.wrote and not grower.shrunk:
            notes.append(f"{', '.join(changed)} could not be put back exactly and was restored")
    except SQLAlchemyError as error:
        broken, dirty = f"the trial's database failed: {str(error).splitlines()[0][:200]}", True
        grower.release()
    return replace(
        prover.evidence(route, identity),
        dirty=dirty,
        broken=broken,
        notes=tuple(notes),
        elapsed_ms=round((time.monotonic() - started) * 1000, 1),
        requests=bench.requests,
    )
