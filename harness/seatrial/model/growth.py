"""Evidence of a growth trial: what a route sent while the tables that it reads grew."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.model.evidence import Exchange, Statement
from seatrial.model.inventory import Route
from seatrial.model.requests import Request


@dataclass(frozen=True, slots=True)
class Repeat:
    """One statement over the sizes of a series."""

    statement: Statement
    """One of its executions, with what attribution knows of it."""
    times: tuple[int, ...]
    """How often one request sent it, per size."""
    rows: tuple[int, ...]
    """How many rows it fetched in one request, per size."""
    places: tuple[str, ...] = ()
    """Own lines that sent it, `path:line`."""


@dataclass(frozen=True, slots=True)
class Series:
    """One way of growing, measured at several sizes."""

    table: str
    """The table that grew; empty where all tables that the route reads grew together."""
    way: str
    """How the new rows hang on the others, in words."""
    cold: bool
    """The caches of the app were emptied before each request."""
    sizes: tuple[int, ...]
    """Copies made of each chosen row."""
    seen: Mapping[str, tuple[int, ...]]
    """Rows that the route read, by table and size."""
    repeats: tuple[Repeat, ...]
    counted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fingerprints of the statements whose rows stand in `seen`, for tables of which no objects were made."""
    apart: str = ""
    """The table of which each new row got a row of its own; empty where that was not so."""

    def rows(self, table: str = "") -> tuple[int, ...]:
        """Rows read of a table (of the one that grew, or all together), per size."""
        if table or self.table:
            return self.seen.get(table or self.table, (0,) * len(self.sizes))
        return tuple(sum(column) for column in zip(*self.seen.values(), strict=True)) or (0,) * len(self.sizes)

    def rows_beside(self, repeat: Repeat, table: str = "") -> tuple[int, ...]:
        """The same without what this statement fetched itself, which proves nothing about it: a COUNT fetches one row
        each time that it runs."""
        tables = [table or self.table] if table or self.table else list(self.seen)
        own = sum(repeat.statement.fingerprint in self.counted.get(name, ()) for name in tables)
        return tuple(rows - own * fetched for rows, fetched in zip(self.rows(table), repeat.rows, strict=True))


@dataclass(frozen=True, slots=True)
class Growth:
    """What growing the data did to one route as one identity."""

    route: Route
    identity: str
    series: tuple[Series, ...] = ()
    unreached: Mapping[str, str] = field(default_factory=dict)
    """Tables whose growth the route did not see, and why."""
    named: frozenset[str] = frozenset()
    """Tables of which the URL names a row."""
    causes: Mapping[str, str] = field(default_factory=dict)
    """Tables whose rows a statement follows, by fingerprint, as an earlier page showed table by table."""
    reason: str = ""
    """What stopped the trial, or empty."""
    answer: Exchange | None = None
    """What came in place of the page, where the page itself was not seen."""
    silent: bool = False
    """The route sends no statement: there is nothing that could grow."""
    single: bool = False
    """Each statement fetched exactly one row, at every size."""
    dirty: bool = False
    """The database could not be put back exactly, or was changed by the route: restore it."""
    broken: str = ""
    """The trial itself could not be finished."""
    notes: tuple[str, ...] = ()
    elapsed_ms: float = 0.0
    requests: int = 0

    @property
    def cached(self) -> bool:
        """Caches of the app make a difference to the page: it was measured warm as well."""
        return any(not series.cold for series in self.series)

    @property
    def together(self) -> Series | None:
        """All tables grown at once; warm, where caches matter."""
        return next((series for series in reversed(self.series) if not series.table), None)

    @property
    def subject(self) -> str:
        return self.route.subject(self.identity)

    @property
    def asked(self) -> tuple[Request, ...]:
        """The request that was sent again at every size."""
        return (Request(self.route.method, self.route.path, self.identity, case="again while the tables grow"),)

    @property
    def reached(self) -> dict[str, tuple[int, int]]:
        """Tables of which the route read more rows when they grew: fewest and most rows read."""
        found: dict[str, tuple[int, int]] = {}
        for series in self.series:
            for table, seen in series.seen.items():
                if seen and max(seen) > seen[0] and table not in self.unreached:
                    low, high = found.get(table, (seen[0], seen[0]))
                    found[table] = (min(low, seen[0]), max(high, *seen))
        return found
