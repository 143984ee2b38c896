"""The database contract: every connection of the app under trial leads to the trial's database, or is refused.

    confinement = confine("postgresql+psycopg://…/seatrial_run_1")      # before the app is imported
    ...
    confinement.refused                                                 # sentences, also of refusals the app swallowed

A listener on every dialect (`do_connect`) compares where the driver's arguments lead, which is what counts in the
end: URL, `connect_args` and libpq's environment are all in it. A second one, on every pool, looks at connections that
did not come through a dialect (`create_engine(creator=…)`) after they were opened and before the app can use them.

Not seen: a driver that the app calls without SQLAlchemy (`sqlite3.connect`, `psycopg.connect`).
"""

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from sqlalchemy import event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import Pool

from seatrial.observe.addresses import is_loopback, plain_host

MEMORY = ":memory:"
_PORTS = {"postgresql": "5432", "mysql": "3306", "mariadb": "3306", "mssql": "1433", "oracle": "1521"}


class Database(NamedTuple):
    """Where a connection leads. Equal means: the same database."""

    dialect: str
    host: str
    """`loopback` for every name of this machine; a folder for a Unix socket; empty for SQLite."""
    port: str
    name: str
    """The database's name, or the absolute path of an SQLite file, or `:memory:`."""

    def __str__(self) -> str:
        if self.dialect == "sqlite":
            return f"the SQLite database {self.name}"
        where = f"{self.host}:{self.port}" if self.port else self.host
        return f"the {self.dialect} database {self.name or '(default)'} on {where}"


class ForeignDatabaseError(PermissionError):
    """The app tried to connect to a database that is not the trial's. Nothing was sent there."""


class Confinement:
    """What may be connected to, and what was refused."""

    def __init__(self, allowed: Sequence[Database]) -> None:
        self.allowed = frozenset(allowed)
        self.refused: list[str] = []
        """A sentence for each refusal, in order; without credentials. An app may have swallowed the exception."""

    def check(self, found: Database) -> None:
        """Raises ForeignDatabaseError, and remembers it, unless `found` may be used."""
        # A database in this process's memory can hold nothing of value: a second bind of that kind is harmless.
        if found in self.allowed or (found.dialect == "sqlite" and found.name == MEMORY):
            return
        sentence = (
            f"the app asked for {found}, which is not the trial's database; put {{database_url}} under "
            "[tool.seatrial.env] or [tool.seatrial.config] in the variable or key that the app reads, "
            'for example DATABASE_URL = "{database_url}"'
        )
        self.refused.append(sentence)
        raise ForeignDatabaseError(sentence)


_confinement: Confinement | None = None
_installed = False
_lock = threading.Lock()


def confine(*urls: str | URL) -> Confinement:
    """From now on refuse every database but these. Replaces an earlier confinement of this process.

    Raises:
        sqlalchemy.exc.ArgumentError: A URL cannot be read.
    """
    global _confinement, _installed
    confinement = Confinement([database_of(url) for url in urls])
    with _lock:
        if not _installed:
            event.listen(Engine, "do_connect", _before_connect)
            event.listen(Pool, "connect", _after_connect)
            _installed = True
        _confinement = confinement
    return confinement


def release() -> None:
    """Lift the confinement. The listeners stay and let everything pass."""
    global _confinement
    _confinement = None


def same_database(one: str | URL, other: str | URL) -> bool:
    """Whether two URLs lead to the same database, whatever drivers and users they name."""
    return database_of(one) == database_of(other)


def database_of(url: str | URL) -> Database:
    """Where a URL leads: the arguments that its dialect would hand to the driver, which need not be installed."""
    parsed = make_url(url)
    try:
        dialect = parsed.get_dialect()()
        args, params = dialect.create_connect_args(parsed)
    except Exception:  # a dialect that is not installed, or that needs its driver for this
        params = {"host": parsed.host, "port": parsed.port, "database": parsed.database}
        return _led_to(parsed.get_backend_name(), [parsed.database or ""], params)
    return _led_to(dialect.name, args, params)


def _led_to(dialect: str, args: Sequence[Any], params: Mapping[str, Any]) -> Database:
    if dialect == "sqlite":
        return Database("sqlite", "", "", _sqlite_path(args[0] if args else params.get("database")))

    def first(*keys: str, environment: str = "") -> str:
        for key in keys:
            if params.get(key) not in (None, ""):
                return str(params[key])
        # libpq fills what is missing from its own environment
        return os.environ.get(environment, "") if dialect == "postgresql" and environment else ""

    text = args[0] if args and isinstance(args[0], str) else ""  # ODBC and DSN strings: compared as they are
    host = first("host", "unix_socket", "server", environment="PGHOST")
    port = first("port", environment="PGPORT") or _PORTS.get(dialect, "")
    name = first("dbname", "database", "db", "service_name", environment="PGDATABASE") or text
    if dialect == "postgresql" and params.get("service"):
        name = f"service {params['service']}"
    return Database(dialect, _same_host(host), port, name)


def _same_host(host: str) -> str:
    if host.startswith(("/", "@")):
        return host if host.startswith("@") else os.path.realpath(host)
    if not host:
        return "(default)"  # libpq: a Unix socket; others: localhost
    # several hosts may be named; psycopg tries one after the other
    names = ["loopback" if is_loopback(name) else plain_host(name) for name in host.split(",")]
    return ",".join(dict.fromkeys(names))


def _sqlite_path(database: Any) -> str:
    name = os.fsdecode(database) if isinstance(database, str | bytes | os.PathLike) else ""
    if name.startswith("file:"):
        path, _, query = name.removeprefix("file:").partition("?")
        if parse_qs(query).get("mode") == ["memory"]:
            return MEMORY
        name = unquote(path).partition("#")[0]
        if name.startswith("//"):  # file://localhost/path
            name = "/" + name[2:].partition("/")[2]
    return MEMORY if name in ("", MEMORY) else os.path.realpath(name)


# ---------------------------------------------------------------------------------------------------- listeners
_CHECKED = "seatrial: came through a dialect"


def _before_connect(dialect: Dialect, record: Any, args: Sequence[Any], params: Mapping[str, Any]) -> None:
    if _confinement is not None:
        _confinement.check(_led_to(dialect.name, args, params))
        if record is not None:
            record.info[_CHECKED] = True


def _after_connect(connection: Any, record: Any) -> None:
    # The driver may tell the same place in other words ("(default)" has become a folder): one check is enough.
    if _confinement is None or record.info.pop(_CHECKED, False):
        return
    found = _opened(connection)
    if found is not None:
        try:
            _confinement.check(found)
        except ForeignDatabaseError:
            connection.close()
            raise


def _opened(connection: Any) -> Database | None:
    """Where an open connection of sqlite3, psycopg or psycopg2 leads; None for others."""
    driver = type(connection).__module__.partition(".")[0]
    if driver == "sqlite3":
        files = [str(row[2]) for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
        return Database("sqlite", "", "", _sqlite_path(files[0] if files else ""))
    if driver in ("psycopg", "psycopg2"):
        info = connection.info
        return _led_to("postgresql", [], {"host": info.host, "port": info.port, "dbname": info.dbname})
    return None
