"""What all tables hold, as numbers that differ when anything differs."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

MANY = 20_000
"""Rows of a table over which only their number is compared."""


def digest(connection: sa.Connection, tables: Iterable[sa.Table]) -> dict[str, tuple[int, int]]:
    """(rows, sum of the rows' hashes) by table. Sequences are left out: numbers that were used up change nothing."""
    quote = connection.dialect.identifier_preparer
    named = {
        (f"{table.schema}.{table.name}" if table.schema else table.name): quote.format_table(table) for table in tables
    }
    if connection.dialect.name == "postgresql":
        return _in_postgresql(connection, named)
    return {name: _row_by_row(connection, quoted) for name, quoted in named.items()}


def _in_postgresql(connection: sa.Connection, named: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Two statements for all of them."""
    counts = _asked(connection, {name: f"count(*) FROM {quoted}" for name, quoted in named.items()})
    few = {name: quoted for name, quoted in named.items() if 0 < counts[name] <= MANY}
    hashes = _asked(
        connection,
        {name: f"sum(hashtextextended(r::text, 0)) FROM {quoted} AS r" for name, quoted in few.items()},
    )
    return {name: (rows, hashes.get(name, 0)) for name, rows in counts.items()}


def _asked(connection: sa.Connection, questions: dict[str, str]) -> dict[str, int]:
    if not questions:
        return {}
    names = list(questions)
    parts = [f"SELECT {place} AS place, {question}" for place, question in enumerate(questions.values())]
    return {names[place]: int(found or 0) for place, found in connection.exec_driver_sql(" UNION ALL ".join(parts))}


def _row_by_row(connection: sa.Connection, quoted: str) -> tuple[int, int]:
    rows = int(connection.exec_driver_sql(f"SELECT count(*) FROM {quoted}").scalar_one())
    if rows > MANY:
        return rows, 0
    return rows, sum(_hash(tuple(row)) for row in connection.exec_driver_sql(f"SELECT * FROM {quoted}"))


def _hash(row: tuple[Any, ...]) -> int:
    return zlib.crc32(repr(row).encode("utf-8", "replace"))
