"""Building and dropping one index on a live database: whatever went before, the end is a valid index or a sentence."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.database.driver import message_of, state_of
from seatrial.migrate import statements
from seatrial.migrate.catalog import snapshot
from seatrial.migrate.policy import BlockedError, Policy, RefusedError
from seatrial.migrate.specs import PREFIX, IndexSpec
from seatrial.migrate.state import Standing, State, standing
from seatrial.migrate.waiting import RETRIED, blockers, ddl, in_the_way, pause, preflight, settings

log = logging.getLogger("seatrial.db")

UNIQUE_VIOLATION, PERMISSION, READ_ONLY = "23505", "42501", "25006"
CHANGED = frozenset({"42P01", "42703", "42P07", "42704"})
"""Table, column or index came or went in between: look again."""
CORRUPTING = range(140000, 140004)
"""Server versions whose concurrent builds can corrupt the index."""


class Action(StrEnum):
    """How one index came out."""

    CREATED = "created"
    REBUILT = "rebuilt"
    """An invalid leftover was dropped and built anew."""
    PRESENT = "present"
    COVERED = "covered"
    NO_TABLE = "no such table"
    NO_COLUMN = "no such column"
    CONFLICT = "conflict"
    """A person has to decide; nothing was changed."""
    DROPPED = "dropped"
    NOT_OURS = "not ours"
    """Left alone by a downgrade."""


@dataclass(frozen=True, slots=True)
class Result:
    """One index after an upgrade or a downgrade."""

    spec: IndexSpec
    action: Action
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.spec.subject}: {self.action.value}" + (f" ({self.detail})" if self.detail else "")


_SETTLED = {
    State.VALID: Action.PRESENT,
    State.COVERED: Action.COVERED,
    State.NO_TABLE: Action.NO_TABLE,
    State.NO_COLUMN: Action.NO_COLUMN,
    State.CONFLICT: Action.CONFLICT,
}


def ensure(connection: sa.Connection, spec: IndexSpec, policy: Policy, *, mark: str = "") -> Result:
    """Bring an index to be valid or covered. Run again, it does nothing, or what is missing.

    Args:
        connection: In autocommit mode.
        mark: Stands in the comment on the index: which revision, or `pyproject.toml`.

    Raises:
        BlockedError: Something was in the way for too long.
        RefusedError: The server, or the account, does not let us.
    """
    assert spec.name.startswith(PREFIX), spec.name
    if connection.dialect.name != "postgresql":
        return _elsewhere(connection, spec, standing(spec, snapshot(connection)))
    return _Builder(connection, spec, policy, mark).run()


def settled(now: Standing, detail: str = "") -> Result:
    """A state that needs nothing, as a result."""
    if now.state is State.PARTITIONED:
        why = (
            "the table is partitioned, and PostgreSQL builds no index concurrently on it: build it on each "
            "partition, then on the table with ON ONLY"
        )
        return Result(now.spec, Action.CONFLICT, why)
    return Result(now.spec, _SETTLED[now.state], detail or ("" if now.state is State.VALID else now.detail))


class _Builder:
    """One index on PostgreSQL."""

    def __init__(self, connection: sa.Connection, spec: IndexSpec, policy: Policy, mark: str) -> None:
        self._connection, self._spec, self._policy, self._mark = connection, spec, policy, mark
        self._until = time.monotonic() + policy.deadline_s
        self._attempts = 0
        self._rebuilt = False

    def run(self) -> Result:
        # A role's own statement_timeout would kill the build in the middle.
        with settings(self._connection, lock_timeout="0", statement_timeout="0"):
            while True:
                now = standing(self._spec, snapshot(self._connection))
                if now.state in _SETTLED or now.state is State.PARTITIONED:
                    return self._finished(now)
                if time.monotonic() >= self._until:
                    raise BlockedError(self._too_late(now.state))
                if now.state is State.BUILDING:
                    time.sleep(min(self._policy.poll_s, max(0.0, self._until - time.monotonic())))
                else:
                    self._attempt(now.state)

    def _finished(self, now: Standing) -> Result:
        assert now.state is not State.VALID or now.index is not None
        if now.state is State.VALID and now.index is not None and not now.index.comment.startswith(statements.MARK):
            # Also where somebody was killed between the build and this.
            if self._policy.analyze:
                ddl(self._connection, statements.analyze(self._connection.dialect, self._spec))
            ddl(self._connection, statements.comment(self._connection.dialect, self._spec, self._mark))
        if now.state is State.VALID and self._attempts:
            detail = "" if self._attempts == 1 else f"after {self._attempts} attempts"
            return Result(self._spec, Action.REBUILT if self._rebuilt else Action.CREATED, detail)
        return settled(now)

    def _attempt(self, state: State) -> None:
        connection, spec, policy = self._connection, self._spec, self._policy
        refuse_corrupting(connection)
        preflight(connection, spec.table, policy, self._until)
        policy.tell(f"building {spec.name} on {spec.table}")
        self._attempts += 1
        wait = max(0.1, min(policy.lock_s, self._until - time.monotonic()))
        try:
            connection.exec_driver_sql(f"SET lock_timeout = '{int(wait * 1000)}ms'")
            if state is State.INVALID:
                log.warning("dropping the invalid index %s", spec.name)
                self._rebuilt = True
                ddl(connection, statements.drop(connection.dialect, spec))
            ddl(connection, statements.create(connection.dialect, spec))
        except DBAPIError as error:
            self._failed(error)

    def _failed(self, error: DBAPIError) -> None:
        """Either raise, or return to look again."""
        connection, spec, code = self._connection, self._spec, state_of(error)
        if connection.invalidated or not code:
            raise BlockedError(
                f"{spec.subject}: the connection was lost while the index was built ({message_of(error)}): "
                "run the command again, which drops what is half built and builds it anew."
            ) from error
        if code in CHANGED:
            return
        if code == UNIQUE_VIOLATION:
            with contextlib.suppress(DBAPIError):  # the half built one is still checked by every write
                ddl(connection, statements.drop(connection.dialect, spec))
            raise RefusedError(f"{spec.subject} cannot be unique ({message_of(error)}): remove the duplicates first.")
        if code in RETRIED and self._attempts < self._policy.attempts and time.monotonic() < self._until:
            log.warning("%s: %s in attempt %d", spec.name, message_of(error), self._attempts)
            pause(self._policy, self._attempts, self._until)
            return
        if code in RETRIED:
            raise BlockedError(self._gave_up(error)) from error
        raise refused(spec.subject, error) from error

    def _gave_up(self, error: DBAPIError) -> str:
        """An invalid leftover costs every write, so it goes, if it can."""
        left = ""
        try:
            self._connection.exec_driver_sql("SET lock_timeout = '2s'")
            ddl(self._connection, statements.drop(self._connection.dialect, self._spec))
        except DBAPIError:
            left = f" the invalid index {self._spec.name} is left until then;"
        found = blockers(self._connection, self._spec.table, old_s=0.0, idle_s=0.0)
        who = f"; in the way: {', '.join(map(str, found))}" if found else ""
        return (
            f"{self._spec.subject}: not built within {self._attempts} attempts ({message_of(error)}{who});{left} "
            "run the command again at a quieter time, or with a longer --wait."
        )

    def _too_late(self, state: State) -> str:
        if state is State.BUILDING:
            return (
                f"{self._spec.subject}: another session has been building {self._spec.name} for "
                f"{self._policy.deadline_s:.0f} s: wait for it, then run the command again."
            )
        found = blockers(self._connection, self._spec.table, old_s=0.0, idle_s=0.0)
        return (
            in_the_way(self._spec.table, found)
            if found
            else (f"{self._spec.subject}: not built within {self._policy.deadline_s:.0f} s: run the command again.")
        )


def refuse_corrupting(connection: sa.Connection) -> None:
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if number in CORRUPTING:
        raise RefusedError(
            f"PostgreSQL 14.{number % 10000} can corrupt an index that is built concurrently: upgrade to 14.4 or newer."
        )


def refused(what: str, error: DBAPIError) -> RefusedError:
    """The server's refusal as a sentence."""
    code = state_of(error)
    ways = {
        PERMISSION: "run it as the owner of the table: name that account in the url",
        READ_ONLY: "name the primary server: this one takes no writes",
    }
    return RefusedError(f"{what}: the server refused ({message_of(error)}): {ways.get(code, 'see the server log')}.")


def _elsewhere(connection: sa.Connection, spec: IndexSpec, now: Standing) -> Result:
    """SQLite, MySQL and MariaDB: one statement, whole or not at all."""
    if spec.where and connection.dialect.name in statements.MYSQL and now.state.applies:
        return Result(spec, Action.CONFLICT, f"{connection.dialect.name} has no partial indexes; plan it without where")
    if now.state is not State.MISSING:
        return settled(now)
    try:
        ddl(connection, statements.create(connection.dialect, spec))
        ddl(connection, statements.analyze(connection.dialect, spec))
    except DBAPIError as error:
        again = standing(spec, snapshot(connection))
        if again.state.settled:
            return settled(again)  # somebody else was faster
        raise refused(spec.subject, error) from error
    return Result(spec, Action.CREATED)


def drop(connection: sa.Connection, spec: IndexSpec, policy: Policy) -> Result:
    """Take an index away, if it is ours: by its name, and by its comment where the engine keeps one.

    Raises BlockedError or RefusedError.
    """
    assert spec.name.startswith(PREFIX), spec.name
    catalog = snapshot(connection)
    own = next((index for index in catalog.of(spec.table) if index.name == spec.name), None)
    if own is None:
        now = standing(spec, catalog)
        if now.state is State.COVERED:
            return Result(spec, Action.NOT_OURS, f"{now.detail} is the app's own")
        return Result(spec, Action.NO_TABLE if now.state is State.NO_TABLE else Action.DROPPED, "it was not there")
    postgres = connection.dialect.name == "postgresql"
    if postgres and own.valid and not own.comment.startswith(statements.MARK):
        return Result(spec, Action.NOT_OURS, f"{own.name} does not carry our comment")
    until = time.monotonic() + policy.deadline_s
    with settings(connection, lock_timeout="0", statement_timeout="0") if postgres else contextlib.nullcontext():
        for attempt in range(1, policy.attempts + 1):
            try:
                if postgres:
                    preflight(connection, spec.table, policy, until)
                    policy.tell(f"dropping {spec.name} of {spec.table}")
                    connection.exec_driver_sql(f"SET lock_timeout = '{int(policy.lock_s * 1000)}ms'")
                ddl(connection, statements.drop(connection.dialect, spec))
                return Result(spec, Action.DROPPED)
            except DBAPIError as error:
                if state_of(error) not in RETRIED or connection.invalidated or attempt == policy.attempts:
                    if state_of(error) in RETRIED:
                        raise BlockedError(
                            f"{spec.subject}: not dropped within {attempt} attempts ({message_of(error)}): "
                            "run the command again at a quieter time."
                        ) from error
                    raise refused(spec.subject, error) from error
                pause(policy, attempt, until)
    raise AssertionError("unreachable")
