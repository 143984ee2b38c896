"""Plans copies of rows: which rows have to be made, in which order, with which values changed.

A copy is made inside the database (`INSERT … SELECT`), so that what is not changed keeps its value, type and format.
Changed are the primary key, references to rows that are copied as well, and one column of each unique set. What belongs
to a row comes along: the other parts of a joined inheritance, and some of its children.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from seatrial.database.growth.catalog import Catalog, Key, checked
from seatrial.database.growth.values import NOTHING, fresh

CHILDREN = 2
"""Children copied per copied row and reference."""
DEPTH = 2
"""Generations of children that come along."""
FAR = 1_000_000
"""Distance of new numbers to the largest one there is: what the app itself inserts meanwhile stays between."""
NEAR = 10_000
"""Numbers that one trial may use up."""

Row = Mapping[str, Any]
Values = dict[str, Any]


class CannotCopyError(Exception):
    """Why a row has no copy, in words."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One row to be made."""

    table: sa.Table
    source: tuple[Any, ...]
    """Primary key of the row that is copied."""
    changed: Values
    key: tuple[Any, ...]
    """Primary key of the copy."""


@dataclass(slots=True)
class Planner:
    """Plans copies for one database. Reads source rows by `connection`, writes nothing."""

    connection: sa.Connection
    catalog: Catalog
    tables: frozenset[sa.Table]
    """Tables that matter: children outside of them are not copied."""
    limit: int
    """Copies after which children are left out."""
    copies: list[Copy] = field(default_factory=list)
    number: int = 0
    _next: dict[tuple[sa.Table, str], int] = field(default_factory=dict)
    _rows: dict[tuple[sa.Table, tuple[str, ...], tuple[Any, ...], int], list[Row]] = field(default_factory=dict)
    _parts: dict[sa.Table, tuple[Values, tuple[Key, ...]]] = field(default_factory=dict)
    """What is wished for the part of a row in another table than its base."""

    def copy(
        self,
        table: sa.Table,
        source: Row,
        *,
        changed: Values | None = None,
        apart: Sequence[Key] = (),
        depth: int = DEPTH,
        path: tuple[sa.Table, ...] = (),
        base: bool = True,
    ) -> Values:
        """Plan a copy of `source` and of what belongs to it. Returns the key columns of the copy.

        `changed`: values given from outside. `apart`: references whose target is copied as well.

        Raises:
            CannotCopyError: No copy can be made.
        """
        if len(path) > 8:
            raise CannotCopyError(f"{table.name}: its references go round in a circle")
        shared = self.catalog.base(table)
        if base and shared is not None:
            # One row in two tables: the whole is copied from its base, which brings this part along.
            whole = self.row(shared.parent, shared.referred, [source[name] for name in shared.columns])
            if whole is None:
                raise CannotCopyError(f"{table.name}: a row without its part in {shared.parent.name}")
            self._parts[table] = (dict(changed or {}), tuple(apart))
            try:
                made = self.copy(shared.parent, whole, depth=depth, path=path)
            finally:
                self._parts.pop(table, None)
            return {
                **source,
                **{mine: made[theirs] for mine, theirs in zip(shared.columns, shared.referred, strict=True)},
            }
        wished, held = self._parts.pop(table, ({}, ())) if not base else ({}, ())
        values: Values = {**wished, **(changed or {})}
        for key in (*apart, *held):
            self._follow_apart(key, source, values, path)
        self._settle_key(table, source, values, path)
        self._settle_uniques(table, source, values, path)
        primary = [column.name for column in table.primary_key.columns]
        after = {**source, **values}
        self.copies.append(
            Copy(table, tuple(source[name] for name in primary), values, tuple(after[name] for name in primary))
        )
        self._copy_dependants(table, source, after, depth, path)
        return after

    # ------------------------------------------------------------------ reading
    def row(self, table: sa.Table, columns: Sequence[str], values: Sequence[Any]) -> Row | None:
        """The row with these values, key columns only."""
        found = self.rows(table, columns, values, 1)
        return found[0] if found else None

    def rows(self, table: sa.Table, columns: Sequence[str], values: Sequence[Any], limit: int) -> list[Row]:
        """Rows with these values, key columns only; each question is asked once."""
        question = (table, tuple(columns), tuple(values), limit)
        if question not in self._rows:
            where = [table.c[name] == value for name, value in zip(columns, values, strict=True)]
            statement = sa.select(*key_columns(self.catalog, table)).where(*where).limit(limit)
            self._rows[question] = [dict(row) for row in self.connection.execute(statement).mappings()]
        return self._rows[question]

    # ------------------------------------------------------------------ values
    def _follow_apart(self, key: Key, source: Row, values: Values, path: tuple[sa.Table, ...]) -> None:
        old = [source[name] for name in key.columns]
        if any(value is None for value in old) or any(name in values for name in key.columns):
            return
        parent = self.row(key.parent, key.referred, old)
        if parent is None:
            raise CannotCopyError(f"{key.table.name}: it refers to a row of {key.parent.name} that is not there")
        made = self.copy(key.parent, parent, depth=0, path=(*path, key.table))
        values.update({mine: made[theirs] for mine, theirs in zip(key.columns, key.referred, strict=True)})

    def _settle_key(self, table: sa.Table, source: Row, values: Values, path: tuple[sa.Table, ...]) -> None:
        primary = list(table.primary_key.columns)
        if not primary:
            raise CannotCopyError(f"{table.name}: it has no primary key")
        if any(column.name in values and values[column.name] != source[column.name] for column in primary):
            return
        referring = {name for key in self.catalog.keys(table) for name in key.columns}
        own = [column for column in primary if column.name not in referring]
        # the last column of a composite key is the number within the others
        for column in reversed(own):
            value = self._number(table, column, source[column.name])
            if value is not NOTHING:
                values[column.name] = value
                return
        for key in self.catalog.keys(table):
            if set(key.columns) <= {column.name for column in primary} and key.parent is not table:
                self._follow_apart(key, source, values, path)
                return
        raise CannotCopyError(f"{table.name}: no fresh primary key can be made")

    def _settle_uniques(self, table: sa.Table, source: Row, values: Values, path: tuple[sa.Table, ...]) -> None:
        referring = {name: key for key in self.catalog.keys(table) for name in key.columns}
        for unique in self.catalog.uniques(table):
            now = [values.get(name, source[name]) for name in unique.columns]
            if any(value is None for value in now) or now != [source[name] for name in unique.columns]:
                continue
            free = [table.c[name] for name in unique.columns if name not in referring]
            for column in sorted(free, key=lambda c: _reluctance(c, checked(table))):
                value = fresh(column, source[column.name], self._count())
                if value is not NOTHING:
                    values[column.name] = value
                    break
            else:
                keys = [referring[name] for name in unique.columns if name in referring]
                # one-to-one: the other side has to be a new one
                if unique.partial or not keys or len(path) > 4:
                    raise CannotCopyError(f"{table.name}: unique ({', '.join(unique.columns)}) cannot vary")
                self._follow_apart(keys[0], source, values, path)

    def _number(self, table: sa.Table, column: sa.Column[Any], value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            return fresh(column, value, self._count())
        place = (table, column.name)
        if place not in self._next:
            self._next[place] = self._first(column)
        number = self._next[place]
        self._next[place] += 1 if number > 0 else -1
        return number

    def _first(self, column: sa.Column[Any]) -> int:
        """Far above what is there, else right above it, else below."""
        ends = self.connection.execute(sa.select(sa.func.min(column), sa.func.max(column))).one()
        smallest, largest = int(ends[0] or 0), int(ends[1] or 0)
        room = 2 ** (self._bits(column) - 1)
        if largest + 2 * FAR < room:
            return largest + FAR
        return largest + 1 if largest + NEAR < room else min(smallest, 0) - 1

    def _bits(self, column: sa.Column[Any]) -> int:
        if self.connection.dialect.name == "sqlite" or isinstance(column.type, sa.BigInteger | sa.Numeric):
            return 64
        return 16 if isinstance(column.type, sa.SmallInteger) else 32

    def _count(self) -> int:
        self.number += 1
        return self.number

    # ------------------------------------------------------------------ what belongs to a row
    def _copy_dependants(self, table: sa.Table, source: Row, made: Row, depth: int, path: tuple[sa.Table, ...]) -> None:
        for key in self.catalog.children(table):
            child = key.table
            if key.shared:
                part = self.row(child, key.columns, [source[name] for name in key.referred])
                if part is not None:
                    given = {mine: made[theirs] for mine, theirs in zip(key.columns, key.referred, strict=True)}
                    self.copy(child, part, changed=given, depth=depth, path=path, base=False)
                continue
            if (
                depth <= 0
                or child not in self.tables
                or child is table
                or child in path
                or len(self.copies) > self.limit
            ):
                continue
            for row in self.rows(child, key.columns, [source[name] for name in key.referred], CHILDREN):
                given = {mine: made[theirs] for mine, theirs in zip(key.columns, key.referred, strict=True)}
                kept = len(self.copies)
                try:
                    self.copy(child, row, changed=given, depth=depth - 1, path=(*path, table))
                except CannotCopyError:
                    del self.copies[kept:]  # the row itself can do without them


def key_columns(catalog: Catalog, table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that a copy may have to change: keys, references, unique ones, and what children refer to."""
    names = {column.name for column in table.primary_key.columns}
    names |= {name for key in catalog.keys(table) for name in key.columns}
    names |= {name for key in catalog.children(table) for name in key.referred}
    names |= {name for unique in catalog.uniques(table) for name in unique.columns}
    return [column for column in table.columns if column.name in names]


def _reluctance(column: sa.Column[Any], in_checks: frozenset[str]) -> tuple[bool, bool, bool]:
    """Texts first, then numbers, then dates; what a CHECK looks at last."""
    return (
        column.name in in_checks,
        isinstance(column.type, sa.Date | sa.DateTime),
        not isinstance(column.type, sa.String),
    )
