"""Small apps with a real database for the tests of the monitor."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

from seatrial.monitor import Monitor


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))


def database(url: str = "sqlite://") -> Engine:
    """An engine whose SQLite can also be slow: `sleep_ms(30)`."""
    memory = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if url == "sqlite://" else {}
    engine = sa.create_engine(url, **memory)

    @sa.event.listens_for(engine, "connect")
    def add_sleep(connection: Any, _: Any) -> None:
        connection.create_function("sleep_ms", 1, lambda ms: time.sleep(ms / 1000))

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Item(name=name) for name in ("rope", "anchor", "lamp")])
        session.commit()
    return engine


def shop(engine: Engine | None = None, name: str = "shop", **options: Any) -> Flask:
    """An app with a monitor, and without Flask-SQLAlchemy."""
    engine = engine or database()
    app = Flask(name)

    def send(count: int) -> None:
        with Session(engine) as session:
            for _ in range(count):
                session.scalars(sa.select(Item)).all()

    @app.get("/send/<int:count>")
    def plain(count: int) -> str:
        send(count)
        return "sent"

    @app.get("/slow/<int:ms>")
    def slow(ms: int) -> str:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT sleep_ms({ms}), 'hunter2' AS secret")
        return "slow"

    @app.get("/fail/<int:count>")
    def fail(count: int) -> str:
        send(count)
        raise RuntimeError("the view fails")

    @app.get("/stream/<int:count>")
    def stream(count: int) -> Response:
        def chunks() -> Iterator[str]:
            for _ in range(count):
                send(1)
                yield "chunk\n"

        return Response(chunks())

    app.extensions["tests.send"] = send
    Monitor(app, **options)
    return app


class Records(logging.Handler):
    """Keeps what the monitor logs."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(record.getMessage()) for record in self.records if record.getMessage().startswith("{")]
        return [line for line in found if not event or line["event"] == event]


@contextmanager
def watched_reports(app: Flask) -> Iterator[list[tuple[str, str, int, int]]]:
    """(method, rule, status, statements) of every request that is reported meanwhile, in order."""
    watch, seen = app.extensions["seatrial.monitor"], []
    report: Callable[[Any], None] = watch.report

    def noting(visit: Any) -> None:
        seen.append((visit.method, visit.rule, visit.status, visit.tally.count))
        report(visit)

    watch.report = noting
    try:
        yield seen
    finally:
        del watch.report
