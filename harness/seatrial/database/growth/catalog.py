"""What a database says of its own tables: keys, uniqueness, inheritance, views. Read once per host."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.exc import SAWarning

_WORD = re.compile(r"(?<![\w.$'])([A-Za-z_][\w$]*)(?![\w$(]|\s*\.)")
_QUALIFIED = re.compile(r"\b([A-Za-z_][\w$]*)\.([A-Za-z_][\w$]*)\b(?!\s*\.)")
_LITERAL = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """One foreign key, seen from the table that holds it."""

    table: sa.Table
    parent: sa.Table
    columns: tuple[str, ...]
    """Here."""
    referred: tuple[str, ...]
    """There, in the same order."""

    @property
    def shared(self) -> bool:
        """The primary key itself refers to the parent's: one row here belongs to one row there (inheritance, 1:1)."""
        own = {column.name for column in self.table.primary_key.columns}
        theirs = {column.name for column in self.parent.primary_key.columns}
        return own == set(self.columns) and theirs == set(self.referred) and self.table is not self.parent


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns of which no two rows may have the same values."""

    columns: tuple[str, ...]
    partial: bool = False
    """It holds for some rows only."""


@dataclass(eq=False)
class Catalog:
    """Tables of one database by their name in statements (`item`, `stock.item`)."""

    tables: dict[str, sa.Table]
    views: dict[str, str] = field(default_factory=dict)
    """Text of each view by name."""
    expressions: dict[str, list[Unique]] = field(default_factory=dict)
    """Unique indexes over expressions that SQLAlchemy does not reflect (SQLite), by table."""
    _keys: dict[sa.Table, list[Key]] = field(default_factory=dict)
    _uniques: dict[sa.Table, list[Unique]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.tables.values():
            self._keys[table] = [
                Key(
                    table,
                    constraint.referred_table,
                    tuple(column.name for column in constraint.columns),
                    tuple(element.column.name for element in constraint.elements),
                )
                for constraint in sorted(table.foreign_key_constraints, key=lambda c: [x.name for x in c.columns])
                if _resolved(constraint)
            ]

    @classmethod
    def read(cls, connection: sa.Connection) -> Catalog:
        """Raises SQLAlchemyError when the database cannot be asked."""
        metadata = sa.MetaData()
        inspector = sa.inspect(connection)
        schemas: list[str | None] = [None]
        if connection.dialect.name == "postgresql":
            default = inspector.default_schema_name
            schemas += [
                name
                for name in inspector.get_schema_names()
                if name not in (default, "information_schema") and not name.startswith("pg_")
            ]
        views: dict[str, str] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # types and indexes that SQLAlchemy does not know
            for schema in schemas:
                metadata.reflect(connection, schema=schema, resolve_fks=True)
                for name in inspector.get_view_names(schema):
                    views[_name(schema, name)] = inspector.get_view_definition(name, schema) or ""
        tables = {_name(table.schema, table.name): table for table in metadata.tables.values()}
        expressions = _sqlite_expressions(connection, tables) if connection.dialect.name == "sqlite" else {}
        return cls(tables, views, expressions)

    # ------------------------------------------------------------------ relations
    def keys(self, table: sa.Table) -> list[Key]:
        """Foreign keys that the table holds."""
        return self._keys.get(table, [])

    def children(self, table: sa.Table) -> list[Key]:
        """Foreign keys that refer to the table."""
        return self._children.get(table, [])

    @cached_property
    def _children(self) -> dict[sa.Table, list[Key]]:
        found: dict[sa.Table, list[Key]] = defaultdict(list)
        for keys in self._keys.values():
            for key in keys:
                found[key.parent].append(key)
        return found

    def base(self, table: sa.Table) -> Key | None:
        """The key by which a row is one part of a row of another table (joined inheritance, 1:1 by primary key)."""
        return next((key for key in self.keys(table) if key.shared), None)

    def uniques(self, table: sa.Table) -> list[Unique]:
        """What must differ between two rows, the primary key left out."""
        if table not in self._uniques:
            self._uniques[table] = [*_uniques(table), *self.expressions.get(self.name(table), ())]
        return self._uniques[table]

    @cached_property
    def ordered(self) -> list[sa.Table]:
        """Parents before children, as far as there is no cycle."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            metadata = next(iter(self.tables.values())).metadata if self.tables else sa.MetaData()
            return list(metadata.sorted_tables)

    def name(self, table: sa.Table) -> str:
        """As statements and reports call it."""
        return _name(table.schema, table.name)

    # ------------------------------------------------------------------ statements
    def mentioned(self, sql: str) -> frozenset[str]:
        """Tables that a statement names, those behind its views included.

        Told by identifiers: a column that is called like a table and stands without its table counts, too, which costs
        a trial and no verdict.
        """
        return self._named(sql, frozenset())

    def _named(self, sql: str, through: frozenset[str]) -> frozenset[str]:
        plain = _LITERAL.sub("''", sql).replace('"', "").replace("`", "").replace("[", "").replace("]", "")
        words = set(_WORD.findall(plain)) | {f"{schema}.{name}" for schema, name in _QUALIFIED.findall(plain)}
        found: set[str] = set()
        for word in words:
            # unquoted identifiers of another case are the same table
            name = word if word in self.tables or word in self.views else word.lower()
            if name in self.tables:
                found.add(name)
            elif name in self.views and name not in through:
                found |= self._named(self.views[name], through | {name})
        return frozenset(found)


# What the reflection leaves out on purpose: a key to a table of a schema that may not be read.
def _resolved(constraint: sa.ForeignKeyConstraint) -> bool:
    try:
        return all(element.column is not None for element in constraint.elements)
    except sa.exc.InvalidRequestError:
        return False


def _name(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def _sqlite_expressions(connection: sa.Connection, tables: dict[str, sa.Table]) -> dict[str, list[Unique]]:
    """Read from the text of the index: an expression counts as the columns it names."""
    found: dict[str, list[Unique]] = defaultdict(list)
    texts = connection.exec_driver_sql(
        "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE UNIQUE%'"
    )
    for name, index, sql in texts:
        table = tables.get(name)
        if table is None or index in {known.name for known in table.indexes}:
            continue
        expression, _, condition = sql.partition("(")[2].partition(" WHERE ")
        columns = tuple(dict.fromkeys(word for word in re.findall(r"\w+", expression) if word in table.c))
        if columns:
            found[name].append(Unique(columns, bool(condition)))
    return dict(found)


def _uniques(table: sa.Table) -> list[Unique]:
    """As SQLAlchemy reflects them. Expressions count as the columns they name."""
    found = [
        Unique(tuple(column.name for column in constraint.columns))
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    for index in table.indexes:
        if not index.unique:
            continue
        partial = any(options.get("where") is not None for options in index.dialect_options.values())
        columns = tuple(dict.fromkeys(name for item in index.expressions for name in _columns_of(item, table)))
        if columns:
            found.append(Unique(columns, partial))
    return list(dict.fromkeys(found))


def _columns_of(item: object, table: sa.Table) -> Iterable[str]:
    if isinstance(item, sa.Column):
        return [item.name]
    return [word for word in re.findall(r"\w+", str(item)) if word in table.c]


def checked(table: sa.Table) -> frozenset[str]:
    """Columns that some CHECK constraint mentions."""
    texts = [str(c.sqltext) for c in table.constraints if isinstance(c, sa.CheckConstraint)]
    return frozenset(word for text in texts for word in re.findall(r"\w+", text) if word in table.c)
