"""The same statements without and with an index: every trial in a transaction that is undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.migrate.explain import explain, explain_generic
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import Standing, State
from seatrial.model.indexes import Execution, IndexTrial, Reader
from seatrial.trials.indexes.workload import Captured

READERS = 12
"""Statements of one index that are told of, those that gain most first."""


def try_index(connection: sa.Connection, now: Standing, statements: Sequence[Captured], *, rows: int = 0) -> IndexTrial:
    """What one index, there or missing, changes in the plans of the statements that name its table.

    `connection`: with no transaction open.
    """
    trial = IndexTrial(now.spec.subject, now.spec.name, now.state.value, now.detail, len(statements), rows=rows)
    if not now.state.applies or now.state in (State.CONFLICT, State.PARTITIONED, State.BUILDING):
        return trial
    name = now.index.name if now.index is not None and now.state.deployed else now.spec.name
    try:
        with_index, without = _both(connection, now, statements, name)
    except DBAPIError as error:
        connection.rollback()
        return replace(trial, reason=f"it cannot be tried: {str(error.orig).splitlines()[0][:120]}")
    readers, usable = [], False
    for one, before, (after, generic, forced) in zip(statements, without, with_index, strict=True):
        if before is None or after is None:
            continue
        chosen = name in after.indexes
        usable = usable or chosen or (forced is not None and name in forced.indexes)
        if chosen or after.indexes != before.indexes:
            readers.append(
                Reader(
                    one.subject,
                    one.statement.sql,
                    before,
                    after,
                    chosen,
                    None if generic is None else name in generic.indexes,
                    one.statement.place,
                )
            )
    readers.sort(key=lambda reader: reader.after.buffers - reader.before.buffers)
    return replace(trial, name=name, readers=tuple(readers[:READERS]), usable=usable)


Tried = tuple[Execution | None, Execution | None, Execution | None]
"""As it is, for whatever values, and with scans of the whole table forbidden."""


def _both(
    connection: sa.Connection, now: Standing, statements: Sequence[Captured], name: str
) -> tuple[list[Tried], list[Execution | None]]:
    """With the index, and without: what is there is taken away for a while, what is missing is made for a while."""
    if now.state.deployed:
        with_index = [_tried(connection, one, name) for one in statements]
        connection.rollback()
        connection.exec_driver_sql(drop_sql(connection, now))
        without = [explain(connection, one.text, one.parameters) for one in statements]
        connection.rollback()
        return with_index, without
    without = [explain(connection, one.text, one.parameters) for one in statements]
    if now.state is State.INVALID:
        connection.exec_driver_sql(drop_sql(connection, now))
    connection.exec_driver_sql(create_sql(connection, now.spec))
    with_index = [_tried(connection, one, name) for one in statements]
    connection.rollback()
    return with_index, without


def _tried(connection: sa.Connection, one: Captured, name: str) -> Tried:
    after = explain(connection, one.text, one.parameters)
    if after is None:
        return None, None, None
    if name in after.indexes:
        return after, explain_generic(connection, one.text), None
    savepoint = connection.begin_nested()
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    forced = explain(connection, one.text, one.parameters, run=False)
    savepoint.rollback()
    return after, None, forced


def create_sql(connection: sa.Connection, spec: IndexSpec) -> str:
    """Not concurrently: nobody else is here, and it has to be undone."""
    quote = connection.dialect.identifier_preparer.quote
    table = ".".join(map(quote, spec.table.split(".", 1)))
    condition = f" WHERE {spec.where}".replace("%", "%%") if spec.where else ""
    return (
        f"CREATE {'UNIQUE ' if spec.unique else ''}INDEX {quote(spec.name)} ON {table} "
        f"({', '.join(map(quote, spec.columns))}){condition}"
    )


def drop_sql(connection: sa.Connection, now: Standing) -> str:
    """As well where a constraint stands behind it: the transaction is undone."""
    assert now.index is not None
    quote = connection.dialect.identifier_preparer.quote
    schema, dot, _ = now.spec.table.rpartition(".")
    prefix = f"{quote(schema)}{dot}" if schema else ""
    if now.index.constraint or now.index.primary:
        table = ".".join(map(quote, now.spec.table.split(".", 1)))
        return f"ALTER TABLE {table} DROP CONSTRAINT {quote(now.index.name)} CASCADE"
    return f"DROP INDEX {prefix}{quote(now.index.name)}"
