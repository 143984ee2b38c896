"""Which database `seatrial db` works on. It is a real one: it must be named, and it must be the one that is meant."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from seatrial.database.address import REDIRECTING_VARIABLES, is_loopback
from seatrial.database.driver import LIBPQ, choose_driver, message_of
from seatrial.model.errors import ConfigurationError

VARIABLE = "SEATRIAL_MIGRATE_URL"
DIALECTS = {"postgresql": "postgresql", "postgres": "postgresql", "sqlite": "sqlite", "mysql": "mysql"} | {
    "mariadb": "mariadb"
}
MYSQL_DRIVERS = ("MySQLdb", "pymysql")
BUSY_SECONDS = 30
"""How long SQLite waits for another writer."""


def migration_url(given: str | None, allow_hosts: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> URL:
    """The database to work on, from `--url` or SEATRIAL_MIGRATE_URL; never from what names a server for trials.

    Raises ConfigurationError with every mistake; none of them repeats a password.
    """
    environ = os.environ if environ is None else environ
    text = given or environ.get(VARIABLE)
    if not text:
        raise ConfigurationError(f"no database is named: pass --url, or set {VARIABLE}.")
    try:
        url = make_url(text)
        dialect, _, driver = url.drivername.partition("+")
    except (ArgumentError, ValueError):
        raise ConfigurationError("the database url cannot be read: write dialect://user:password@host/name.") from None
    if dialect not in DIALECTS:
        raise ConfigurationError(f"{dialect} is not supported: name a {', a '.join(_supported())} database.")
    dialect = DIALECTS[dialect]
    if dialect == "sqlite":
        return _file(url)
    if not url.database:
        raise ConfigurationError("the url names no database: end it with /name.")
    mistakes = [*_strangers(url, allow_hosts), *_variables(dialect, environ)]
    if mistakes:
        raise ConfigurationError(*mistakes)
    chosen = choose_driver(driver) if dialect == "postgresql" else driver or _mysql_driver()
    return url.set(drivername=f"{dialect}+{chosen}")


def _supported() -> list[str]:
    return ["PostgreSQL", "SQLite", "MySQL", "MariaDB"]


def _file(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("the url names no file of SQLite: write sqlite:///path/to/app.db.")
    if not Path(url.database).is_file():
        raise ConfigurationError(f"there is no database {url.database}: correct the url.")
    return url


def _strangers(url: URL, allow_hosts: Sequence[str]) -> Iterator[str]:
    """Hosts elsewhere that nobody has allowed by name."""
    allowed = {host.lower() for host in allow_hosts}
    for host in _hosts(url):
        if not host:
            yield "the database url names no host, and the environment decides then: write host and port."
        elif not is_loopback(host) and not host.startswith("/") and host.lower() not in allowed:
            yield (
                f"the database server {host} is not on this machine: if it is meant, add --allow-host {host}, "
                f'or allow_hosts = ["{host}"] under [tool.seatrial].'
            )


def _hosts(url: URL) -> list[str]:
    """Every server that the driver would try; `?host=` wins over the authority."""
    named: list[str] = []
    for key in ("host", "hostaddr", "unix_socket"):
        value = url.query.get(key)
        if value is not None:
            named += [value] if isinstance(value, str) else list(value)
    listed = [host for text in named for host in text.split(",")] or (url.host or "").split(",")
    return [host.rsplit(":", 1)[0] if host.count(":") == 1 else host for host in listed]


def _variables(dialect: str, environ: Mapping[str, str]) -> Iterator[str]:
    if dialect != "postgresql":
        return
    for variable in REDIRECTING_VARIABLES:
        if environ.get(variable):
            yield f"{variable} is set in the environment and leads past the host of the url: unset it."


def _mysql_driver() -> str:
    for driver in MYSQL_DRIVERS:
        try:
            importlib.import_module(driver)
        except ImportError:
            continue
        return driver.lower()
    raise ConfigurationError("no driver of MySQL can be imported: pip install pymysql, or mysqlclient.")


def open_engine(url: URL) -> sa.Engine:
    """An engine without a pool. Raises ConfigurationError when the server cannot be reached."""
    arguments: dict[str, object] = {}
    if url.get_dialect().name == "sqlite":
        arguments["timeout"] = BUSY_SECONDS
    elif url.get_driver_name() in LIBPQ:
        arguments |= {"application_name": "seatrial db", "connect_timeout": 10}
    try:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=arguments)
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except (NoSuchModuleError, ImportError) as error:
        raise ConfigurationError(f"the driver of the url cannot be used ({error}): install it.") from None
    except DBAPIError as error:
        shown = url.render_as_string(hide_password=True)
        raise ConfigurationError(
            f"the database at {shown} cannot be reached ({message_of(error)}): see that it runs, and correct the url."
        ) from None
    return engine
