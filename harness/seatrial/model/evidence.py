"""Evidence that trials bring home: exchanges, statements, outbound calls, facts of the app. Plain, picklable data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from seatrial.model.findings import Place
from seatrial.model.inventory import Route
from seatrial.model.requests import NOTHING, Request, Sent


class Kind(StrEnum):
    """What a statement does. TRANSACTION (savepoints, PRAGMA, SET) and SCHEMA are never counted in a budget."""

    SELECT = "select"
    DML = "dml"
    SCHEMA = "schema"
    TRANSACTION = "transaction"


class Load(StrEnum):
    """Why the ORM sent a statement that no line of the app asks for. NONE: the app asked for it."""

    NONE = ""
    LAZY = "lazy"
    """A relationship was touched that was not loaded."""
    EAGER = "eager"
    """A selectin or subquery loader fetched a relationship for all objects of a query, in chunks."""
    DEFERRED = "deferred"
    """A column was touched that the query had left out."""
    EXPIRED = "expired"
    """An object was touched after a commit or rollback had expired it."""
    REFRESH = "refresh"
    """The app called `session.refresh()`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it reached the driver."""

    sql: str
    """Text with placeholders; literals replaced in hand-written text. Never parameter values."""
    fingerprint: str
    """The same for the same statement whatever its parameters or the length of its IN lists."""
    kind: Kind
    rows: int | None = None
    """Rows fetched (select) or affected (dml); None when the driver does not say."""
    elapsed_ms: float = 0.0
    parameters: int = 0
    """A salted hash of the parameters, comparable within one exchange only."""
    engine: str = ""
    """Dialect and bind (`postgresql`, `sqlite:reports`)."""
    many: bool = False
    """Sent by executemany."""
    place: Place | None = None
    """The target's own line that sent it, where attribution was asked for."""
    relationship: str = ""
    """`User.posts` when a relationship's loader sent it."""
    load: Load = Load.NONE
    """Why the ORM sent it by itself, where attribution was asked for and it did."""
    to_many: bool = False
    """That relationship leads to a collection."""
    owner: str = ""
    """Table of the objects that the relationship, or the column, was loaded for (`user_account`)."""
    entity: str = ""
    """Class that the app asked for (`Item` of `select(Item)`, `session.get(Item, …)`), where one is named."""
    columns: tuple[str, ...] = ()
    """Attributes that a deferred or expired load fetched."""
    api: str = ""
    """The function of SQLAlchemy's that the app called (`get`, `count`, `scalars`, `execute`)."""
    template: Place | None = None
    """The line of the template that was being rendered when it was sent, whoever sent it."""

    @property
    def eager(self) -> bool:
        """Sent by an eager loader, which works in chunks: the fix of an N+1, never a finding."""
        return self.load is Load.EAGER


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """A connection that the app tried to open to somewhere else than this machine. It was not made."""

    host: str
    port: int | None = None
    method: str = ""
    path: str = ""
    """Without the query string: it may carry secrets."""
    answered: int | None = None
    """Status of the stand-in's answer; None where the connection was refused."""
    place: Place | None = None
    """The target's own line that tried it."""


@dataclass(frozen=True, slots=True)
class EagerLoad:
    """A relationship that an eager loader filled during a request."""

    relationship: str
    """`Supplier.orders`."""
    strategy: str
    """`joined`, `selectin`, `subquery`, `immediate`, or `contains_eager`."""
    mapped: bool
    """The mapping's own `lazy=` says so, not an option of the query."""
    parents: int
    """Objects that it was filled for."""
    rows: int
    """Objects that were found for them."""
    read: bool
    """The attribute of one of them was read before the request ended."""
    through: str = ""
    """The relationship that led to the parents, where they were loaded eagerly themselves."""
    unseen: str = ""
    """Why a read may have been missed, or empty."""
    place: Place | None = None
    """The target's own line that ran the query."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that escaped from a view. No message: it may carry data."""

    type: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, its response, and everything that happened in between."""

    route: Route
    identity: str
    path: str
    """As requested, with the query string of a malformed variant."""
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """As sent, in order, names as written. Values of Set-Cookie are replaced by `…`; their attributes are kept."""
    scheme: str = "https"
    variant: str = "plain"
    """`plain`, or the name of the malformed variant that was sent."""
    sent: Sent = NOTHING
    """What the request carried."""
    elapsed_ms: float = 0.0
    content_type: str = ""
    """Media type only, lower case."""
    body_size: int = 0
    statements: tuple[Statement, ...] = ()
    outbound: tuple[OutboundCall, ...] = ()
    eager: tuple[EagerLoad, ...] = ()
    """What was loaded eagerly, where that was observed."""
    raised: Raised | None = None
    template: str = ""
    """Name of the first template rendered, or empty."""
    failure: str = ""
    """Why there is no response (timed out, the process ended, streamed without end), or empty."""
    logged_in: bool = True
    """The identity was still logged in afterwards (True for anonymous)."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """What else was seen: `host` asked, `cookie-sizes`, `origin` sent, and what the page's markup says (`csp-meta`,
    `referrer-meta`, `scripts`, `styles`; see `seatrial.observe.markup`; `forms`: see `seatrial.target.forms`) or an
    error's body (`error-shape`, `error-keys`, `error-leaks`; see `seatrial.observe.refusals`)."""

    @property
    def subject(self) -> str:
        return self.route.subject(self.identity)

    @property
    def asked(self) -> tuple[Request, ...]:
        """The request, for a sceptic to send again."""
        method = self.marks.get("method", self.route.method)
        case = "" if self.variant == "plain" else self.variant
        who = self.marks.get("as", self.identity)
        return (Request(method, self.path, who, self.sent, case, self.status or None, said=self.failure),)

    @property
    def ok(self) -> bool:
        """A 2xx answer was seen: what every claim about a page needs at least."""
        return not self.failure and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """All values of a header joined by comma, or None."""
        values = self.header_values(name)
        return ", ".join(values) if values else None

    def header_values(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def count(self, kind: Kind) -> int:
        return sum(1 for statement in self.statements if statement.kind is kind)

    @property
    def counted(self) -> tuple[Statement, ...]:
        """Statements that count in a budget."""
        return tuple(s for s in self.statements if s.kind in (Kind.SELECT, Kind.DML))

    @property
    def rows(self) -> int:
        """Rows that selects fetched, as far as the driver said: what the `rows` of a budget counts."""
        return sum(s.rows or 0 for s in self.statements if s.kind is Kind.SELECT)


@dataclass(frozen=True, slots=True)
class Protection:
    """One defence of the app, as read back from the built app, never as configured by us."""

    name: str
    """`csrf`, `rate-limit`, `login`, `headers`, `sessions`, `oauth`."""
    library: str
    """Distribution name and version, or `hand-made`."""
    active: bool
    switched_off_by: str = ""
    """Configuration key and value that switches it off (`WTF_CSRF_ENABLED = False`)."""


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What was really on in the app that was built."""

    profile: str
    environment: str
    """What the profile stands for: `production`, `staging`, `development`, `test`."""
    protections: tuple[Protection, ...] = ()
    debug: bool = False
    testing: bool = False
    secret_key_length: int | None = None
    """None: no key is set."""
    secret_key_weakness: str = ""
    """Why the key is weak, or empty. The key itself never leaves the host."""
    body_limit: int | None = None
    trusted_hosts: tuple[str, ...] = ()
    server_name: str = ""
    proxy_fix: bool = False
    monitors: tuple[str, ...] = ()
    """Slow-query logging that is active: `engine listener NAME`, `extension NAME`, `SQLALCHEMY_RECORD_QUERIES`."""
    has_database: bool = True
    """The app has a SQLAlchemy engine; without one there are no queries to log."""
    cookie_roles: Mapping[str, str] = field(default_factory=dict)
    """Role by cookie name, as the app's configuration tells it: `session`, `remember`, `csrf`."""
    host_answers: Mapping[str, int] = field(default_factory=dict)
    """Status of a harmless GET with a forged Host header, by host name sent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers that rules judge against, from `[tool.seatrial.limits]`."""

    repeated_statements: int = 3
    slow_statement_ms: float = 100.0
    response_ms: float = 200.0
    body_bytes: int = 100 * 1024 * 1024
    secret_key_bytes: int = 16
    view_lines: int = 100
    """Lines of the view functions of a blueprint, on average."""
    view_score: int = 10
    """Of the business logic in one view (`model.structure.WEIGHTS`)."""
    typed_percent: int = 80
    """Callables of a service layer that are fully annotated."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a route may spend per request."""

    subject: str
    select: int
    dml: int
    rows: int
    statements: tuple[tuple[str, int], ...] = ()
    """(fingerprint, times) at recording, so that a failure is a diff."""
