"""What an index costs writes: the same updates of the same rows without and with it, counted by the server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.migrate.state import Standing
from seatrial.model.indexes import Price
from seatrial.trials.indexes.proof import create_sql, drop_sql

UPDATES = 1_000
FILLFACTOR = 85
"""Of the table under trial: in a page that is full no update can stay, with or without an index."""

_COUNTS = "SELECT pg_stat_get_xact_tuples_updated({0}), pg_stat_get_xact_tuples_hot_updated({0})"


def prepare(connection: sa.Connection, table: sa.Table) -> None:
    """Room in every page, as a table has it that is in use. `connection` is in autocommit mode."""
    name = connection.dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(f"ALTER TABLE {name} SET (fillfactor = {FILLFACTOR}, autovacuum_enabled = off)")
    connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {name}")


def measure(
    connection: sa.Connection, table: sa.Table, now: Standing, columns: Sequence[str], *, seen: bool, rows: int
) -> Price | None:
    """Updates of `columns` in rows all over the table. None where they cannot be changed.

    `connection`: in autocommit mode; transactions are opened and undone here.
    """
    changes = {name: change(table.c[name]) for name in columns if name in table.c}
    if not changes or None in changes.values() or not table.primary_key.columns:
        return None
    vacuum = f"VACUUM {connection.dialect.identifier_preparer.format_table(table)}"
    with suppress(DBAPIError):
        connection.exec_driver_sql(vacuum)
        without = _run(connection, table, changes, drop_sql(connection, now) if now.state.deployed else "", "")
        connection.exec_driver_sql(vacuum)
        name = now.index.name if now.state.deployed and now.index is not None else now.spec.name
        create = "" if now.state.deployed else create_sql(connection, now.spec)
        with_it = _run(connection, table, changes, "", create, measured=name)
        connection.exec_driver_sql(vacuum)
        return Price(
            rows=rows,
            updates=without[0],
            columns=tuple(changes),
            seen=seen,
            hot_before=round(without[1] / max(1, without[0]), 3),
            hot_after=round(with_it[1] / max(1, with_it[0]), 3),
            wal_before=without[2],
            wal_after=with_it[2],
            size=with_it[3],
        )
    return None


def _run(
    connection: sa.Connection,
    table: sa.Table,
    changes: dict[str, str | None],
    drop: str,
    create: str,
    *,
    measured: str = "",
) -> tuple[int, int, int, int]:
    """(updates, those that were HOT, bytes of WAL, bytes of the index `measured`)."""
    quote = connection.dialect.identifier_preparer
    name, key = quote.format_table(table), ", ".join(quote.quote(c.name) for c in table.primary_key.columns)
    assignments = ", ".join(f"{quote.quote(column)} = {value}" for column, value in changes.items())
    oid = f"'{name}'::regclass"
    connection.exec_driver_sql("BEGIN")
    try:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        size = 0
        if drop:
            connection.exec_driver_sql(drop)
        if create:
            connection.exec_driver_sql(create)
        if measured:
            schema = f"{quote.quote(table.schema)}." if table.schema else ""
            index = f"{schema}{quote.quote(measured)}"
            size = int(connection.exec_driver_sql(f"SELECT pg_relation_size('{index}')").scalar_one())
        before = connection.exec_driver_sql(_COUNTS.format(oid)).one()
        start = connection.exec_driver_sql("SELECT pg_current_wal_insert_lsn()").scalar()
        connection.exec_driver_sql(
            f"UPDATE {name} SET {assignments} WHERE ({key}) IN "
            f"(SELECT {key} FROM (SELECT {key}, row_number() OVER () place, count(*) OVER () total FROM {name}) t "
            f"WHERE place %% greatest(total / {UPDATES}, 1) = 0 LIMIT {UPDATES})"
        )
        after = connection.exec_driver_sql(_COUNTS.format(oid)).one()
        wal = connection.exec_driver_sql(f"SELECT pg_current_wal_insert_lsn() - '{start}'::pg_lsn").scalar_one()
        return after[0] - before[0], after[1] - before[1], int(wal), size
    finally:
        connection.exec_driver_sql("ROLLBACK")


def change(column: sa.Column[object]) -> str | None:
    """SQL that makes another value of a column's; None where we know none."""
    name = f'"{column.name}"'
    kind = column.type
    match kind:
        case sa.Boolean():
            return f"NOT coalesce({name}, false)"
        case sa.Integer() | sa.Numeric() | sa.Float():
            return f"coalesce({name}, 0) + 1"
        case sa.DateTime():
            zone = "now()" if kind.timezone else "localtimestamp"
            return f"coalesce({name}, {zone}) + interval '1 second'"
        case sa.Date():
            return f"coalesce({name}, current_date) + 1"
        case sa.Enum():
            return None
        case sa.String():
            length = min(kind.length or 32, 32)
            return f"left(md5(coalesce({name}, '') || 'x'), {length})"
    return None


def neutral(table: sa.Table, indexed: frozenset[str]) -> str | None:
    """A column that no index has, and that can be changed: what most updates are like."""
    for column in table.columns:
        if column.name not in indexed and not column.foreign_keys and not column.computed and change(column):
            return column.name
    return None
