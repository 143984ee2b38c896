"""Makes tables as large as in production, in one statement each: whole tenants are copied, with everything they own.

A copy keeps what belongs together: copy number 7 of a lot hangs on copy number 7 of its item, in copy number 7 of its
organisation. What a statement selects stays as rare as it was in the seed, in a table that is a thousand times larger.
PostgreSQL only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.database.growth.catalog import Catalog, Key, checked

DENSITY = 8
"""Copies of a row beside each other, under the same parents, in a table that is to be large."""
PARENTS = 4_000
"""Rows of a table that is copied only because others refer to it."""


@dataclass(slots=True)
class Scaler:
    """For one database; what it makes is undone by a restore of the database alone."""

    connection: sa.Connection
    catalog: Catalog
    copies: dict[sa.Table, int] = field(default_factory=dict)
    """How many copies of each tenant a table has, once it was made large."""
    density: dict[sa.Table, int] = field(default_factory=dict)
    strides: dict[sa.Table, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def scale(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """Bring tables to about so many rows, and what they refer to along with them. Returns the rows they have."""
        targets = {self.catalog.tables[name]: rows for name, rows in wanted.items() if name in self.catalog.tables}
        family = self._family(set(targets))
        ordered = [table for table in self.catalog.ordered if table in family]
        counts = {table: self._count(table) for table in ordered}
        self._plan(ordered, counts, targets)
        with suppress(DBAPIError), self.connection.begin_nested():
            # Triggers would write elsewhere, and the keys are right by construction.
            self.connection.exec_driver_sql("SET session_replication_role = replica")
        for table in ordered:
            if counts[table] and self.copies[table]:
                self._copy(table)
        self.connection.exec_driver_sql("SET session_replication_role = DEFAULT")
        self.connection.commit()
        return {self.catalog.name(table): self._count(table) for table in ordered}

    def _family(self, tables: set[sa.Table]) -> set[sa.Table]:
        found, todo = set(tables), list(tables)
        while todo:
            for key in self.catalog.keys(todo.pop()):
                if key.parent not in found:
                    found.add(key.parent)
                    todo.append(key.parent)
        return found

    def _count(self, table: sa.Table) -> int:
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def _plan(self, ordered: list[sa.Table], counts: dict[sa.Table, int], targets: dict[sa.Table, int]) -> None:
        wishes: dict[sa.Table, int] = {}
        for table in ordered:
            dense = DENSITY if table in targets and self._dense(table) else 1
            self.density[table] = dense
            wishes[table] = -(-targets.get(table, 0) // max(1, counts[table] * dense))
        for table in reversed(ordered):  # parents as often as the children that need them
            for key in self.catalog.keys(table):
                if key.parent in wishes and key.parent is not table:
                    room = max(1, PARENTS // max(1, counts[key.parent]))
                    wishes[key.parent] = max(wishes[key.parent], min(wishes[table], room))
        for table in ordered:
            parents = [wishes[key.parent] for key in self.catalog.keys(table) if key.parent in wishes]
            if self._bound(table):
                wishes[table] = min([wishes[table], *parents])
            self.copies[table] = wishes[table]

    def _dense(self, table: sa.Table) -> bool:
        """Rows can stand beside each other under the same parents: no key consists of references alone."""
        return not self._bound(table)

    def _bound(self, table: sa.Table) -> bool:
        """Some unique set can only differ by what it refers to."""
        own = {column.name for column in table.primary_key.columns}
        referring = {name for key in self.catalog.keys(table) for name in key.columns}
        if own <= referring:
            return True
        return any(
            not any(_is_text(table.c[name]) and name not in referring for name in unique.columns if name in table.c)
            and not set(unique.columns) & (own - referring)
            for unique in self.catalog.uniques(table)
        )

    # ------------------------------------------------------------------------------------------------ one table
    def _copy(self, table: sa.Table) -> None:
        primary = list(table.primary_key.columns)
        if not primary:
            self._left(table, "it has no primary key")
            return
        expressions = {column.name: self._expression(table, column) for column in table.columns if not column.computed}
        if None in expressions.values():
            self._left(table, "its key cannot be counted up")
            return
        quote = self.connection.dialect.identifier_preparer
        columns = ", ".join(quote.quote(name) for name in expressions)
        values = ", ".join(str(expression) for expression in expressions.values())
        name = quote.format_table(table)
        statement = (
            f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {name} s "
            f"CROSS JOIN generate_series(1, {self.copies[table]}) c "
            f"CROSS JOIN generate_series(0, {self.density[table] - 1}) d"
        )
        try:
            with self.connection.begin_nested():
                self.connection.exec_driver_sql(statement.replace("%", "%%"))
        except DBAPIError as error:
            self._left(table, str(error.orig).splitlines()[0][:120])

    def _left(self, table: sa.Table, why: str) -> None:
        self.notes.append(f"{self.catalog.name(table)} stays as small as in the seed: {why}")
        self.copies[table] = 0

    def _expression(self, table: sa.Table, column: sa.Column[object]) -> str | None:
        """The value of a copy. None: none can be made."""
        quoted = f"s.{self.connection.dialect.identifier_preparer.quote(column.name)}"
        key = next((key for key in self.catalog.keys(table) if column.name in key.columns), None)
        if key is not None:
            return self._reference(key, column, quoted)
        if column.primary_key:
            return self._key(table, column, quoted, f"c * {self.density[table]} + d")
        unique = any(column.name in unique.columns for unique in self.catalog.uniques(table))
        if unique and _is_text(column):
            return _suffixed(column, quoted, f"c::text || '-' || d::text || '-' || s.{self._first(table)}::text")
        if unique and isinstance(column.type, sa.Uuid):
            return f"md5({quoted}::text || c::text || '-' || d::text)::uuid"
        if unique and isinstance(column.type, sa.Integer):
            return f"{quoted} + (c * {self.density[table]} + d) * 1000003"
        if isinstance(column.type, sa.DateTime) and column.name not in checked(table):
            return f"{quoted} - ((c * 7919 + d * 104729) %% 500000) * interval '1 minute'".replace("%%", "%")
        if isinstance(column.type, sa.Date) and column.name not in checked(table):
            return f"{quoted} - ((c * 7919 + d * 104729) % 400)::integer"
        return quoted

    def _first(self, table: sa.Table) -> str:
        return self.connection.dialect.identifier_preparer.quote(next(iter(table.primary_key.columns)).name)

    def _key(self, table: sa.Table, column: sa.Column[object], quoted: str, number: str) -> str | None:
        if isinstance(column.type, sa.Integer):
            return f"{quoted} + ({number}) * {self._stride(table, column)}"
        if isinstance(column.type, sa.Uuid):
            return f"md5({quoted}::text || '-' || ({number})::text)::uuid"
        if _is_text(column):
            room = getattr(column.type, "length", None)
            return None if room is not None and room < 24 else f"{quoted} || '-' || ({number})::text"
        return None

    def _stride(self, table: sa.Table, column: sa.Column[object]) -> int:
        """Further apart than the seed's own numbers, and than those of earlier copies."""
        if table not in self.strides:
            self.strides[table] = 1 + int(str(self.connection.execute(sa.select(sa.func.max(column))).scalar() or 0))
        return self.strides[table]

    def _reference(self, key: Key, column: sa.Column[object], quoted: str) -> str:
        """The copy of the same number of the row that is referred to."""
        copies = self.copies.get(key.parent, 0)
        referred = key.parent.c[key.referred[key.columns.index(column.name)]]
        if (
            not copies
            or not referred.primary_key
            or any(referred.name in k.columns for k in self.catalog.keys(key.parent))
        ):
            return quoted
        number = f"((c - 1) % {copies} + 1) * {self.density[key.parent]}"
        return self._key(key.parent, referred, quoted, number) or quoted


def _is_text(column: sa.Column[object]) -> bool:
    return isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)


def _suffixed(column: sa.Column[object], quoted: str, suffix: str) -> str:
    """A digest of value and copy: no longer than the column allows."""
    length = min(getattr(column.type, "length", None) or 32, 32)
    return f"CASE WHEN {quoted} IS NULL THEN NULL ELSE left(md5({quoted} || {suffix}), {length}) END"
