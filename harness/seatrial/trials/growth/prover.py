"""The procedure: which table to grow in which way, until every statement that grew is explained."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from seatrial.database.growth import Seen, Way
from seatrial.model.evidence import Exchange, Statement
from seatrial.model.growth import Growth, Repeat, Series
from seatrial.model.inventory import Route
from seatrial.stats.slopes import Shape, exact, per_row, shape
from seatrial.trials.growth.measure import Measure, Pair, StoppedError, UnansweredError, every, sample

TOGETHER = (2, 5)
"""Copies of each chosen row while all tables grow together."""
ALONE = (2, 5, 11)
"""The same while one table grows."""
SINGLE_TRIALS = 8
"""Series of single tables that one route may take."""
PLACES = 5
NOT_READ = "the page did not read the rows that were added"
_LIMITED = re.compile(r"\b(?:LIMIT|FETCH\s+(?:FIRST|NEXT)|TOP)\b", re.IGNORECASE)


class Bench(Protocol):
    """Where the data grows and the page is asked for. Each request may raise StoppedError."""

    @property
    def known(self) -> frozenset[str]: ...
    @property
    def skipped(self) -> Counter[str]: ...
    @property
    def remembered(self) -> dict[str, tuple[str, Way]]:
        """What explained a statement of another page, by fingerprint."""
        ...

    def first(self) -> Pair: ...
    def ways(self, tables: frozenset[str], grouped: frozenset[str], seen: Seen) -> dict[str, list[Way]]:
        """Begin a series with the tables that the page reads, some of them by groups."""
        ...

    def grown(self, chosen: Mapping[str, Sequence[Way]], copies: int, seen: Seen) -> Pair:
        """The page with `copies` copies of each chosen row; sizes of a series rise."""
        ...

    def back(self) -> None:
        """Remove the copies."""
        ...

    def shrunk(self, table: str, seen: Seen) -> Pair | None:
        """The page with one row of the table; None where that cannot be done."""
        ...

    def named(self, seen: Seen) -> frozenset[str]: ...


@dataclass(slots=True)
class Prover:
    """One route as one identity."""

    bench: Bench
    series: list[Series] = field(default_factory=list)
    unreached: dict[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    causes: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    answer: Exchange | None = None
    _refused: dict[str, str] = field(default_factory=dict)
    """Tables of which the page cannot have more rows, and what it did: a row of settings read by `one()`."""
    _tables: dict[str, frozenset[str]] = field(default_factory=dict)
    """Tables that each statement names, by fingerprint."""

    def run(self) -> None:
        """Go as far as the page and the time allow; what stopped it is kept as the reason."""
        try:
            self._prove()
        except UnansweredError as error:
            self.reason, self.answer = str(error), None if self.series else error.exchange
        except StoppedError as error:
            self.reason = str(error)

    def evidence(self, route: Route, identity: str) -> Growth:
        return Growth(
            route=route,
            identity=identity,
            series=tuple(self.series),
            unreached=self.unreached,
            named=self.named,
            causes=self.causes,
            reason=self.reason,
            answer=self.answer,
            single=bool(self.series)
            and set(self.unreached.values()) <= {NOT_READ}
            and all(r.times == r.rows for series in self.series for r in series.repeats),
            silent=not self.series and not self.reason,
        )

    def _prove(self) -> None:
        first = self.bench.first()
        self._learn(first)
        tables = first.cold.read | (first.warm.read if first.warm else frozenset())
        if not tables:
            return
        seen = {name: list(keys) for name, keys in first.cold.loaded.items() if name in self.bench.known}
        self.named = self.bench.named(seen)
        ways = self.bench.ways(tables, first.cold.grouped, seen)
        pairs = self._together(first, ways, seen)
        together = self._keep("", Way(), "all tables together, in every way", (0, *TOGETHER), pairs)
        reasons = self.bench.skipped
        self.bench.back()
        reached = {table for table, rows in together[0].seen.items() if max(rows) > rows[0]}
        suspects = self._without_known(self._suspects(pairs), together)
        if suspects:
            candidates = sorted(reached | (_owners(suspects) & tables))
            self._alone(first, suspects, _likely(together[0], suspects, candidates), ways, seen)
        self._under_the_named(first, pairs, ways, seen)
        for table in sorted(tables - reached):
            self.unreached[table] = self._refused.get(table) or _why(table, reasons)
        self._behind_pages(first, tables - reached - self._refused.keys(), ways, seen)

    def _together(self, first: Pair, ways: dict[str, list[Way]], seen: Seen) -> list[Pair]:
        """Every size with all tables grown. Tables of which the page cannot have more rows are taken out of `ways`."""
        try:
            return self._all_grown(first, ways, seen)
        except UnansweredError as error:
            self.bench.back()
            for table in list(ways):
                try:
                    self._learn(self.bench.grown({table: ways[table]}, TOGETHER[0], seen))
                except UnansweredError as alone:
                    self._refused[table] = f"{alone} when there are more of them"
                    del ways[table]
                self.bench.back()
            if not self._refused or not ways:
                raise _with_more(error, TOGETHER[0]) from None
        try:
            return self._all_grown(first, ways, seen)
        except UnansweredError as error:
            raise _with_more(error, TOGETHER[0]) from None

    def _all_grown(self, first: Pair, ways: Mapping[str, Sequence[Way]], seen: Seen) -> list[Pair]:
        return [first, *(self._learn(self.bench.grown(ways, copies, seen)) for copies in TOGETHER)]

    def _learn(self, pair: Pair) -> Pair:
        for measure in (pair.cold, pair.warm):
            if measure is not None:
                self._tables.update(measure.tables)
        return pair

    def _grown(self, chosen: Mapping[str, Sequence[Way]], copies: int, seen: Seen) -> Pair:
        try:
            return self._learn(self.bench.grown(chosen, copies, seen))
        except UnansweredError as error:
            raise _with_more(error, copies) from None

    def _without_known(self, suspects: dict[str, Statement], together: Sequence[Series]) -> dict[str, Statement]:
        """Those that still have to be explained: what a layout sends was explained on the first page that has it.

        It is the same here where it follows the same table's rows exactly.
        """
        for series in together:
            for repeat in series.repeats:
                fingerprint = repeat.statement.fingerprint
                table, _ = self.bench.remembered.get(fingerprint, ("", None))
                if table not in series.seen or fingerprint not in suspects:
                    continue
                rows = series.rows_beside(repeat, table)
                if exact(rows, repeat.times) and _whole(per_row(rows, repeat.times)):
                    self.causes[fingerprint] = table
        return {fingerprint: statement for fingerprint, statement in suspects.items() if fingerprint not in self.causes}

    # ------------------------------------------------------------------ one table at a time
    def _alone(
        self,
        first: Pair,
        suspects: dict[str, Statement],
        tables: Sequence[str],
        ways: Mapping[str, Sequence[Way]],
        seen: Seen,
    ) -> None:
        """Table by table, until every suspect is explained."""
        unexplained = dict(suspects)
        memory = self.bench.remembered
        for table, way in _order(suspects, tables, ways)[:SINGLE_TRIALS]:
            if not unexplained:
                return
            for series in self._series(table, way, first, seen, ALONE):
                for repeat in series.repeats:
                    if repeat.statement.fingerprint in unexplained and _explains(series, repeat):
                        memory[repeat.statement.fingerprint] = (table, way)
                        del unexplained[repeat.statement.fingerprint]

    def _series(self, table: str, way: Way, first: Pair, seen: Seen, sizes: Sequence[int]) -> list[Series]:
        pairs = [first, *(self._grown({table: [way]}, copies, seen) for copies in sizes)]
        kept = self._keep(table, way, str(way), (0, *sizes), pairs)
        self.bench.back()
        return kept

    def _under_the_named(
        self, first: Pair, pairs: Sequence[Pair], ways: Mapping[str, Sequence[Way]], seen: Seen
    ) -> None:
        """A list of what belongs to the object in the URL does not grow with its table: show it with rows of others."""
        measures = [pair.cold for pair in pairs]
        for fingerprint in every(measures):
            rows = [measure.rows(fingerprint) for measure in measures]
            if any(measure.times(fingerprint) != 1 for measure in measures) or rows[-1] <= rows[0]:
                continue
            for table in sorted(self._tables[fingerprint]):
                for way in ways.get(table, ()):
                    shown = any(series.table == table and series.apart == way.parent for series in self.series)
                    if way.manner == "apart" and way.parent in self.named - {table} and not shown:
                        self._series(table, way, first, seen, TOGETHER[:1])

    # ------------------------------------------------------------------ pages of fixed size
    def _behind_pages(self, first: Pair, tables: Iterable[str], ways: Mapping[str, Sequence[Way]], seen: Seen) -> None:
        """A list of fixed size that is full already shows growth only when it is not full."""
        for table in sorted(first.cold.naming(_LIMITED, 2).intersection(tables)):
            small = self.bench.shrunk(table, seen)
            if small is None:
                continue
            self._learn(small)
            shown = {name: list(keys) for name, keys in small.cold.loaded.items()}
            anew = {table: self.bench.ways(frozenset(ways), small.cold.grouped, shown).get(table, [])}
            pairs = [small, *(self._grown(anew, copies, shown) for copies in TOGETHER)]
            for series in self._keep(table, Way(), "from one row up to a full page", (0, *TOGETHER), pairs):
                if max(series.rows()) > series.rows()[0]:
                    self.unreached.pop(table, None)
            self.bench.back()

    # ------------------------------------------------------------------ evidence
    def _suspects(self, pairs: Sequence[Pair]) -> dict[str, Statement]:
        """Statements that ran more often when the tables had grown."""
        found: dict[str, Statement] = {}
        for _, measures in _by_temperature(pairs):
            for fingerprint in every(measures):
                times = [measure.times(fingerprint) for measure in measures]
                typical = sample(measures, fingerprint)
                if times[-1] > times[0] and not typical.eager:
                    found.setdefault(fingerprint, typical)
        return found

    def _keep(self, table: str, way: Way, words: str, sizes: tuple[int, ...], pairs: Sequence[Pair]) -> list[Series]:
        kept = []
        for cold, measures in _by_temperature(pairs):
            names = [table] if table else sorted({name for fp in every(measures) for name in self._tables[fp]})
            counted = {name: self._counted(measures, name) for name in names}
            kept.append(
                Series(
                    table=table,
                    way=words,
                    apart=way.parent if way.manner == "apart" else "",
                    cold=cold,
                    sizes=sizes,
                    seen={name: tuple(_seen(measures, name, counted[name])) for name in names},
                    repeats=tuple(_repeat(measures, fingerprint) for fingerprint in every(measures)),
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
        naming = [fp for fp in every(measures) if table in self._tables[fp]]
        steady = [fp for fp in naming if len({measure.times(fp) for measure in measures}) == 1]
        return frozenset(steady or naming)


def _with_more(error: UnansweredError, copies: int) -> StoppedError:
    return StoppedError(f"{error} once its tables have {copies} more of each chosen row")


def _by_temperature(pairs: Sequence[Pair]) -> Iterable[tuple[bool, list[Measure]]]:
    """The requests with emptied caches, then the others where there are any: (cold, one per size)."""
    yield True, [pair.cold for pair in pairs]
    warm = [pair.warm for pair in pairs if pair.warm is not None]
    if len(warm) == len(pairs):
        yield False, warm


def _seen(measures: Sequence[Measure], table: str, counted: frozenset[str]) -> list[int]:
    """Rows of a table that were read: objects made of them, else rows of the statements that name it."""
    if counted:
        return [sum(measure.rows(fp) for fp in counted) for measure in measures]
    return [len(measure.loaded.get(table, ())) for measure in measures]


def _repeat(measures: Sequence[Measure], fingerprint: str) -> Repeat:
    same = [s for measure in measures for s in measure.statements.get(fingerprint, ())]
    typical = sample(measures, fingerprint)
    places = dict.fromkeys(f"{s.place.path}:{s.place.line}" for s in (typical, *same) if s.place is not None)
    return Repeat(
        statement=replace(typical, parameters=0),
        times=tuple(measure.times(fingerprint) for measure in measures),
        rows=tuple(measure.rows(fingerprint) for measure in measures),
        places=tuple(places)[:PLACES],
    )


def _explains(series: Series, repeat: Repeat) -> bool:
    """The statement follows the rows of this table, and nothing says that another table is the cause."""
    rows = series.rows_beside(repeat)
    if per_row(rows, repeat.times) is None:
        return False
    owner = repeat.statement.owner
    if owner == series.table or shape(rows, repeat.times) is Shape.SUPERLINEAR:
        return True
    return not owner and exact(rows, repeat.times)


def _whole(slope: float | None) -> bool:
    """Half a statement per row is seen where some of the rows share what is loaded: one table alone tells more."""
    return slope is not None and slope > 0.5 and abs(slope - round(slope)) < 0.05


def _owners(suspects: Mapping[str, Statement]) -> set[str]:
    """Tables whose objects a relationship was loaded for."""
    return {statement.owner for statement in suspects.values() if statement.owner}


def _likely(together: Series, suspects: Mapping[str, Statement], tables: Sequence[str]) -> list[str]:
    """The tables, first those of which the page read one row more per statement more, then a whole number of them."""
    rises = [
        repeat.times[-1] - repeat.times[0] for repeat in together.repeats if repeat.statement.fingerprint in suspects
    ]

    def misfit(table: str) -> int:
        rows = together.seen.get(table, (0,))
        more = rows[-1] - rows[0]
        if more <= 0:
            return 3
        return min((0 if rise == more else 1 if rise % more == 0 else 2 for rise in rises), default=2)

    return sorted(tables, key=misfit)


def _order(
    suspects: Mapping[str, Statement], tables: Sequence[str], ways: Mapping[str, Sequence[Way]]
) -> list[tuple[str, Way]]:
    """Which table to grow first, and how: the owner of a relationship, each with a target of its own where it leads to
    one; then the others, beside what is there."""
    owners = _owners(suspects)
    to_one = {s.owner for s in suspects.values() if s.relationship and not s.to_many}
    chosen = [(table, way) for table in tables for way in ways.get(table, ())]

    def rank(pair: tuple[str, Way]) -> tuple[bool, bool, bool]:
        table, way = pair
        fits = (way.manner == "apart") if table in to_one else (way.manner != "apart")
        return (table not in owners, not fits, way.manner == "onto")

    return sorted(chosen, key=rank)


def _why(table: str, reasons: Mapping[str, int]) -> str:
    own = Counter({reason: times for reason, times in reasons.items() if reason.startswith(f"{table}:")})
    if own:
        return own.most_common(1)[0][0].partition(": ")[2]
    return NOT_READ
