"""Writes planned copies and removes them again. Values stay inside the database as far as they are not changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.types import NullType

from seatrial.database.growth.planning import Copy

_SOURCE = "seatrial_source_"


def insert_copies(
    connection: sa.Connection, table: sa.Table, copies: Sequence[Copy]
) -> tuple[list[Copy], Counter[str]]:
    """Make the rows. Returns those that were made, and the reasons of the others.

    All at once where the database takes them; one by one where it refuses some.
    """
    done: list[Copy] = []
    refused: Counter[str] = Counter()
    for _, same in groupby(copies, key=lambda copy: frozenset(copy.changed)):
        batch = list(same)
        try:
            with connection.begin_nested():
                _insert(connection, table, batch)
            done += batch
        except SQLAlchemyError:
            for copy in batch:
                try:
                    with connection.begin_nested():
                        _insert(connection, table, [copy])
                    done.append(copy)
                except SQLAlchemyError as error:
                    refused[reason(error)] += 1
    return done, refused


def reason(error: Exception) -> str:
    """What the database said, without the values that it may quote."""
    text = str(getattr(error, "orig", None) or error).splitlines()[0]
    return text.partition("DETAIL")[0].strip()[:120]


def _insert(connection: sa.Connection, table: sa.Table, copies: Sequence[Copy]) -> None:
    changed = list(copies[0].changed)
    columns = [column for column in table.columns if column.computed is None]
    given = {name: _parameter(connection, table.c[name], name) for name in changed}
    primary = list(table.primary_key.columns)
    source = sa.select(*(given.get(column.name, column) for column in columns)).where(
        *(column == sa.bindparam(f"{_SOURCE}{place}", type_=column.type) for place, column in enumerate(primary))
    )
    insert: Any = sa.insert(table).from_select([column.name for column in columns], source, include_defaults=False)
    parameters = [
        {**copy.changed, **{f"{_SOURCE}{place}": value for place, value in enumerate(copy.source)}} for copy in copies
    ]
    if any(column.identity is not None and column.identity.always for column in columns):
        # numbers of such a column can be given only by saying so
        text = str(insert.compile(dialect=connection.dialect)).replace(
            ") SELECT", ") OVERRIDING SYSTEM VALUE SELECT", 1
        )
        compiled = insert.compile(dialect=connection.dialect)
        insert = text
        for one in parameters:
            connection.exec_driver_sql(insert, compiled.construct_params(one))
        return
    connection.execute(insert, parameters)


def _parameter(connection: sa.Connection, column: sa.Column[Any], name: str) -> sa.ColumnElement[Any]:
    parameter: sa.ColumnElement[Any] = sa.bindparam(name, type_=column.type)
    # PostgreSQL takes a bare parameter of a SELECT for text; SQLite's CAST would make a number of a date.
    if connection.dialect.name == "sqlite" or isinstance(column.type, NullType):
        return parameter.label(column.name)
    return sa.cast(parameter, column.type).label(column.name)


def remove(connection: sa.Connection, made: Sequence[tuple[sa.Table, tuple[Any, ...]]]) -> bool:
    """Delete rows by primary key, the last made first. False: some would not go."""
    whole = True
    for table, rows in groupby(reversed(made), key=lambda pair: pair[0]):
        primary = list(table.primary_key.columns)
        statement = sa.delete(table).where(
            *(column == sa.bindparam(f"{_SOURCE}{place}", type_=column.type) for place, column in enumerate(primary))
        )
        parameters = [{f"{_SOURCE}{place}": value for place, value in enumerate(key)} for _, key in rows]
        try:
            with connection.begin_nested():
                connection.execute(statement, parameters)
        except DBAPIError:
            whole = False
    return whole
