"""Candidates that are judged before they are built: hypopg has the planner believe in an index that is not there.

It is an estimate and proves nothing: hypopg guesses the size of the index, and guesses high where values repeat. So it
decides only what is worth building.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.database.driver import message_of
from seatrial.migrate.specs import IndexSpec
from seatrial.trials.indexes.proof import create_sql

EXTENSION = "hypopg"


def enable(connection: sa.Connection) -> str:
    """Make the extension, which goes away with the transaction that is open. Returns why it cannot be had, or empty."""
    known = sa.text("SELECT 1 FROM pg_available_extensions WHERE name = :name")
    if not connection.execute(known, {"name": EXTENSION}).scalar():
        return f"this server has no {EXTENSION}"
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")
    except DBAPIError as error:
        savepoint.rollback()
        return f"{EXTENSION} cannot be used here ({message_of(error)})"
    savepoint.commit()
    return ""


@contextmanager
def believed(connection: sa.Connection, spec: IndexSpec) -> Iterator[str]:
    """For a while the planner reckons with the index; its name in plans. Raises DBAPIError where it cannot exist.

    Only EXPLAIN without ANALYZE knows it.
    """
    savepoint = connection.begin_nested()
    try:
        made = sa.text("SELECT indexname FROM hypopg_create_index(:sql)")
        yield str(connection.execute(made, {"sql": create_sql(connection, spec).replace("%%", "%")}).scalar_one())
    finally:
        savepoint.rollback()
        # It lives in the session and knows no transactions: a rollback alone would leave it.
        connection.exec_driver_sql("SELECT hypopg_reset()")
