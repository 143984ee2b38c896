"""The throw-away databases of a trial: on an embedded PostgreSQL server, on a server that is named, or in SQLite files.

Everything a trial writes goes to a database made here; nothing that was there before can be dropped or written over.

A name is imported when it is first asked for: a command that only wants a temporary folder has no use for SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.database.binaries import Binaries, server_binaries
    from seatrial.database.contract import Databases, Recipe
    from seatrial.database.opening import join_databases, open_databases
    from seatrial.database.postgres import PostgresDatabases
    from seatrial.database.sqlite import SqliteDatabases

__all__ = [
    "Binaries",
    "Databases",
    "PostgresDatabases",
    "Recipe",
    "SqliteDatabases",
    "join_databases",
    "open_databases",
    "server_binaries",
]

_HOMES = {
    "Binaries": "binaries",
    "Databases": "contract",
    "PostgresDatabases": "postgres",
    "Recipe": "contract",
    "SqliteDatabases": "sqlite",
    "join_databases": "opening",
    "open_databases": "opening",
    "server_binaries": "binaries",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
