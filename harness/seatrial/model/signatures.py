"""Signatures of the public callables of a service layer, as two revisions have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from seatrial.model.findings import Place


class Way(StrEnum):
    """How a parameter can be given."""

    POSITIONAL = "positional only"
    EITHER = "positional or by name"
    KEYWORD = "by name only"
    MANY = "*args"
    NAMED = "**kwargs"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    way: Way
    optional: bool = False
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Callable_:
    """One public function or method."""

    name: str
    """`package.module:Qualified.name`."""
    parameters: tuple[Parameter, ...] = ()
    """Without self and cls."""
    returns: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The public callables of one revision."""

    callables: Mapping[str, Callable_]
    """By name."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Path by module, of the files that could not be parsed."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One callable before and after; `after` is None where it is gone."""

    before: Callable_
    after: Callable_ | None
    unread: str = ""
    """The file that would hold it now and cannot be parsed, or empty."""

    @property
    def subject(self) -> str:
        return self.before.name


def compared(before: Table, after: Table) -> tuple[Compared, ...]:
    """Every callable that was there before; what is new can break nobody."""
    return tuple(
        Compared(one, after.callables.get(name), after.unread.get(name.partition(":")[0], ""))
        for name, one in sorted(before.callables.items())
    )
