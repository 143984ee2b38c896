"""Which databases a trial works on: made for this run, or joined by another process of it."""

from collections.abc import Sequence

from seatrial.database.address import server_url
from seatrial.database.contract import Databases, Recipe
from seatrial.database.postgres import PostgresDatabases
from seatrial.database.sqlite import SqliteDatabases


def open_databases(url: str, *, allow_hosts: Sequence[str] = (), run: str) -> Databases:
    """The databases of the run named `run`, to be used as a context manager.

    `url`: "embedded" (a private PostgreSQL server), "sqlite", or the SQLAlchemy URL of a PostgreSQL server, whose
    database is only connected to. `allow_hosts`: servers elsewhere than on this machine that are meant.

    Raises ConfigurationError when `url` cannot be used. "embedded" is never replaced by anything else.
    """
    if url == "embedded":
        return PostgresDatabases.embedded(run)
    if url == "sqlite":
        return SqliteDatabases(run)
    return PostgresDatabases(run, server_url(url, allow_hosts))


def join_databases(recipe: Recipe, *, run: str) -> Databases:
    """Databases of this process on the server (or in the folder) of another process's run, to be closed before its own.

    `run` must be this process's own and begin with the recipe's, so that names never meet and the owner can tell what a
    killed process has left. The recipe's template may be cloned; only what is made here is ever dropped, and the server
    is never stopped.
    """
    if recipe.dialect == "sqlite":
        return SqliteDatabases.joined(recipe, run)
    return PostgresDatabases.joined(recipe, run)
