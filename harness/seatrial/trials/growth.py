"""Grow the data under one route and count again: the proof, or the acquittal, of an N+1.

| step | what |
|---|---|
| 1 | ask for the page as it is: which tables it reads, which rows it loads |
| 2 | grow all of these tables together, in every way at once: 2, then 5 copies of each chosen row |
| 3 | where no statement grew, all is said; where one did, grow table by table, way by way, up to 11 copies, for the slope |
| 4 | where a page of fixed size hides the growth, leave one row of the table and grow from there |
| 5 | take everything back and compare every table with what it held before |

Each size is measured cold (the app's caches emptied) and warm.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from seatrial.database.growth import Grower, Way
from seatrial.model.evidence import Kind, Load, Statement
from seatrial.model.growth import Growth, Repeat, Series
from seatrial.model.inventory import Route
from seatrial.observe.loaded import Loaded, loaded_rows
from seatrial.stats.slopes import Shape, per_row, shape
from seatrial.target import caches

if TYPE_CHECKING:
    from seatrial.target import Target

TOGETHER = (2, 5)
"""Copies of each chosen row while all tables grow together."""
ALONE = (2, 5, 11)
"""The same while one table grows."""
SINGLE_TRIALS = 8
"""Series of single tables that one route may take."""
_GROUPED = re.compile(r"\bGROUP\s+BY\b|\bSELECT\s+DISTINCT\b", re.IGNORECASE)
_LIMITED = re.compile(r"\b(?:LIMIT|FETCH\s+(?:FIRST|NEXT)|TOP)\b", re.IGNORECASE)


class StoppedError(Exception):
    """Why the series cannot go on, in words."""


class RefusedError(StoppedError):
    """The page does not answer as it should, in words: what was grown may be the reason."""


@dataclass(slots=True)
class Measure:
    """One request at one size."""

    statements: dict[str, list[Statement]]
    """By fingerprint."""
    loaded: Loaded
    wrote: bool

    def times(self, fingerprint: str) -> int:
        return len(self.statements.get(fingerprint, ()))

    def rows(self, fingerprint: str) -> int:
        return sum(statement.rows or 0 for statement in self.statements.get(fingerprint, ()))


@dataclass(slots=True)
class Pair:
    """One size: the first request after the app's caches were emptied, and the next one."""

    cold: Measure
    warm: Measure


@dataclass(slots=True)
class Prover:
    """One route as one identity."""

    target: Target
    route: Route
    identity: str
    deadline: float
    grower: Grower
    requests: int = 0
    wrote: bool = False
    series: list[Series] = field(default_factory=list)
    tables: dict[str, frozenset[str]] = field(default_factory=dict)
    """Tables that a statement names, by fingerprint."""
    unreached: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Tables of which the page cannot have more rows, and what it did: a row of settings read by `one()`."""
    notes: list[str] = field(default_factory=list)

    # ------------------------------------------------------------------ measuring
    def measure(self) -> Pair:
        """Raises StoppedError when the page is not answered by 2xx, or time is up."""
        caches.clear(self.target)
        return Pair(self._request(), self._request())

    def _request(self) -> Measure:
        if time.monotonic() > self.deadline:
            raise StoppedError(
                f"it took longer than {self.target.settings.deadlines.growth_s:g} s; raise `growth_s` under "
                f"[tool.seatrial.deadlines]"
            )
        self.requests += 1
        with loaded_rows() as loaded:
            client = self.target.client(self.identity)
            reply = self.target.send(client, self.route.method, self.route.path, rows=True)
        if reply.failure:
            raise RefusedError(f"the page {reply.failure}")
        if not 200 <= reply.status < 300:
            raise RefusedError(f"the page answers {reply.status}")
        statements: dict[str, list[Statement]] = {}
        for statement in reply.statements:
            if statement.kind in (Kind.SELECT, Kind.DML):
                statements.setdefault(statement.fingerprint, []).append(statement)
                if statement.fingerprint not in self.tables:
                    self.tables[statement.fingerprint] = self.grower.catalog.mentioned(statement.sql)
        wrote = any(statement.kind is Kind.DML for same in statements.values() for statement in same)
        self.wrote = self.wrote or wrote
        return Measure(statements, loaded, wrote)

    def read(self, pair: Pair) -> frozenset[str]:
        """Tables that a page reads."""
        return frozenset(
            table
            for measure in (pair.cold, pair.warm)
            for fingerprint, same in measure.statements.items()
            if same[0].kind is Kind.SELECT
            for table in self.tables[fingerprint]
        )

    def _named(self, measure: Measure, pattern: re.Pattern[str], rows: int = 0) -> frozenset[str]:
        """Tables named by statements of this form that fetched at least so many rows."""
        return frozenset(
            table
            for fingerprint, same in measure.statements.items()
            if pattern.search(same[0].sql) and (same[0].rows or 0) >= rows
            for table in self.tables[fingerprint]
        )

    # ------------------------------------------------------------------ the steps
    def prove(self) -> None:
        """Raises StoppedError."""
        first = self.measure()
        tables = self.read(first)
        if not tables:
            return
        seen = {name: list(keys) for name, keys in first.cold.loaded.items() if name in self.grower.catalog.tables}
        self.grower.begin(tables)
        grouped = self._named(first.cold, _GROUPED)
        ways = {table: self.grower.ways(table, seen, grouped=table in grouped) for table in sorted(tables)}
        pairs = self._together(first, ways, seen)
        together = self._keep("", "all tables together, in every way", (0, *TOGETHER), pairs)
        reasons = dict(self.grower.skipped)
        self._take_back()
        reached = {table for table, rows in together[0].seen.items() if max(rows) > rows[0]}
        suspects = self._suspects(pairs)
        if suspects:
            tables_first = _likely(together[0], suspects, sorted(reached | (_owners(suspects) & tables)))
            self._alone(first, suspects, tables_first, ways, seen)
        for table in sorted(tables - reached):
            self.unreached[table] = self.refused.get(table) or _why(table, reasons)
        self._behind_pages(first, tables - reached - self.refused.keys(), ways, seen)

    def _together(self, first: Pair, ways: dict[str, list[Way]], seen: dict[str, list[tuple[Any, ...]]]) -> list[Pair]:
        """Every size with all tables grown. Tables of which the page cannot have more rows are taken out of `ways`."""
        try:
            return self._all_grown(first, ways, seen)
        except RefusedError:
            self._take_back()
            for table in list(ways):
                self.grower.grow(table, ways[table], TOGETHER[0], seen)
                try:
                    self.measure()
                except RefusedError as error:
                    self.refused[table] = f"{error} when there are more of them"
                    del ways[table]
                self._take_back()
            if not self.refused or not ways:
                raise
            return self._all_grown(first, ways, seen)

    def _all_grown(self, first: Pair, ways: dict[str, list[Way]], seen: dict[str, list[tuple[Any, ...]]]) -> list[Pair]:
        pairs = [first]
        for before, copies in zip((0, *TOGETHER), TOGETHER, strict=False):
            for table in ways:
                self.grower.grow(table, ways[table], copies - before, seen)
            pairs.append(self._grown(copies))
        return pairs

    def _grown(self, copies: int) -> Pair:
        try:
            return self.measure()
        except StoppedError as error:
            raise type(error)(f"{error} once its tables have {copies} more of each chosen row") from None

    def _alone(
        self,
        first: Pair,
        suspects: dict[str, Statement],
        tables: Sequence[str],
        ways: dict[str, list[Way]],
        seen: dict[str, list[tuple[Any, ...]]],
    ) -> None:
        """Table by table, until every suspect is explained."""
        open_ = dict(suspects)
        for table, way in _order(open_, tables, ways)[:SINGLE_TRIALS]:
            if not open_:
                return
            for series in self._series(table, way, first, seen):
                for repeat in series.repeats:
                    if _explained(series, repeat):
                        open_.pop(repeat.statement.fingerprint, None)

    def _series(
        self, table: str, way: Way, first: Pair, seen: dict[str, list[tuple[Any, ...]]], sizes: Sequence[int] = ALONE
    ) -> list[Series]:
        pairs = [first]
        for before, copies in zip((0, *sizes), sizes, strict=False):
            self.grower.grow(table, [way], copies - before, seen)
            pairs.append(self._grown(copies))
        kept = self._keep(table, str(way), (0, *sizes), pairs)
        self._take_back()
        return kept

    def _behind_pages(
        self,
        first: Pair,
        tables: Iterable[str],
        ways: dict[str, list[Way]],
        seen: dict[str, list[tuple[Any, ...]]],
    ) -> None:
        """A list of fixed size that is full already shows growth only when it is not full."""
        for table in sorted(self._named(first.cold, _LIMITED, 2).intersection(tables)):
            keep = seen.get(table, [])[:1]
            if not self.grower.shrink(table, keep):
                continue
            small = self.measure()
            shown = {name: list(keys) for name, keys in small.cold.loaded.items()}
            self.grower.begin(set(ways))
            pairs = [small]
            for before, copies in zip((0, *TOGETHER), TOGETHER, strict=False):
                self.grower.grow(table, self.grower.ways(table, shown), copies - before, shown)
                pairs.append(self._grown(copies))
            way = "from one row up to a full page"
            for series in self._keep(table, way, (0, *TOGETHER), pairs):
                if max(series.rows()) > series.rows()[0]:
                    self.unreached.pop(table, None)
            self._take_back()

    def _take_back(self) -> None:
        if not self.grower.undo():
            raise StoppedError("its rows could not be removed again: the page writes rows that refer to them")

    # ------------------------------------------------------------------ evidence
    def _suspects(self, pairs: Sequence[Pair]) -> dict[str, Statement]:
        """Statements that ran more often when the tables had grown."""
        found: dict[str, Statement] = {}
        for measures in ([pair.cold for pair in pairs], [pair.warm for pair in pairs]):
            for fingerprint in _all(measures):
                times = [measure.times(fingerprint) for measure in measures]
                sample = _sample(measures, fingerprint)
                if max(times) > times[0] and times[-1] > times[0] and not sample.eager:
                    found.setdefault(fingerprint, sample)
        return found

    def _keep(self, table: str, way: str, sizes: tuple[int, ...], pairs: Sequence[Pair]) -> list[Series]:
        kept = []
        for cold, measures in ((True, [p.cold for p in pairs]), (False, [p.warm for p in pairs])):
            names = [table] if table else sorted({name for fp in _all(measures) for name in self.tables[fp]})
            counted = {name: self._counted(measures, name) for name in names}
            kept.append(
                Series(
                    table=table,
                    way=way,
                    cold=cold,
                    sizes=sizes,
                    seen={name: tuple(self._seen(measures, name, counted[name])) for name in names},
                    repeats=tuple(_repeat(measures, fingerprint) for fingerprint in _all(measures)),
                    counted=counted,
                )
            )
        self.series += kept
        return kept

    def _counted(self, measures: Sequence[Measure], table: str) -> frozenset[str]:
        """Statements whose rows are counted for a table; none where objects were made of its rows.

        A statement that runs per row says by its number how many rows there were, not how many of `table` it read:
        among the others it counts only where no other names the table.
        """
        if any(table in measure.loaded for measure in measures):
            return frozenset()
        naming = [fp for fp in _all(measures) if table in self.tables[fp]]
        steady = [fp for fp in naming if len({measure.times(fp) for measure in measures}) == 1]
        return frozenset(steady or naming)

    @staticmethod
    def _seen(measures: Sequence[Measure], table: str, counted: frozenset[str]) -> list[int]:
        """Rows of a table that were read: objects made of them, else rows of the statements that name it."""
        if counted:
            return [sum(measure.rows(fp) for fp in counted) for measure in measures]
        return [len(measure.loaded.get(table, ())) for measure in measures]


def _all(measures: Sequence[Measure]) -> list[str]:
    return list(dict.fromkeys(fingerprint for measure in measures for fingerprint in measure.statements))


def _sample(measures: Sequence[Measure], fingerprint: str) -> Statement:
    """The execution of which most is known, from the largest size."""
    same = [s for measure in reversed(measures) for s in measure.statements.get(fingerprint, ())]
    return max(same, key=lambda s: (bool(s.relationship), s.load is not Load.NONE, s.place is not None))


def _repeat(measures: Sequence[Measure], fingerprint: str) -> Repeat:
    same = [s for measure in measures for s in measure.statements.get(fingerprint, ())]
    places = dict.fromkeys(f"{s.place.path}:{s.place.line}" for s in same if s.place is not None)
    return Repeat(
        statement=replace(_sample(measures, fingerprint), parameters=0),
        times=tuple(measure.times(fingerprint) for measure in measures),
        rows=tuple(measure.rows(fingerprint) for measure in measures),
        places=tuple(places)[:5],
    )


def _explained(series: Series, repeat: Repeat) -> bool:
    """No other table could say more: one statement per row, the owner's own rows, or more than in proportion."""
    rows = series.rows_beside(repeat)
    found = per_row(rows, repeat.times)
    if found is None:
        return False
    return (
        abs(found - 1) < 0.1 or repeat.statement.owner == series.table or shape(rows, repeat.times) is Shape.SUPERLINEAR
    )


def _owners(suspects: dict[str, Statement]) -> set[str]:
    """Tables whose objects a relationship was loaded for."""
    return {statement.owner for statement in suspects.values() if statement.owner}


def _likely(together: Series, suspects: dict[str, Statement], tables: Sequence[str]) -> list[str]:
    """The tables, first those of which the page read as many rows more as it sent statements more."""
    risen = [
        repeat.times[-1] - repeat.times[0] for repeat in together.repeats if repeat.statement.fingerprint in suspects
    ]

    def distance(table: str) -> int:
        rows = together.seen.get(table, (0,))
        return min((abs(rows[-1] - rows[0] - rise) for rise in risen), default=0)

    return sorted(tables, key=distance)


def _order(suspects: dict[str, Statement], tables: Sequence[str], ways: dict[str, list[Way]]) -> list[tuple[str, Way]]:
    """Which table to grow first, and how: the owner of a relationship, each with a target of its own where it leads to
    one; then the others, beside what is there."""
    owners = _owners(suspects)
    to_one = {s.owner for s in suspects.values() if s.relationship and not s.to_many}
    chosen = [(table, way) for table in tables for way in ways.get(table, ())]

    def rank(pair: tuple[str, Way]) -> tuple[bool, bool, bool]:
        table, way = pair
        fits = (way.apart is not None) if table in to_one else (way.apart is None)
        return (table not in owners, not fits, way.onto is not None)

    return sorted(chosen, key=rank)


def _why(table: str, reasons: dict[str, int]) -> str:
    own = Counter({reason: times for reason, times in reasons.items() if reason.startswith(f"{table}:")})
    if own:
        return own.most_common(1)[0][0].partition(": ")[2]
    return "the page did not read the rows that were added"


def prove(target: Target, route: Route, identity: str) -> Growth:
    """Grow under one route. Never raises for what the app or its data do: the evidence says it."""
    grower = target.grower()
    started = time.monotonic()
    prover = Prover(target, route, identity, started + target.settings.deadlines.growth_s, grower)
    reason = broken = ""
    dirty = False
    try:
        grower.mark(target.writes)
        try:
            prover.prove()
        except StoppedError as error:
            reason = str(error)
        if not grower.undo():
            dirty = True
        changed = grower.differences() if not dirty else []
        dirty = dirty or bool(changed) or grower.shrunk
        if changed and not prover.wrote and not grower.shrunk:
            prover.notes.append(f"{', '.join(changed)} could not be put back exactly and was restored")
    except SQLAlchemyError as error:
        broken, dirty = f"the trial's database failed: {str(error).splitlines()[0][:200]}", True
        grower.release()
    return Growth(
        route=route,
        identity=identity,
        series=tuple(prover.series),
        unreached=prover.unreached,
        reason=reason,
        single=bool(prover.series)
        and all(
            times == rows for series in prover.series for r in series.repeats for times, rows in [(r.times, r.rows)]
        ),
        silent=not prover.series and not reason and not broken,
        dirty=dirty,
        broken=broken,
        notes=tuple(prover.notes),
        elapsed_ms=round((time.monotonic() - started) * 1000, 1),
        requests=prover.requests,
    )
