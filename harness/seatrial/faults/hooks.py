"""Puts a wire into SQLAlchemy and the outbound calls of this process. Only ever done in a child that ends soon.

| boundary | hook | why this one |
|---|---|---|
| statements | `do_execute` and its two sisters, on every engine | inside SQLAlchemy's `try`: an error is wrapped like a real one, in 2.0 and 2.1 alike; `before_cursor_execute` differs there |
| commits | `DefaultDialect.do_commit` | there is no event for it, and none at all after a commit |
| the database is down | `do_connect` | the child begins without a connection |
| outbound calls | `observe.outbound.intercept` | knows the whole request |
"""  # noqa: E501

from __future__ import annotations

import hashlib
import logging
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

from seatrial.faults.wire import (
    AFTER_CALL,
    AFTER_COMMIT,
    BEFORE_CALL,
    BEFORE_COMMIT,
    CONSTRAINT,
    DOWN,
    SQL,
    LogWitness,
    Wire,
)
from seatrial.observe import outbound

SERVER_GONE = "injected by Seatrial: server closed the connection unexpectedly"
LOCKED = "injected by Seatrial: database is locked"
REFUSED = "CHECK constraint failed: injected by Seatrial"
VIOLATION = f"DO $$ BEGIN RAISE check_violation USING MESSAGE = '{REFUSED}'; END $$"
"""The server's own: it ends the transaction, as every violation does on PostgreSQL."""


def install(wire: Wire) -> None:
    """For good: there is no way back, and the process has no other purpose."""
    event.listen(Engine, "do_connect", _refusing(wire))
    event.listen(Engine, "do_execute", _executing(wire))
    event.listen(Engine, "do_executemany", _executing(wire))
    event.listen(Engine, "do_execute_no_params", _executing_plain(wire))
    if wire.gated:
        event.listen(Engine, "connect", _impatient)
    _patch_commit(wire)
    _patch_raw_connection(wire)
    outbound.intercept(_intercepting(wire))
    logging.getLogger().addHandler(LogWitness(wire))


def _refusing(wire: Wire) -> Any:
    def do_connect(dialect: Any, *_: Any) -> None:
        if wire.fault is not None and wire.fault.mode == DOWN:
            raise dialect.loaded_dbapi.OperationalError("injected by Seatrial: connection refused")

    return do_connect


def _executing(wire: Wire) -> Any:
    def do_execute(cursor: Any, statement: str, _parameters: Any, context: Any) -> None:
        _before(wire, cursor, statement, context)

    return do_execute


def _executing_plain(wire: Wire) -> Any:
    def do_execute_no_params(cursor: Any, statement: str, context: Any) -> None:
        _before(wire, cursor, statement, context)

    return do_execute_no_params


def _before(wire: Wire, cursor: Any, statement: str, context: Any) -> None:
    raw = context.root_connection.connection.dbapi_connection
    told = wire.hit(SQL, " ".join(str(statement).split()), _backend(raw))
    if told == CONSTRAINT:
        if context.dialect.name == "postgresql":
            cursor.execute(VIOLATION)
        raise context.dialect.loaded_dbapi.IntegrityError(REFUSED)
    if told or wire.poisoned(statement):
        raise _error(context.dialect, raw)


def _error(dialect: Any, raw: Any) -> Exception:
    """The driver's own error. A server that is gone takes the connection with it; SQLite's lock does not."""
    error: type[Exception] = dialect.loaded_dbapi.OperationalError
    if dialect.name == "sqlite":
        return error(LOCKED)
    raw.close()
    return error(SERVER_GONE)


def _patch_commit(wire: Wire) -> None:
    commit: Any = DefaultDialect.do_commit

    def do_commit(self: Any, dbapi_connection: Any) -> None:
        # What arrives is the pool's proxy, or the driver's own connection.
        raw = getattr(dbapi_connection, "dbapi_connection", dbapi_connection)
        backend = _backend(raw)
        if wire.hit(BEFORE_COMMIT, "", backend):
            raise _error(self, raw)
        commit(self, dbapi_connection)
        if wire.hit(AFTER_COMMIT, "", backend):
            raise _error(self, raw)

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _patch_raw_connection(wire: Wire) -> None:
    raw_connection: Any = Engine.raw_connection

    def telling(self: Engine) -> Any:
        # SQLAlchemy's own connections come this way, too, and what they send is seen.
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if not caller.startswith("sqlalchemy."):
            wire.tell(raw=True)
        return raw_connection(self)

    Engine.raw_connection = telling  # type: ignore[method-assign]


def _impatient(connection: Any, _: Any) -> None:
    """SQLite: a lock is an error at once, not a wait that nobody outside can see."""
    if type(connection).__module__.partition(".")[0] == "sqlite3":
        connection.execute("PRAGMA busy_timeout = 0")


def _backend(raw: Any) -> int:
    info = getattr(raw, "info", None)
    try:
        return int(getattr(info, "backend_pid", 0) or 0)
    except Exception:  # a connection that was closed meanwhile
        return 0


def _intercepting(wire: Wire) -> Any:
    def intercept(call: outbound.Request, respond: Any) -> Any:
        where = f"{call.method} {call.url.partition('?')[0]}"
        if wire.hit(BEFORE_CALL, where):
            raise ConnectionRefusedError("injected by Seatrial: connection refused")
        key = next((value for name, value in call.headers.items() if name.lower() == "idempotency-key"), "")
        wire.tell(out=[call.method, call.url, key, hashlib.sha256(call.body).hexdigest()[:16]])
        answer = respond()
        if wire.hit(AFTER_CALL, where):
            raise TimeoutError("injected by Seatrial: timed out")
        return answer

    return intercept
