"""Waiting well: for other upgrades, for transactions that are in the way, for locks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.database.driver import message_of, state_of
from seatrial.migrate.policy import BlockedError, Policy

T = TypeVar("T")

LOCK_KEY = 0x53545849
"""'STXI', key of the advisory lock of an upgrade."""
LOCK_NAME = "seatrial_db"
"""Of MySQL's named lock."""

LOCK_NOT_AVAILABLE, DEADLOCK, CANCELED = "55P03", "40P01", "57014"
RETRIED = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK, CANCELED})

# Prepared transactions have no session, and hold everything up until somebody ends them.
_BLOCKERS = sa.text("""
SELECT a.pid::text, coalesce(a.state, ''), coalesce(a.application_name, ''),
       extract(epoch FROM clock_timestamp() - a.xact_start)::float,
       EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND l.relation = to_regclass(:table))
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND a.datname = current_database() AND a.xact_start IS NOT NULL
  AND a.backend_type = 'client backend'
  AND (clock_timestamp() - a.xact_start > make_interval(secs => :old)
       OR a.state LIKE 'idle in transaction%' AND clock_timestamp() - a.state_change > make_interval(secs => :idle))
UNION ALL
SELECT 'prepared transaction ' || gid, 'prepared', '', extract(epoch FROM clock_timestamp() - prepared)::float, false
FROM pg_prepared_xacts WHERE database = current_database()
ORDER BY 4 DESC LIMIT 10""")


@dataclass(frozen=True, slots=True)
class Blocker:
    """A transaction that a concurrent build has to wait for."""

    session: str
    """Its process id, or `prepared transaction NAME`."""
    state: str
    application: str
    age_s: float
    holds_table: bool

    def __str__(self) -> str:
        who = f" of {self.application}" if self.application else ""
        return f"{self.session}{who} ({self.state}, {self.age_s:.0f} s)"


def blockers(connection: sa.Connection, table: str, *, old_s: float, idle_s: float) -> list[Blocker]:
    """Old transactions, and sessions that sit idle in one. Statements are not read: they hold values."""
    parameters = {"table": quoted(connection, table), "old": old_s, "idle": idle_s}
    return [Blocker(*row) for row in connection.execute(_BLOCKERS, parameters)]


def preflight(connection: sa.Connection, table: str, policy: Policy, until: float) -> None:
    """Wait until nothing is in the way. Raises BlockedError that lists what is; nothing has been begun yet."""
    until = min(until, time.monotonic() + policy.preflight_s)
    told = False
    while found := blockers(connection, table, old_s=policy.old_s, idle_s=policy.idle_s):
        if not told:
            policy.tell(f"{table}: waiting for {', '.join(map(str, found))}")
            told = True
        if time.monotonic() >= until:
            raise BlockedError(in_the_way(table, found))
        time.sleep(policy.poll_s)


def in_the_way(table: str, found: list[Blocker]) -> str:
    one = "a transaction is" if len(found) == 1 else "transactions are"
    return (
        f"{table}: {one} in the way: {', '.join(map(str, found))}; nothing was begun: let it end, or end it with "
        f"pg_terminate_backend(pid) (ROLLBACK PREPARED for a prepared one), then run the command again."
    )


def quoted(connection: sa.Connection, name: str) -> str:
    """`shop.orders` as SQL, each part quoted where it has to be."""
    return ".".join(map(connection.dialect.identifier_preparer.quote, name.split(".", 1)))


def ddl(connection: sa.Connection, sql: str) -> None:
    """As the driver takes it: no bind parameters, and a literal % survives."""
    connection.exec_driver_sql(sql.replace("%", "%%") if connection.dialect.name != "sqlite" else sql)


@contextlib.contextmanager
def settings(connection: sa.Connection, **values: str) -> Iterator[None]:
    """Session settings of PostgreSQL for a while. A dead connection is left alone: its error must not be hidden."""
    before = {key: connection.exec_driver_sql(f"SHOW {key}").scalar_one() for key in values}
    try:
        for key, value in values.items():
            connection.exec_driver_sql(f"SET {key} = '{value}'")
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            with contextlib.suppress(DBAPIError):
                for key, value in before.items():
                    connection.exec_driver_sql(f"SET {key} = '{value}'")


def pause(policy: Policy, attempt: int, until: float) -> None:
    """Longer after each attempt, never the same for two who try at the same time, not beyond the deadline."""
    length = policy.pause_s * 2 ** (attempt - 1) * random.uniform(0.7, 1.3)
    time.sleep(max(0.0, min(length, until - time.monotonic())))


def run_ddl(connection: sa.Connection, work: Callable[[], T], policy: Policy, what: str) -> T:
    """DDL that locks everybody out: a short wait for the lock, so that nobody queues behind it for long, and again.

    `connection` is in autocommit mode. Raises BlockedError when the lock could not be had; the caller's statements have
    then done nothing.
    """
    if connection.dialect.name != "postgresql":
        return work()
    until = time.monotonic() + policy.deadline_s
    for attempt in range(1, policy.attempts + 1):
        try:
            with _transaction(connection):
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(policy.short_lock_s * 1000)}ms'")
                return work()
        except DBAPIError as error:
            if state_of(error) not in RETRIED or connection.invalidated:
                raise
            if attempt == policy.attempts:
                raise BlockedError(
                    f"{what}: no lock within {policy.attempts} attempts of {policy.short_lock_s:g} s "
                    f"({message_of(error)}); nothing was changed: run the command again at a quieter time."
                ) from None
            pause(policy, attempt, until)
    raise AssertionError("unreachable")


@contextlib.contextmanager
def _transaction(connection: sa.Connection) -> Iterator[None]:
    """By hand on a connection in autocommit mode: what fails halfway is undone as a whole."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        if not connection.invalidated:
            with contextlib.suppress(DBAPIError):
                connection.exec_driver_sql("ROLLBACK")
        raise


# ---------------------------------------------------------------------------------------------- one upgrade at a time
@contextlib.contextmanager
def run_lock(connection: sa.Connection, policy: Policy) -> Iterator[None]:
    """Only one upgrade of a database at a time. Raises BlockedError when another one does not end.

    The lock is tried and tried again. Whoever waits inside pg_advisory_lock() holds a snapshot meanwhile, which the
    other one's build waits for: PostgreSQL calls that a deadlock.
    """
    if connection.dialect.name == "sqlite":
        with _file_lock(str(connection.engine.url.database), policy):
            yield
        return
    if connection.dialect.name == "postgresql":
        take, release = f"SELECT pg_try_advisory_lock({LOCK_KEY})", f"SELECT pg_advisory_unlock({LOCK_KEY})"
    else:
        take, release = f"SELECT GET_LOCK('{LOCK_NAME}', 0)", f"SELECT RELEASE_LOCK('{LOCK_NAME}')"

    def try_it() -> bool:
        taken = bool(connection.exec_driver_sql(take).scalar())
        connection.commit()  # between two tries no transaction is open, nor afterwards: Alembic insists on that
        return taken

    _poll(try_it, policy)
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            with contextlib.suppress(DBAPIError):
                connection.rollback()
                connection.exec_driver_sql(release)
                connection.commit()


@contextlib.contextmanager
def _file_lock(path: str, policy: Policy) -> Iterator[None]:
    """A lock file in the temporary folder, named after the database's path.

    Not the database itself: closing a second handle of it would drop the locks that SQLite holds in this process. The
    file stays: whoever unlinks it locks out nobody who has it open.
    """
    digest = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]
    handle = os.open(Path(tempfile.gettempdir()) / f"seatrial-db-{digest}.lock", os.O_CREAT | os.O_RDWR, 0o600)

    def take() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        _poll(take, policy)
        yield
    finally:
        os.close(handle)


def _poll(take: Callable[[], bool], policy: Policy) -> None:
    until = time.monotonic() + policy.run_lock_s
    told = False
    while not take():
        if not told:
            policy.tell("waiting for another seatrial db command to end")
            told = True
        if time.monotonic() >= until:
            raise BlockedError(
                f"another seatrial db command has been working on this database for {policy.run_lock_s:.0f} s: "
                "wait until it has ended, then run the command again."
            )
        time.sleep(policy.poll_s)
