"""What the parts of the kit that write share: the app's own session, one commit, inserts that meet what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Executable, FromClause, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

SessionSource = Callable[[], Session]
"""Gives the session to use: Flask-SQLAlchemy's `db.session`, any `scoped_session`, or a `sessionmaker`."""
Clock = Callable[[], datetime]
"""The time now, with its time zone."""


class UnsupportedDatabase(RuntimeError):
    """The kit's tables need INSERT … ON CONFLICT, which only PostgreSQL and SQLite have."""


class CommitRefused(RuntimeError):
    """Code that runs inside one of the kit's transactions called `commit()` by itself."""


def utcnow() -> datetime:
    return datetime.now(UTC)


def aware(moment: datetime | None) -> datetime | None:
    """SQLite gives back times without their zone; all of ours are UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


@contextmanager
def opened(source: SessionSource) -> Iterator[Session]:
    """The session, without anything left open behind an error. A `sessionmaker`'s is closed: nobody else has it."""
    session = source()
    try:
        yield session
    except BaseException:
        undo(session)
        raise
    finally:
        if isinstance(source, sessionmaker):
            session.close()


def undo(session: Session) -> None:
    """Roll back, also where the connection is gone."""
    try:
        session.rollback()
    except Exception:
        session.invalidate()


@contextmanager
def commits_refused(session: Session, who: str) -> Iterator[None]:
    """Whatever runs inside leaves the commit to us; savepoints (`begin_nested`) are its own affair.

    Raises:
        CommitRefused: Where `commit()` is called inside, before anything is committed.
    """

    def refuse(session: Session) -> None:
        if not session.in_nested_transaction():
            raise CommitRefused(
                f"{who} called commit(): what it does, and the record that it is done, must be committed together; "
                "leave the commit out, or use session.flush()"
            )

    event.listen(session, "before_commit", refuse)
    try:
        yield
    finally:
        event.remove(session, "before_commit", refuse)


def insert(session: Session, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT.

    Raises:
        UnsupportedDatabase: On any other database than PostgreSQL and SQLite.
    """
    match dialect(session, table):
        case "postgresql":
            return postgresql.insert(table)
        case "sqlite":
            return sqlite.insert(table)
        case other:
            raise UnsupportedDatabase(f"seatrial.kit keeps {table.name} on PostgreSQL or SQLite, not on {other}")


def inserted(session: Session, statement: postgresql.Insert | sqlite.Insert) -> bool:
    """Execute an INSERT … ON CONFLICT DO NOTHING of one row; whether the row is new."""
    table = statement.table
    if session.get_bind(clause=table).dialect.insert_returning:
        # Not rowcount: what it says of an INSERT depends on the version of SQLAlchemy.
        return session.execute(statement.returning(*table.primary_key)).first() is not None
    return changed(session, statement.inline()) == 1  # SQLite before 3.35


def dialect(session: Session, clause: FromClause) -> str:
    return str(session.get_bind(clause=clause).dialect.name)


def changed(session: Session, statement: Executable) -> int:
    """Execute it; the number of rows it changed."""
    # Of an INSERT it is kept only when asked for, from SQLAlchemy 2.0.28 on.
    done = session.execute(statement, execution_options={"preserve_rowcount": True})
    return cast(CursorResult[Any], done).rowcount
