"""Throw-away databases on a PostgreSQL server: the embedded one, or one that the user names."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from seatrial.database.binaries import OLDEST, choose_binaries
from seatrial.database.contract import Databases, Recipe
from seatrial.database.driver import (
    DUPLICATE_DATABASE,
    OBJECT_IN_USE,
    choose_driver,
    connect_arguments,
    message_of,
    state_of,
)
from seatrial.database.embedded import EmbeddedServer
from seatrial.model.errors import BrokenError, ConfigurationError

# Seconds for the sessions on a template to end: a backend outlives its client's disconnect by some milliseconds.
QUIET_TIMEOUT = 2.0

# Autovacuum workers are sent away by CREATE DATABASE itself.
SESSIONS = sa.text(
    "SELECT pid, application_name FROM pg_stat_activity "
    "WHERE datname = :name AND pid <> pg_backend_pid() AND backend_type IS DISTINCT FROM 'autovacuum worker' "
    "ORDER BY pid"
)


class PostgresDatabases(Databases):
    """Databases on one server, which is stopped at the end only when it was started here."""

    dialect = "postgresql"

    def __init__(
        self,
        run: str,
        url: URL,
        server: EmbeddedServer | None = None,
        description: str = "",
        *,
        private: bool | None = None,
    ) -> None:
        """`url`: where to administrate, with driver and database. `server`: what to stop at the end.

        `private`: the server is an embedded one, by default where `server` is given.
        Raises ConfigurationError when the server cannot be reached or used.
        """
        self._url, self._server = url, server
        self._private = server is not None if private is None else private
        self._shared = False
        self._engine = sa.create_engine(
            url,
            # A connection kept open would be one more session to end, and could not be shared by threads.
            poolclass=sa.pool.NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=connect_arguments(url.get_driver_name(), own_server=self._private),
        )
        version = _usable_version(self._engine, f"{url.host}:{url.port or 5432}")
        self.description = description or f"PostgreSQL {version} at {url.host}:{url.port or 5432}"
        super().__init__(run)

    @classmethod
    def embedded(cls, run: str) -> "PostgresDatabases":
        """Start a server of our own. Raises ConfigurationError when there are no binaries or no driver."""
        driver, binaries = choose_driver(), choose_binaries()
        server = EmbeddedServer(binaries)
        try:
            url = URL.create(f"postgresql+{driver}", server.user, server.password, server.host, server.port, "postgres")
            return cls(run, url, server, f"embedded PostgreSQL {binaries.version} ({binaries.source} binaries)")
        except BaseException:
            server.close()
            raise

    @classmethod
    def joined(cls, recipe: Recipe, run: str) -> "PostgresDatabases":
        """See `join_databases`."""
        made = cls(run, make_url(recipe.place), description=recipe.description, private=recipe.private)
        made._ledger.adopt(recipe.template)
        return made

    def recipe(self, template: str) -> Recipe:
        """The server's URL."""
        self._require_open()
        self._ledger.require_made(template)
        self._shared = True
        place = self._url.render_as_string(hide_password=False)
        return Recipe(self.dialect, self._run, template, place, self.description, self._private)

    @property
    def server(self) -> EmbeddedServer | None:
        """The embedded server; None: it is the user's."""
        return self._server

    def url(self, name: str) -> str:
        """`postgresql+<driver>://user:password@host:port/<name>`."""
        self._ledger.require_ours(name)
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str) -> None:
        """Made from template0, because template1 may hold what an administrator put there."""
        self._ledger.require_ours(name)
        with self._administration(f"{name} could not be made") as admin:
            if _exists(admin, name):
                raise BrokenError(f"the database {name} is there already: drop it first, or choose another run name.")
            self._make(admin, name, "template0")

    def clone(self, template: str, name: str) -> None:
        """By CREATE DATABASE … TEMPLATE; waits QUIET_TIMEOUT seconds for the sessions on `template` to end."""
        self._ledger.require_template(template)
        self._ledger.require_ours(name)
        if template == name:
            raise BrokenError(f"{name} cannot be cloned onto itself: name another database.")
        with self._administration(f"{name} could not be cloned from {template}") as admin:
            # Before the old copy is dropped: a clone that cannot be made should not cost the one that is there.
            _wait_until_quiet(admin, template)
            if name in self._ledger:
                self._unmake(admin, name)
            elif _exists(admin, name):
                raise BrokenError(
                    f"the database {name} is there, but was not made by this run, and stays untouched: "
                    "choose another run name."
                )
            self._make(admin, name, template)

    def drop(self, name: str) -> None:
        """Ends the sessions on `name` (WITH FORCE)."""
        self._ledger.require_made(name)
        with self._administration(f"{name} could not be dropped") as admin:
            self._unmake(admin, name)

    def _close(self) -> None:
        try:
            if self._server is None:
                self._drop_all()
        except BrokenError:
            # Joined to an embedded server whose owner has ended: everything went with the server.
            if not self._private:
                raise
        finally:
            self._engine.dispose()
            if self._server is not None:
                self._server.close()

    def _drop_all(self) -> None:
        left, reasons = [], set()
        if self._shared:
            self._take_over()
        for name in self._ledger.made():
            try:
                with self._engine.connect() as admin:
                    self._unmake(admin, name)
            except DBAPIError as error:
                left.append(name)
                reasons.add(message_of(error))
        if left:
            raise BrokenError(
                f"the databases {', '.join(left)} could not be dropped ({'; '.join(sorted(reasons))}): "
                "drop them by hand with DROP DATABASE … WITH (FORCE)."
            )

    def _take_over(self) -> None:
        """Note what processes that joined this run left behind: killed, they could not drop it themselves."""
        with suppress(DBAPIError), self._engine.connect() as admin:
            for (name,) in admin.execute(sa.text("SELECT datname FROM pg_database")):
                if name.startswith(self._ledger.prefix):
                    self._ledger.add(name)

    @contextmanager
    def _administration(self, failure: str) -> Iterator[sa.Connection]:
        """A connection to make and drop with; the server's refusals become BrokenError that begins with `failure`."""
        self._require_open()
        try:
            with self._engine.connect() as admin:
                yield admin
        except DBAPIError as error:
            raise BrokenError(
                f"{failure} ({message_of(error)}): see whether {self.description} still runs, and its log."
            ) from error

    def _make(self, admin: sa.Connection, name: str, template: str) -> None:
        # Noted first, so that an interruption in between does not leave a database that nobody drops.
        self._ledger.add(name)
        try:
            admin.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        except DBAPIError as error:
            if state_of(error) == DUPLICATE_DATABASE:
                self._ledger.discard(name)  # somebody else's after all
            if state_of(error) == OBJECT_IN_USE:
                raise _in_use(admin, template) from error
            raise

    def _unmake(self, admin: sa.Connection, name: str) -> None:
        admin.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._ledger.discard(name)


def _usable_version(engine: sa.Engine, place: str) -> str:
    """The server's version ("15.18"). Raises ConfigurationError when it is too old or we may not make databases."""
    try:
        with engine.connect() as admin:
            number = int(admin.exec_driver_sql("SHOW server_version_num").scalar_one())
            version = str(admin.exec_driver_sql("SHOW server_version").scalar_one()).split()[0]
            may_create = admin.exec_driver_sql(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).scalar_one()
    except DBAPIError as error:
        raise ConfigurationError(
            f"the PostgreSQL server at {place} could not be connected to ({message_of(error)}): "
            'correct the database url, or set url = "embedded".'
        ) from error
    if number < OLDEST * 10000:
        raise ConfigurationError(
            f"PostgreSQL {version} at {place} is older than {OLDEST}, which is needed to drop databases in use: "
            'name a newer server, or set url = "embedded".'
        )
    if not may_create:
        raise ConfigurationError(
            f"the account in the database url may not make databases at {place}: "
            'ALTER ROLE … CREATEDB, or set url = "embedded".'
        )
    return version


def _exists(admin: sa.Connection, name: str) -> bool:
    found = admin.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
    return found.first() is not None


def _wait_until_quiet(admin: sa.Connection, template: str) -> None:
    """Return when no session is on `template`.

    Asked for here, because CREATE DATABASE would wait 5 s and then not say whose session it is.
    """
    deadline = time.monotonic() + QUIET_TIMEOUT
    while admin.execute(SESSIONS, {"name": template}).first() is not None:
        if time.monotonic() > deadline:
            raise _in_use(admin, template)
        time.sleep(0.02)


def _in_use(admin: sa.Connection, template: str) -> BrokenError:
    sessions = [
        f"pid {pid} ({application or 'no name'})" for pid, application in admin.execute(SESSIONS, {"name": template})
    ]
    return BrokenError(
        f"{template} cannot be cloned while sessions are open on it ({', '.join(sessions) or 'ended meanwhile'}): "
        "dispose the engine, or end the process, that holds them."
    )
