"""May we? Asked before anything is begun, so that a refusal leaves nothing half done."""

from __future__ import annotations

import os
from collections.abc import Iterable

import sqlalchemy as sa

from seatrial.migrate.catalog import Snapshot
from seatrial.migrate.environment import VERSION_TABLE
from seatrial.migrate.policy import RefusedError
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import State, standing
from seatrial.migrate.statements import MYSQL

WORK = frozenset({State.MISSING, State.INVALID})
"""States in which something has to be made."""


def require_writable(connection: sa.Connection) -> None:
    """Raises RefusedError on a read-only replica, and where transactions are read-only by setting."""
    name = connection.dialect.name
    if name == "postgresql":
        replica, read_only = connection.exec_driver_sql(
            "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'"
        ).one()
        connection.rollback()
        if replica:
            raise RefusedError("this server is a read-only replica: name the primary in the url.")
        if read_only:
            raise RefusedError(
                "transactions are read-only here (default_transaction_read_only): set it off for this account, or name "
                "another one in the url."
            )
    elif name in MYSQL:
        read_only = connection.exec_driver_sql("SELECT @@global.read_only").scalar()
        connection.rollback()
        if read_only:
            raise RefusedError("this server is read-only: name the primary in the url.")
    else:
        path = str(connection.engine.url.database)
        if not os.access(path, os.W_OK) or not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK):
            raise RefusedError(f"{path} (or its folder) is not writable by this account: run it as its owner.")


def require_rights(connection: sa.Connection, catalog: Snapshot, specs: Iterable[IndexSpec]) -> None:
    """Raises RefusedError that names every table of which we are not the owner, where something has to be made."""
    if catalog.dialect != "postgresql":
        return
    needed = {spec.table for spec in specs if standing(spec, catalog).state in WORK}
    foreign = sorted({(name, catalog.tables[name].owner) for name in needed if not catalog.tables[name].owned})
    if foreign:
        told = ", ".join(f"{table} (owner {owner})" for table, owner in foreign)
        raise RefusedError(
            f"only the owner of a table may index it, and this account is not that of {told}: "
            "name the owner's account in the url; nothing was changed."
        )
    closed = sorted(name for name in needed if not catalog.tables[name].creatable)
    if closed:
        raise RefusedError(
            f"this account may make nothing in the schema of {', '.join(closed)}: GRANT CREATE ON SCHEMA to it, or "
            "name another account in the url; nothing was changed."
        )
    if VERSION_TABLE not in catalog.tables:
        schema, may = connection.exec_driver_sql(
            "SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE')"
        ).one()
        connection.rollback()
        if not may:
            raise RefusedError(
                f"this account may not make {VERSION_TABLE} in the schema {schema}: GRANT CREATE ON SCHEMA {schema} to "
                "it, or name another account in the url; nothing was changed."
            )
