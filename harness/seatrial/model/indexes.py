"""Evidence on indexes: how captured statements are executed with and without one, and what it costs writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.model.findings import Place


@dataclass(frozen=True, slots=True)
class Execution:
    """How the server executed one statement with its real parameters."""

    buffers: int
    """Pages of 8 kB that were touched: the same in every run, unlike milliseconds."""
    cost: float
    """The planner's own estimate."""
    nodes: tuple[str, ...]
    """Kinds of the plan's nodes, the outermost first."""
    indexes: tuple[str, ...]
    sorts: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """One captured statement, without and with the index."""

    subject: str
    """Of the route that sent it."""
    sql: str
    """Without values."""
    before: Execution
    after: Execution
    chosen: bool
    """The planner took the index."""
    generic: bool | None = None
    """It would also take it without knowing the values, as after several executions of a prepared statement; None: not
    known."""
    place: Place | None = None

    @property
    def faster(self) -> bool:
        """At most half of the pages are touched."""
        return self.chosen and self.after.buffers * 2 <= self.before.buffers


@dataclass(frozen=True, slots=True)
class Price:
    """What updates of one table cost without and with the index, measured on the same rows."""

    rows: int
    """Of the table."""
    updates: int
    columns: tuple[str, ...]
    """That were changed."""
    seen: bool
    """The app was seen to change these; otherwise they are columns that no index has."""
    hot_before: float
    """Share of the updates that stayed within their page and touched no index."""
    hot_after: float
    wal_before: int
    """Bytes of write-ahead log."""
    wal_after: int
    size: int
    """Bytes of the index."""


@dataclass(frozen=True, slots=True)
class IndexTrial:
    """One index under trial: where it stands, who reads with it, what it costs."""

    subject: str
    """`table(columns)`."""
    name: str = ""
    state: str = "missing"
    """As `seatrial db verify` says it."""
    detail: str = ""
    statements: int = 0
    """Captured statements that name the table."""
    readers: tuple[Reader, ...] = ()
    """Those whose plan is another one with the index."""
    usable: bool = False
    """A captured statement would use it if a scan of the whole table were forbidden."""
    rows: int = 0
    """Of the table when it was tried."""
    price: Price | None = None
    reason: str = ""
    """Why it could not be tried, or empty."""

    @property
    def deployed(self) -> bool:
        return self.state in ("valid", "covered")

    @property
    def applies(self) -> bool:
        return self.state not in ("no such table", "no such column")

    @property
    def chosen(self) -> tuple[Reader, ...]:
        return tuple(reader for reader in self.readers if reader.chosen)

    @property
    def verdict(self) -> str:
        """The highest rung that was reached: deployed, valid, usable, chosen, faster."""
        if any(reader.faster for reader in self.readers):
            return "faster"
        if self.chosen:
            return "chosen"
        return "usable" if self.usable else self.state


@dataclass(frozen=True, slots=True)
class Redundant:
    """An index that another one makes superfluous."""

    table: str
    name: str
    columns: tuple[str, ...]
    by: str
    """The other one."""
    by_columns: tuple[str, ...]
    size: int = 0


@dataclass(frozen=True, slots=True)
class Database:
    """Everything that the rules on indexes judge."""

    dialect: str = "postgresql"
    planned: tuple[IndexTrial, ...] = ()
    """Of `[[tool.seatrial.indexes]]`."""
    indexes: int = 0
    """Of the app, read from the catalog."""
    invalid: tuple[tuple[str, str], ...] = ()
    """(table, index)."""
    redundant: tuple[Redundant, ...] = ()
    keys: tuple[IndexTrial, ...] = ()
    """Foreign keys that no index begins with and whose columns stand in a captured statement."""
    indexed_keys: int = 0
    """Foreign keys that some index begins with."""
    unread_keys: int = 0
    """Foreign keys without an index that no captured statement names."""
    statements: int = 0
    """Different statements that were captured."""
    routes: int = 0
    """Routes that answered while they were captured."""
    notes: tuple[str, ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    """Rows per table that were made for the trial."""
    reason: str = ""
    """Why nothing could be proved, or empty."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An index that would serve the app's statements."""

    table: str
    columns: tuple[str, ...]
    name: str
    trial: IndexTrial


@dataclass(frozen=True, slots=True)
class Advice:
    """What the advisor found."""

    suggestions: tuple[Suggestion, ...] = ()
    statements: int = 0
    candidates: int = 0
    cost_before: float = 0.0
    """As the planner estimates, all statements together."""
    cost_after: float = 0.0
    routes: int = 0
    built: int = 0
    """Candidates that were really built."""
    unjudged: str = ""
    """Why all of them had to be, or empty: those that hypopg saw no use for were spared."""
    notes: tuple[str, ...] = ()
