"""Evidence of the static rules: what was read of routes, services and templates, without running any of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.model.findings import Place

LOOP, BRANCH, QUERY, WRITE, CALCULATION = "loop", "branch", "query", "write", "calculation"
WEIGHTS: Mapping[str, int] = {LOOP: 2, BRANCH: 1, QUERY: 1, WRITE: 2, CALCULATION: 1}
"""What each piece of business logic adds to the score of a view."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that a function does, and the line where it does it."""

    kind: str
    line: int
    what: str = ""
    """In the source's own words (`db.session.commit`), or empty."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A call to something on another machine."""

    package: str
    """`requests`, `boto3`, `smtplib`."""
    what: str
    """The call as it is written, or the host that was called at run time."""
    place: Place
    through: str = ""
    """`package.module:function` of the helper that makes it, where the caller does not make it itself."""
    observed: bool = False
    """Seen while the app ran."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A class that talks to another machine, as a route depends on it."""

    name: str
    """`package.module:Class`."""
    package: str
    """What it talks with."""
    methods: tuple[str, ...]
    """Its public methods."""
    place: Place
    """Where the route names it."""
    port: str = ""
    """`package.module:Protocol` that already has its methods, or empty."""


@dataclass(frozen=True, slots=True)
class View:
    """One view function (or method of a view class), bound to at least one rule."""

    subject: str
    """`package.module:Qualified.name`; `endpoint NAME` where its source was not found."""
    endpoint: str
    blueprint: str = ""
    place: Place | None = None
    """Its `def`."""
    lines: int = 0
    """From `def` to its last line."""
    logic: tuple[Piece, ...] = ()
    """Everything in it that is neither parsing, nor a call of a service, nor the answer."""
    body: tuple[Piece, ...] = ()
    """Where it reads the request's body."""
    validated: str = ""
    """What validates that body (`ItemForm`, `ItemIn.model_validate`), or empty."""
    handmade: tuple[Piece, ...] = ()
    """JSON answers that are put together by hand."""
    typed_answer: bool = False
    """It answers with JSON that a model or a typed shape gives."""
    providers: tuple[Provider, ...] = ()
    unseen: str = ""
    """Why its source was not read, or empty."""

    @property
    def score(self) -> int:
        return sum(WEIGHTS[piece.kind] for piece in self.logic)


@dataclass(frozen=True, slots=True)
class BlueprintViews:
    """The views of one blueprint, or of the app outside of blueprints."""

    subject: str
    """`blueprint NAME`, or `app`."""
    views: tuple[View, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """A function of a route module, and what it calls on other machines."""

    subject: str
    place: Place | None = None
    calls: tuple[Outside, ...] = ()
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """One method and rule, and every endpoint that is bound to it."""

    method: str
    rule: str
    """Empty where it cannot be told without running the app."""
    endpoints: tuple[str, ...]
    places: tuple[Place | None, ...]
    """Of the views, in the order of `endpoints`."""
    live: bool = False
    """Read from the url map of the built app."""
    unseen: str = ""

    @property
    def subject(self) -> str:
        """The binding that never answers, where there is one."""
        return f"{self.method} {self.rule} {self.endpoints[-1]}" if self.rule else f"endpoint {self.endpoints[-1]}"


@dataclass(frozen=True, slots=True)
class Link:
    """One `url_for` whose endpoint stands there as text."""

    endpoint: str
    place: Place
    known: bool | None
    """Whether there is such an endpoint; None where the source alone cannot tell."""
    nearest: str = ""
    """The endpoint whose name is nearest."""
    defined: str = ""
    """Where the source has a view for it that the built app does not (`app/api.py:12`), or empty."""


@dataclass(frozen=True, slots=True)
class LinkFile:
    """A Python file or a template, and its links."""

    path: str
    links: tuple[Link, ...]
    live: bool = False
    """Held against the url map of the built app."""
    unseen: str = ""
    """Why it could not be read, or why nothing can be said of its links."""

    @property
    def subject(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class TableWrites:
    """A table that has a canonical service, and every line outside of it that writes to the table."""

    table: str
    service: str
    """Path of the canonical service, as configured."""
    model: str = ""
    """`package.module:Class` that maps it; empty where none was found."""
    inside: int = 0
    """Writes in the canonical service."""
    outside: tuple[tuple[str, Piece, Place], ...] = ()
    """(subject of the function, what it does, where)."""

    @property
    def subject(self) -> str:
        return f"table {self.table}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A callable of the service layer: which of its slots (parameters and the return) are annotated."""

    subject: str
    place: Place
    slots: int
    missing: tuple[str, ...] = ()
    """Names of parameters without annotation; `return`."""
    any_slots: tuple[str, ...] = ()
    """Annotated with Any."""
    returns: str = ""
    """The annotation of the return as it is written."""
    loose: str = ""
    """The part of it that has no shape (`dict[str, Any]`), or empty."""
    literal: int = 0
    """Line of a `return {…}` with named keys, 0 where there is none."""
    public: bool = True
    unseen: str = ""
    """Why nothing is known of it: its file (then the subject) could not be read."""

    @property
    def typed(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class Layer:
    """One folder (or module) of the service layer."""

    subject: str
    """Dotted."""
    path: str
    signatures: tuple[Signature, ...] = ()
    """What could not be read stands here too, and counts nowhere."""
    unread: tuple[str, ...] = ()
    """Files in it that could not be read, each with the reason."""
    floor: tuple[int, int] | None = None
    """(typed, callables) recorded before, which coverage must not fall below."""

    @property
    def callables(self) -> int:
        return sum(not signature.unseen for signature in self.signatures)

    @property
    def typed(self) -> int:
        return sum(signature.typed and not signature.unseen for signature in self.signatures)

    @property
    def slots(self) -> tuple[int, int]:
        """(annotated, all)."""
        every = sum(signature.slots for signature in self.signatures)
        return every - sum(len(signature.missing) for signature in self.signatures), every


@dataclass(frozen=True, slots=True)
class Checking:
    """What mypy is configured to ask of one service layer."""

    subject: str
    home: str = ""
    """The file with mypy's configuration, or empty."""
    place: Place | None = None
    """Its line that lets definitions through, or its first."""
    lax: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(module, what it lacks)."""
    modules: int = 0
    runs: bool = True
    """The gate of Seatrial runs mypy."""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything that one reading of the source brought home."""

    views: tuple[View, ...] = ()
    blueprints: tuple[BlueprintViews, ...] = ()
    callers: tuple[Caller, ...] = ()
    bindings: tuple[Binding, ...] = ()
    files: tuple[LinkFile, ...] = ()
    tables: tuple[TableWrites, ...] = ()
    layers: tuple[Layer, ...] = ()
    checking: tuple[Checking, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    """Files that could not be read, and why."""
    notes: tuple[str, ...] = ()
    """What was assumed, and what was left out."""
    live: bool = False
    """Confirmed against the url map of the built app."""
