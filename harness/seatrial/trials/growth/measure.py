"""What one request showed at one size of the data. Plain data: it may cross the pipe."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.model.evidence import Exchange, Kind, Load, Statement
from seatrial.model.findings import Place
from seatrial.observe.loaded import Loaded

_GROUPED = re.compile(r"\bGROUP\s+BY\b|\bSELECT\s+DISTINCT\b", re.IGNORECASE)


class StoppedError(Exception):
    """Why the series cannot go on, in words."""


class UnansweredError(StoppedError):
    """The page itself was not seen: `exchange` says what came in its place."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        seen = f"fails ({exchange.failure})" if exchange.failure else f"answers {exchange.status}"
        super().__init__(f"the page {seen}")

    def __reduce__(self) -> tuple[type[UnansweredError], tuple[Exchange]]:
        return UnansweredError, (self.exchange,)


@dataclass(slots=True)
class Measure:
    """One request at one size."""

    statements: dict[str, list[Statement]]
    """By fingerprint."""
    loaded: Loaded
    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Tables that each statement names, by fingerprint."""

    def times(self, fingerprint: str) -> int:
        return len(self.statements.get(fingerprint, ()))

    def rows(self, fingerprint: str) -> int:
        return sum(statement.rows or 0 for statement in self.statements.get(fingerprint, ()))

    def counts(self) -> dict[str, int]:
        return {fingerprint: len(same) for fingerprint, same in self.statements.items()}

    @property
    def wrote(self) -> bool:
        return any(same[0].kind is Kind.DML for same in self.statements.values())

    def naming(self, pattern: re.Pattern[str], rows: int = 0) -> frozenset[str]:
        """Tables named by statements of this form that fetched at least so many rows."""
        return frozenset(
            table
            for fingerprint, same in self.statements.items()
            if pattern.search(same[0].sql) and (same[0].rows or 0) >= rows
            for table in self.tables[fingerprint]
        )

    @property
    def grouped(self) -> frozenset[str]:
        """Tables that the page reads by groups."""
        return self.naming(_GROUPED)

    @property
    def read(self) -> frozenset[str]:
        """Tables that the page reads."""
        reading = (fp for fp, same in self.statements.items() if same[0].kind is Kind.SELECT)
        return frozenset(table for fingerprint in reading for table in self.tables[fingerprint])


@dataclass(slots=True)
class Pair:
    """One size: the first request after the app's caches were emptied and, where caches matter, the next one."""

    cold: Measure
    warm: Measure | None = None


def gathered(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    """Those that count, by fingerprint."""
    found: dict[str, list[Statement]] = {}
    for statement in statements:
        if statement.kind in (Kind.SELECT, Kind.DML):
            found.setdefault(statement.fingerprint, []).append(statement)
    return found


def every(measures: Sequence[Measure]) -> list[str]:
    """Fingerprints of all of them, in the order in which they were first sent."""
    return list(dict.fromkeys(fingerprint for measure in measures for fingerprint in measure.statements))


def sample(measures: Sequence[Measure], fingerprint: str) -> Statement:
    """The execution that stands for all: of the origin that grew, the one of which most is known, at the largest size.

    The same SQL may come from two places: a relationship that is loaded once for the visitor, and another per row.
    """
    same = [s for measure in reversed(measures) for s in measure.statements.get(fingerprint, ())]
    known = [s for s in same if s.relationship or s.place is not None] or same
    before, after = (Counter(map(_origin, measures[i].statements.get(fingerprint, ()))) for i in (0, -1))

    def rank(statement: Statement) -> tuple[int, bool, bool, bool]:
        origin = _origin(statement)
        rise = after[origin] - before[origin]
        return rise, bool(statement.relationship), statement.load is not Load.NONE, statement.place is not None

    return max(known, key=rank)


def _origin(statement: Statement) -> tuple[str, Place | None]:
    return statement.relationship, statement.place
