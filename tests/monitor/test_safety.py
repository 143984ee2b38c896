"""Whatever breaks inside the monitor, the request is answered as it would have been without."""

import logging
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from monitor.shops import Records, database, shop
from prometheus_client import CollectorRegistry

from seatrial.monitor import Monitor, tally

TOKEN = "kM3nTq9ZzX0aB7cD"


def failures(app: Flask) -> dict[str, int]:
    found: dict[str, int] = app.extensions["seatrial.monitor"].guard.failures
    return found


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("the log server is away")


def test_a_log_handler_that_raises() -> None:
    logger, handler = logging.getLogger("seatrial.monitor"), Raising()
    app = shop(max_statements=1)
    logger.addHandler(handler)
    try:
        answers = [app.test_client().get("/send/3") for _ in range(2)]
    finally:
        logger.removeHandler(handler)
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "sent")] * 2
    assert failures(app) == {"log": 2}


def test_a_log_handler_that_asks_the_database() -> None:
    engine = database()

    class IntoTheDatabase(logging.Handler):
        asked = 0

        def emit(self, record: logging.LogRecord) -> None:
            self.asked += 1
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT sleep_ms(10) FROM item LIMIT 1")

    logger, handler = logging.getLogger("seatrial.monitor"), IntoTheDatabase()
    app = shop(engine, slow_statement_ms=5)
    logger.addHandler(handler)
    try:
        assert app.test_client().get("/slow/10").status_code == 200
    finally:
        logger.removeHandler(handler)
    assert handler.asked == 1


def test_metrics_that_are_gone() -> None:
    registry = CollectorRegistry()
    app = shop(prometheus=True, registry=registry)
    for metric in vars(app.extensions["seatrial.monitor"]._metrics._metrics).values():
        registry.unregister(metric)
        metric._labelnames = ("other",)  # what a clash of versions in one process ends in
    assert [app.test_client().get("/send/3").status_code for _ in range(2)] == [200, 200]
    assert failures(app) == {"metrics": 2}


def test_a_statement_that_cannot_be_described(monkeypatch: pytest.MonkeyPatch, logged: Records) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RecursionError("the scanner is broken")

    monkeypatch.setattr(tally, "shape", broken)
    monkeypatch.setattr(tally, "_kinds", {})
    app, engine = Flask("shop"), database()

    @app.get("/")
    def home() -> str:
        with engine.connect() as connection:
            return str(connection.exec_driver_sql("SELECT 1 + 1").scalar())

    Monitor(app)
    assert app.test_client().get("/").text == "2"
    assert failures(app) == {"statements": 1}
    assert logged.lines() == []


def test_a_listener_of_the_apps_that_raises_is_the_apps() -> None:
    engine = database()
    app = shop(engine)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def refuse(*_: Any) -> None:
        raise PermissionError("read-only")

    app.testing = True
    with pytest.raises(PermissionError, match="read-only"):
        app.test_client().get("/send/1")
    assert tally.current.get() is None
    assert failures(app) == {}


def test_a_server_that_hands_on_nonsense() -> None:
    app = shop(token=TOKEN)
    watch = app.extensions["seatrial.monitor"]
    answered: list[Any] = []

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("fine", [("X-Own", "kept")])
        return [b"body"]

    watch.wsgi_app = wsgi
    assert watch({"REQUEST_METHOD": ["GET"]}, lambda *sent: answered.append(sent)) == [b"body"]
    assert watch({"HTTP_X_SEATRIAL_TOKEN": 3}, lambda *sent: answered.append(sent)) == [b"body"]
    assert answered == [("fine", [("X-Own", "kept")])] * 2
    assert set(failures(app)) == {"start", "response"}


def test_failures_are_told_once(logged: Records) -> None:
    app = shop(prometheus=True, registry=CollectorRegistry())
    app.extensions["seatrial.monitor"]._metrics._series = None
    for _ in range(3):
        app.test_client().get("/send/1")
    told = [record for record in logged.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert "its metrics failed; requests go on" in told[0].getMessage()
    assert failures(app) == {"metrics": 3}


def test_a_disabled_logger_is_seen() -> None:
    app = shop()
    logger = logging.getLogger("seatrial.monitor")
    assert app.extensions["seatrial.monitor"].logs_slow_statements
    logger.disabled = True  # what logging.config.dictConfig does by default
    try:
        assert not app.extensions["seatrial.monitor"].logs_slow_statements
    finally:
        logger.disabled = False
    assert not shop(slow_statement_ms=None).extensions["seatrial.monitor"].logs_slow_statements


def test_results_are_the_apps_own() -> None:
    """The monitor executes in the dialect's place: what comes back must not differ."""
    engine = database()
    app = Flask("shop")

    @app.get("/")
    def home() -> dict[str, Any]:
        with engine.begin() as connection:
            written = connection.execute(sa.text("UPDATE item SET name = upper(name)")).rowcount
            inserted = connection.execute(sa.text("INSERT INTO item (name) VALUES ('bell')")).lastrowid
            names = list(connection.execute(sa.text("SELECT name FROM item ORDER BY id")).scalars())
        return {"written": written, "inserted": inserted, "names": names}

    Monitor(app)
    expected = {"written": 3, "inserted": 4, "names": ["ROPE", "ANCHOR", "LAMP", "bell"]}
    assert app.test_client().get("/").json == expected
