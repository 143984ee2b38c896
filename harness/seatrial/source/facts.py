"""What is kept of one Python file. Names are chains as written (`db.session.add`, `Item.query.filter_by().all`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Call(NamedTuple):
    """One call, outermost of its chain."""

    chain: str
    line: int
    first: str
    """Chain of the first argument, or empty."""


class Ref(NamedTuple):
    """A name that stands where text could."""

    chain: str


Value = str | Ref | None | tuple["Value", ...]
"""An argument: text, a name, several of them, or something that reading cannot tell."""


class Wire(NamedTuple):
    """A call that wires routes: with its arguments."""

    chain: str
    line: int
    arguments: tuple[Value, ...]
    keywords: dict[str, Value]
    scope: str
    """Qualified name of the function it stands in, empty at the top of the module."""


class UrlFor(NamedTuple):
    endpoints: tuple[str, ...]
    line: int
    chain: str
    guarded: bool
    """Whoever wrote it expects that there is no such endpoint."""


class Branch(NamedTuple):
    line: int
    names: frozenset[str]
    """Chains of the test."""
    answers: bool
    """All it decides is the answer."""
    nested: bool
    """Inside of a loop."""


class Assigned(NamedTuple):
    name: str
    chain: str
    """Of the value."""
    names: frozenset[str]
    """Every name in the value."""
    line: int


class Decorator(NamedTuple):
    chain: str
    wire: Wire | None
    """With arguments, where it is called."""


@dataclass(slots=True)
class Parameters:
    """The signature as written."""

    slots: int = 0
    missing: tuple[str, ...] = ()
    any_slots: tuple[str, ...] = ()
    returns: str = ""
    loose: str = ""
    overload: bool = False


@dataclass(eq=False, slots=True)
class Function:
    name: str
    qualname: str
    line: int
    """Of `def`."""
    first: int
    """Of its first decorator, or of `def`."""
    end: int
    owner: str = ""
    """Qualified name of its class, or empty."""
    decorators: tuple[Decorator, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)
    calls: list[Call] = field(default_factory=list)
    stores: list[tuple[str, int]] = field(default_factory=list)
    """(name, line) of `name.attribute = …`."""
    assigned: list[Assigned] = field(default_factory=list)
    loops: list[int] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    calculations: list[int] = field(default_factory=list)
    body: list[tuple[str, int]] = field(default_factory=list)
    """(chain, line) of what is read of the request's body."""
    json: list[tuple[int, bool]] = field(default_factory=list)
    """(line, by hand) of answers in JSON."""
    literal: int = 0
    """Line of the first `return {…}` with named keys."""
    returned: tuple[str, ...] = ()
    """Chains of what is returned."""

    @property
    def nested(self) -> bool:
        return "<locals>" in self.qualname


@dataclass(eq=False, slots=True)
class Class:
    name: str
    qualname: str
    line: int
    bases: tuple[str, ...]
    decorators: tuple[Decorator, ...] = ()
    methods: dict[str, Function] = field(default_factory=dict)
    table: str = ""
    """`__tablename__`."""


@dataclass(eq=False, slots=True)
class Module:
    """One Python file."""

    path: str
    """Relative to the root, POSIX."""
    name: str
    """As the project imports it; empty where it cannot be imported."""
    package: bool = False
    imports: dict[str, str] = field(default_factory=dict)
    """Local name → dotted target."""
    functions: dict[str, Function] = field(default_factory=dict)
    """By qualified name."""
    classes: dict[str, Class] = field(default_factory=dict)
    body: Function = field(default_factory=lambda: Function("<module>", "", 1, 1, 1))
    """What stands outside of functions."""
    constants: dict[str, str] = field(default_factory=dict)
    wiring: list[Wire] = field(default_factory=list)
    blueprints: dict[str, list[Wire]] = field(default_factory=dict)
    """Made here: by scope and variable (`bp`, `create_bp.bp`); a variable may be given another one further down."""
    loops: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    """What a loop variable goes through."""
    links: list[UrlFor] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)
    """`Table("name", …)` by variable."""
    dynamic: bool = False
    """Imports modules by a name that is only known at run time."""
    builds_urls: bool = False
    """Answers for endpoints that do not exist (`url_build_error_handlers`)."""
    generated: bool = False
    nodes: int = 0
