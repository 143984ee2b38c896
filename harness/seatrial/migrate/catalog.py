"""What a database says of its own indexes: one row per index, for every engine in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

# Names come from pg_attribute: pg_get_indexdef() quotes keywords such as "timestamp", and a plain comparison would
# call a valid index another one. plain[k]: key k has the default operator class, the column's own collation and plain
# ascending order; only such keys can stand in for an index that is planned.
_POSTGRES = sa.text("""
SELECT n.nspname, tc.relname, ic.relname, i.indisvalid AND i.indisready, i.indisunique, i.indisprimary, am.amname,
       pg_get_expr(i.indpred, i.indrelid), i.indexprs IS NOT NULL,
       (SELECT array_agg(a.attname::text ORDER BY k) FROM generate_series(0, i.indnkeyatts - 1) k
          LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]),
       (SELECT array_agg(coalesce(o.opcdefault AND i.indoption[k] = 0
                                  AND i.indcollation[k] = a.attcollation, false) ORDER BY k)
          FROM generate_series(0, i.indnkeyatts - 1) k
          LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
          LEFT JOIN pg_opclass o ON o.oid = i.indclass[k]),
       EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid),
       pg_get_indexdef(i.indexrelid), obj_description(i.indexrelid, 'pg_class'),
       EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')),
       pg_relation_size(i.indexrelid), coalesce(s.idx_scan, 0), n.nspname = ANY (current_schemas(false)),
       (SELECT array_agg(concat_ws(':', i.indkey[k], i.indclass[k], i.indcollation[k], i.indoption[k]) ORDER BY k)
          FROM generate_series(0, i.indnkeyatts - 1) k),
       i.indnatts > i.indnkeyatts, i.indisreplident, i.indexrelid::bigint
FROM pg_index i
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_class tc ON tc.oid = i.indrelid
JOIN pg_namespace n ON n.oid = tc.relnamespace
JOIN pg_am am ON am.oid = ic.relam
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\\_temp%'
ORDER BY n.nspname, tc.relname, ic.relname""")

_POSTGRES_TABLES = sa.text("""
SELECT n.nspname, c.relname, c.relkind::text, pg_has_role(c.relowner, 'USAGE'), pg_get_userbyid(c.relowner),
       greatest(c.reltuples, 0)::bigint, n.nspname = ANY (current_schemas(false)),
       array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped),
       has_schema_privilege(n.oid, 'CREATE')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\\_temp%'
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')""")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One index as the catalog has it."""

    table: str
    name: str
    columns: tuple[str | None, ...]
    """None: an expression."""
    valid: bool = True
    unique: bool = False
    primary: bool = False
    btree: bool = True
    predicate: str | None = None
    plain: tuple[bool, ...] = ()
    building: bool = False
    definition: str = ""
    comment: str = ""
    constraint: bool = False
    size: int | None = None
    """Bytes; None: the engine does not say."""
    scans: int | None = None
    keys: tuple[str, ...] = ()
    """Each key with operator class, collation and order: equal where the index sorts in the same way."""
    includes: bool = False
    """It carries further columns."""
    replica: bool = False
    """Replication tells rows apart by it."""
    age: int = 0
    """A higher number is younger."""

    def begins_with(self, columns: tuple[str, ...]) -> bool:
        """A reader of these columns can use it: whole, sorted in the plain way, the columns first."""
        places = len(columns)
        return (
            self.valid
            and self.btree
            and self.predicate is None
            and self.columns[:places] == columns
            and all(self.plain[:places])
        )


@dataclass(frozen=True, slots=True)
class TableRow:
    """One table (or view) as the catalog has it."""

    name: str
    columns: tuple[str, ...]
    kind: str = "table"
    """`table`, `partitioned`, or `view` for everything that holds no rows of its own."""
    owned: bool = True
    owner: str = ""
    rows: int | None = None
    """As estimated by the server."""
    creatable: bool = True
    """We may make indexes in its schema."""
    schema: str = ""


@dataclass(slots=True)
class Snapshot:
    """Tables and indexes of one database at one moment, by the names that statements use."""

    dialect: str
    tables: dict[str, TableRow]
    indexes: dict[str, list[IndexRow]]
    names: dict[tuple[str, str], str]
    """Table of each index (or the name itself, for another kind of relation), by schema and the index's name."""

    def of(self, table: str) -> list[IndexRow]:
        return self.indexes.get(table, [])

    def all(self) -> list[IndexRow]:
        return [index for table in self.indexes.values() for index in table]


def snapshot(connection: sa.Connection) -> Snapshot:
    """Read the catalog: one or two statements on PostgreSQL, whatever the number of tables."""
    if connection.dialect.name == "postgresql":
        return _postgres(connection)
    return _reflected(connection)


def _postgres(connection: sa.Connection) -> Snapshot:
    tables: dict[str, TableRow] = {}
    indexes: dict[str, list[IndexRow]] = {}
    names: dict[tuple[str, str], str] = {}
    # The planner takes the many small subqueries for a long statement, and compiles it for a second.
    connection.exec_driver_sql("SET jit = off")
    kinds = {"r": "table", "p": "partitioned"}
    for schema, name, kind, owned, owner, rows, visible, columns, creatable in connection.execute(_POSTGRES_TABLES):
        for known in _known_as(schema, name, visible):
            row = TableRow(known, tuple(columns), kinds.get(kind, "view"), owned, owner, rows, creatable, schema)
            tables.setdefault(known, row)
        names[schema, name] = name
    for found in connection.execute(_POSTGRES):
        for table in _known_as(found[0], found[1], found[17]):
            indexes.setdefault(table, []).append(_index(table, found))
        names[found[0], found[2]] = found[1]
    return Snapshot("postgresql", tables, indexes, names)


def _known_as(schema: str, name: str, visible: bool) -> list[str]:
    return [f"{schema}.{name}", *([name] if visible else [])][::-1]


def _index(table: str, row: Any) -> IndexRow:
    return IndexRow(
        table=table,
        name=row[2],
        columns=tuple(row[9]),
        valid=row[3],
        unique=row[4],
        primary=row[5],
        btree=row[6] == "btree" and not row[8],
        predicate=row[7],
        plain=tuple(row[10]),
        building=row[11],
        definition=row[12],
        comment=row[13] or "",
        constraint=row[14],
        size=row[15],
        scans=row[16],
        keys=tuple(row[18]),
        includes=row[19],
        replica=row[20],
        age=row[21],
    )


def _reflected(connection: sa.Connection) -> Snapshot:
    """SQLite, MySQL, MariaDB: they have no invalid indexes, and their index names belong to a table (or a file)."""
    inspector = sa.inspect(connection)
    mysql = connection.dialect.name in ("mysql", "mariadb")
    sizes = _mysql_sizes(connection) if mysql else {}
    tables = {
        name: TableRow(name, tuple(column["name"] for column in inspector.get_columns(name)))
        for name in inspector.get_table_names()
    }
    indexes: dict[str, list[IndexRow]] = {}
    names: dict[tuple[str, str], str] = {} if mysql else {("", name): name for name in tables}
    for table in tables:
        found = []
        primary = tuple(inspector.get_pk_constraint(table)["constrained_columns"])
        if primary:
            found.append(IndexRow(table, "PRIMARY", primary, unique=True, primary=True, plain=(True,) * len(primary)))
        if not mysql:  # there they are indexes like any other
            found += [_unique(table, entry) for entry in inspector.get_unique_constraints(table)]
        for entry in inspector.get_indexes(table):
            columns = tuple(entry["column_names"])
            options = entry.get("dialect_options") or {}
            found.append(
                IndexRow(
                    table,
                    str(entry["name"]),
                    columns,
                    unique=bool(entry["unique"]),
                    predicate=_text(options.get("sqlite_where")),
                    btree=None not in columns and not options.get("mysql_prefix"),
                    plain=(True,) * len(columns),
                    size=sizes.get((table, str(entry["name"]))),
                )
            )
        indexes[table] = found
        if not mysql:
            names.update({("", index.name): table for index in found})
    return Snapshot(connection.dialect.name, tables, indexes, names)


def _unique(table: str, constraint: Any) -> IndexRow:
    columns = tuple(constraint["column_names"])
    name = str(constraint["name"] or f"unique ({', '.join(columns)})")
    return IndexRow(table, name, columns, unique=True, plain=(True,) * len(columns), constraint=True)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _mysql_sizes(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Bytes of InnoDB's indexes; empty where the account may not see them."""
    statement = sa.text(
        "SELECT table_name, index_name, stat_value * @@innodb_page_size FROM mysql.innodb_index_stats "
        "WHERE database_name = DATABASE() AND stat_name = 'size'"
    )
    try:
        with connection.begin_nested():
            return {(row[0], row[1]): int(row[2]) for row in connection.execute(statement)}
    except sa.exc.DBAPIError:
        return {}
