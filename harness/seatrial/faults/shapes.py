"""What a keeper knows of a table: its key, what refers to what, and what kind of value a column holds."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """One table as the database describes it."""

    name: str
    primary: tuple[str, ...] = ()
    foreign: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Column to (table, column), for keys of one column."""
    types: dict[str, str] = field(default_factory=dict)
    """Every column in order: `integer`, `number`, `boolean`, `time` or `text`."""
    stored: tuple[str, ...] = ()
    """Columns that can be written; the others are computed."""
    nullable: frozenset[str] = frozenset()

    @property
    def surrogate(self) -> str:
        """The single integer column that is its key and nothing else, or empty."""
        if len(self.primary) == 1 and self.types.get(self.primary[0]) == "integer":
            return "" if self.primary[0] in self.foreign else self.primary[0]
        return ""


Schema = dict[str, Table]
