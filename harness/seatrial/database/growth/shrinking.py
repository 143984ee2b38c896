"""Leaves a few rows of one table, so that a page of fixed size is not full any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from seatrial.database.growth.catalog import Catalog
from seatrial.database.growth.planning import CannotCopyError

_DEEPEST = 6


def shrink(connection: sa.Connection, catalog: Catalog, table: sa.Table, kept: Sequence[tuple[Any, ...]]) -> None:
    """Delete all rows of `table` but those with the primary keys `kept`, and every row that refers to a deleted one.

    References from rows of the same table are emptied instead.

    Raises:
        CannotCopyError: The references go too deep, or have more than one column.
        SQLAlchemyError: The database refuses.
    """
    primary = list(table.primary_key.columns)
    if not primary or not kept:
        raise CannotCopyError(f"{table.name}: no row of it can be told from the others")
    keep = sa.or_(*(sa.and_(*(c == value for c, value in zip(primary, key, strict=True))) for key in kept))
    _remove(connection, catalog, table, sa.not_(keep), 0)


def _remove(
    connection: sa.Connection, catalog: Catalog, table: sa.Table, where: sa.ColumnElement[bool], depth: int
) -> None:
    if depth > _DEEPEST:
        raise CannotCopyError(f"{table.name}: what refers to its rows is referred to in turn, without end")
    for key in catalog.children(table):
        if len(key.columns) != 1:
            raise CannotCopyError(f"{table.name}: {key.table.name} refers to it by several columns")
        source = table.alias()
        doomed = sa.select(source.c[key.referred[0]]).where(_on(source, where))
        column = key.table.c[key.columns[0]]
        if key.table is table or (depth and column.nullable):
            connection.execute(sa.update(key.table).where(column.in_(doomed)).values({column.name: None}))
        else:
            _remove(connection, catalog, key.table, column.in_(doomed), depth + 1)
    connection.execute(sa.delete(table).where(where))


def _on(alias: Any, where: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The same condition on an alias, so that a subselect does not correlate with the statement around it."""
    return sa.sql.util.ClauseAdapter(alias).traverse(where)
