"""Makes tables of one database larger, and takes back what it made."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from seatrial.database.growth.catalog import Catalog, Key
from seatrial.database.growth.copying import insert_copies, remove
from seatrial.database.growth.digest import digest
from seatrial.database.growth.planning import CannotCopyError, Copy, Planner, Row, key_columns
from seatrial.database.growth.shrinking import shrink

SOURCES = 3
"""Rows of a table that are copied, of those that the route reads."""
SAMPLE = 4
"""Rows of a table that are copied where it is not known which ones the route reads."""
COPIES = 400
"""Copies in one step after which children are left out."""
EVERYWHERE = 16
"""Trials after which all tables are compared, and not only those that grew: a trigger, a function that a SELECT calls,
may have written elsewhere. With hundreds of tables this takes longer than the trial itself."""
STEP_BYTES = 64 * 1024 * 1024
"""Estimated size of all copies of one step over which a table is left alone."""

Seen = Mapping[str, Sequence[tuple[Any, ...]]]
"""Primary keys of the rows that a route loaded, by table."""


@dataclass(frozen=True, slots=True)
class Way:
    """How copies hang on what is there. Plain data: it crosses the pipe to the host."""

    manner: Literal["beside", "apart", "onto"] = "beside"
    """`apart`: a reference leads to a copy of its own. `onto`: it is set to the rows that the route read."""
    columns: tuple[str, ...] = ()
    """The columns of that reference."""
    parent: str = ""
    """The table that it leads to."""

    def __str__(self) -> str:
        match self.manner:
            case "apart":
                return f"each with a {self.parent} of its own"
            case "onto":
                return f"under the {self.parent} that the page reads"
        return "beside the rows that are there"


@dataclass(slots=True)
class Grower:
    """Owns one connection to the trial's database, and knows every row that it made."""

    engine: sa.Engine
    skipped: Counter[str] = field(default_factory=Counter)
    """Copies that could not be made, by reason."""
    _catalog: Catalog | None = None
    _connection: sa.Connection | None = None
    _made: list[tuple[sa.Table, tuple[Any, ...]]] = field(default_factory=list)
    _touched: set[sa.Table] = field(default_factory=set)
    _checks: int = 0
    _planner: Planner | None = None
    _state: dict[str, tuple[int, int]] | None = None
    _stamp: int = -1
    explained: dict[str, tuple[str, Way]] = field(default_factory=dict)
    """Which table, grown in which way, explained a statement of an earlier page, by fingerprint: a layout's statements
    are on every page."""
    shrunk: bool = False
    """Rows of the seed were deleted: only a restore brings them back."""

    # ------------------------------------------------------------------ the connection
    @property
    def connection(self) -> sa.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self.engine.connect()
        return self._connection

    @property
    def catalog(self) -> Catalog:
        if self._catalog is None:
            self._catalog = Catalog.read(self.connection)
            self.connection.rollback()
        return self._catalog

    def release(self) -> None:
        """Close the connection: the database may be cloned or replaced. What was made is forgotten."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()
        self.engine.dispose()
        self._made.clear()
        self._planner, self._state, self.shrunk = None, None, False

    # ------------------------------------------------------------------ growing
    def begin(self, tables: Iterable[str]) -> None:
        """A new series: copies are numbered anew, and `tables` are those that the route reads."""
        self.skipped.clear()
        chosen = frozenset(self.catalog.tables[name] for name in tables if name in self.catalog.tables)
        self._planner = Planner(self.connection, self.catalog, chosen, COPIES)

    def ways(self, table: str, seen: Seen, *, grouped: bool = False) -> list[Way]:
        """The ways in which rows of a table can be added so that the route may read them.

        `grouped`: the route reads the table by groups, which a reference may make to a table that it does not read.
        """
        assert self._planner is not None
        keys = self.catalog.keys(self.catalog.tables[table])
        ways = [Way()]
        if not seen.get(table):
            ways += [self._way("onto", key) for key in keys if self._usable(key, seen)]
        ways += [
            self._way("apart", key)
            for key in keys
            if (grouped or key.parent in self._planner.tables) and not key.shared
        ]
        return ways

    def _way(self, manner: Literal["apart", "onto"], key: Key) -> Way:
        return Way(manner, key.columns, self.catalog.name(key.parent))

    def _key(self, table: sa.Table, way: Way) -> Key | None:
        return next((key for key in self.catalog.keys(table) if key.columns == way.columns), None)

    def _usable(self, key: Key, seen: Seen) -> bool:
        """The rows read there are known by what this reference needs."""
        primary = tuple(column.name for column in key.parent.primary_key.columns)
        return bool(seen.get(self.catalog.name(key.parent))) and key.referred == primary

    def grow(self, table: str, ways: Iterable[Way], copies: int, seen: Seen) -> int:
        """Copy each chosen row `copies` times in each way, and commit. Returns how many rows were made."""
        planner = self._planner
        assert planner is not None
        target = self.catalog.tables[table]
        if not target.primary_key.columns:
            self.skipped[f"{table}: it has no primary key"] += 1
            return 0
        sources = self._sources(target, seen)
        if not sources:
            self.skipped[f"{table}: it is empty; seed a row of it"] += 1
            return 0
        if self._bytes(target) * copies * len(sources) > STEP_BYTES:
            self.skipped[f"{table}: its rows are too large to be copied"] += 1
            return 0
        for way in ways:
            for source in sources[:1] if way.manner == "onto" else sources:
                for number in range(copies):
                    kept = len(planner.copies)
                    try:
                        self._plan(planner, target, source, way, number, seen)
                    except CannotCopyError as error:
                        del planner.copies[kept:]
                        self.skipped[str(error)] += 1
                    except SQLAlchemyError as error:
                        del planner.copies[kept:]
                        self.connection.rollback()
                        self.skipped[f"{table}: {_first_line(error)}"] += 1
        planned, planner.copies = planner.copies, []
        return self._insert(planned)

    def _plan(self, planner: Planner, table: sa.Table, source: Row, way: Way, number: int, seen: Seen) -> None:
        key = self._key(table, way)
        if key is None or way.manner != "onto":
            planner.copy(table, source, apart=[] if key is None else [key])
            return
        parents = self._read(key.parent, seen)
        parent = parents[number % len(parents)]
        planner.copy(table, source, changed=dict(zip(key.columns, parent, strict=True)))

    def _insert(self, planned: list[Copy]) -> int:
        if not planned:
            return 0
        order = {table: place for place, table in enumerate(self.catalog.ordered)}
        planned.sort(key=lambda copy: order.get(copy.table, 0))  # stable: a cycle keeps the order of planning
        made = 0
        for table, copies in groupby(planned, key=lambda copy: copy.table):
            done, refused = insert_copies(self.connection, table, list(copies))
            self._made += [(table, copy.key) for copy in done]
            self._touched.add(table)
            made += len(done)
            for reason, times in refused.items():
                self.skipped[f"{self.catalog.name(table)}: {reason}"] += times
        self.connection.commit()
        return made

    def _sources(self, table: sa.Table, seen: Seen) -> list[Row]:
        assert self._planner is not None
        primary = [column.name for column in table.primary_key.columns]
        found: list[Row] = []
        for key in self._read(table, seen)[:SOURCES]:
            row = self._planner.row(table, primary, key)
            if row is not None:
                found.append(row)
        if found:
            return found
        for reference in self.catalog.keys(table):
            if self._usable(reference, seen):
                for key in self._read(reference.parent, seen)[:SOURCES]:
                    found += self._planner.rows(table, reference.columns, key, 1)
        return list({tuple(row[name] for name in primary): row for row in found}.values())[:SAMPLE] or self._sample(
            table
        )

    def _read(self, table: sa.Table, seen: Seen) -> list[tuple[Any, ...]]:
        """Primary keys of the rows that the route read, as the database stores them."""
        columns = list(table.primary_key.columns)
        keys = seen.get(self.catalog.name(table), ())
        return [tuple(map(_stored, columns, key)) for key in keys if len(key) == len(columns)]

    def identifying(self, table: str, seen: Seen) -> set[str]:
        """Values, as text, by which a URL may name a row that the route read: of its key or a unique column."""
        target = self.catalog.tables[table]
        primary = [column.name for column in target.primary_key.columns]
        alone = {unique.columns[0] for unique in self.catalog.uniques(target) if len(unique.columns) == 1}
        found: set[str] = set()
        for key in self._read(target, seen)[:SOURCES]:
            found.update(str(value) for value in key)
            where = [target.c[name] == value for name, value in zip(primary, key, strict=True)]
            if alone:
                row = self.connection.execute(
                    sa.select(*(target.c[name] for name in sorted(alone))).where(*where)
                ).first()
                found.update(str(value) for value in row or () if value is not None)
        self.connection.rollback()
        return found

    def _sample(self, table: sa.Table) -> list[Row]:
        """The first rows and the last ones."""
        columns, primary = key_columns(self.catalog, table), list(table.primary_key.columns)
        half = SAMPLE // 2
        first = self.connection.execute(sa.select(*columns).order_by(*primary).limit(half)).mappings().all()
        last = self.connection.execute(
            sa.select(*columns).order_by(*(column.desc() for column in primary)).limit(half)
        ).mappings()
        names = [column.name for column in primary]
        return list({tuple(row[name] for name in names): dict(row) for row in (*first, *last)}.values())

    def _bytes(self, table: sa.Table) -> int:
        """Of the largest of the rows that can be large; 0 where no column can."""
        large = [
            c for c in table.columns if isinstance(c.type, sa.LargeBinary | sa.Text | sa.JSON) and c.computed is None
        ]
        if not large:
            return 0
        sizes = [sa.func.coalesce(sa.func.length(sa.cast(c, sa.Text) if _is_json(c) else c), 0) for c in large]
        with suppress(DBAPIError):
            return int(self.connection.scalar(sa.select(sa.func.max(sum(sizes[1:], sizes[0])))) or 0)
        self.connection.rollback()
        return 0

    def shrink(self, table: str, keep: Sequence[tuple[Any, ...]]) -> bool:
        """Delete all rows but `keep` (else the first one), and what refers to them. False: that is not possible."""
        target = self.catalog.tables[table]
        kept = list(keep) or [
            tuple(row[column.name] for column in target.primary_key.columns) for row in self._sample(target)[:1]
        ]
        try:
            with self.connection.begin_nested():
                shrink(self.connection, self.catalog, target, kept)
        except (SQLAlchemyError, CannotCopyError):
            self.connection.rollback()
            return False
        self.connection.commit()
        self.shrunk = True
        return True

    # ------------------------------------------------------------------ putting back
    def mark(self, stamp: int) -> None:
        """Remember what every table holds; `differences` compares with it.

        `stamp` changes whenever the app wrote: as long as it is the same, so is what was remembered.
        """
        if self._state is None or stamp != self._stamp:
            self._stamp = stamp
            self._state = digest(self.connection, self.catalog.tables.values())
            self.connection.rollback()

    def undo(self) -> bool:
        """Remove what was made. False: some of it could not be removed."""
        made, self._made = self._made, []
        if self._planner is not None:
            self._planner.copies.clear()
        whole = remove(self.connection, made)
        self.connection.commit()
        return whole

    def differences(self, *, everywhere: bool) -> list[str]:
        """Tables that do not hold what they held at `mark`.

        Looked at are the tables that grew; all of them when `everywhere` is asked for, and now and then.
        """
        assert self._state is not None
        self._checks += 1
        touched, self._touched = self._touched, set()
        whole = everywhere or self._checks % EVERYWHERE == 0
        now = digest(self.connection, self.catalog.tables.values() if whole else touched)
        self.connection.rollback()
        found = [name for name in now if now[name] != self._state.get(name)]
        if found:
            self._state = None
        return found


def _stored(column: sa.Column[Any], value: Any) -> Any:
    """A value of the ORM as a column holds it that knows no such type: UUIDs in columns of text."""
    if isinstance(value, uuid.UUID) and isinstance(column.type, sa.String):
        return value.hex if column.type.length == 32 else str(value)
    return value


def _is_json(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.JSON)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:120]
