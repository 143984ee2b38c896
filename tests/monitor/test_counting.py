"""What a request sends is counted, whatever way it is sent and however the request ends."""

import contextvars
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, Response, stream_with_context
from flask_sqlalchemy import SQLAlchemy
from monitor.shops import Item, database, shop, watched_reports
from sqlalchemy.orm import Session
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from seatrial.model.evidence import Kind
from seatrial.monitor import Monitor, tally
from seatrial.observe.sql import shape
from seatrial.observe.statements import record


def reported(app: Flask, path: str, **options: Any) -> tuple[str, str, int, int]:
    with watched_reports(app) as seen:
        app.test_client().open(path, buffered=True, **options)
    [one] = seen
    return one


def counted(view: Any) -> int:
    app = Flask("shop")
    app.add_url_rule("/", view_func=view, endpoint="view")
    Monitor(app)
    return reported(app, "/")[3]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_statements_of_a_view(count: int) -> None:
    assert reported(shop(), f"/send/{count}") == ("GET", "/send/<int:count>", 200, count)


def test_every_way_to_execute() -> None:
    engine = database()

    def view() -> str:
        with engine.begin() as connection:
            connection.execute(sa.select(Item))
            connection.execute(sa.text("SELECT name FROM item WHERE id = :id"), {"id": 1})
            connection.exec_driver_sql("SELECT 1 FROM item")
            connection.execution_options(no_parameters=True).exec_driver_sql("SELECT 2 FROM item")
            connection.execute(sa.insert(Item.__table__), [{"name": "a"}, {"name": "b"}])  # executemany
            connection.execute(sa.insert(Item).returning(Item.id), [{"name": "c"}, {"name": "d"}])  # insertmanyvalues
        return "done"

    assert counted(view) == 6


def test_what_a_budget_does_not_count_is_not_counted_here() -> None:
    engine = database()

    def view() -> str:
        with record() as recording, engine.begin() as connection, Session(connection) as session:
            connection.exec_driver_sql("PRAGMA user_version")
            connection.execute(sa.text("CREATE TABLE IF NOT EXISTS more (id INTEGER)"))
            with session.begin_nested():
                session.scalars(sa.select(Item)).all()
        kinds = [statement.kind for statement in recording.statements()]
        assert kinds.count(Kind.SELECT) == 1
        assert len(kinds) >= 4
        return "done"

    assert counted(view) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM b",
        "  select\n  a\nfrom b",
        "/* why */ SELECT a FROM b",
        "SELECT 1",
        "SELECT a INTO c FROM b",
        "SELECT nextval('seq')",
        "SELECT x.nextval FROM dual",
        "SELECT last_insert_rowid()",
        "INSERT INTO a VALUES (1)",
        "update a set b = 1",
        "DELETE FROM a",
        "WITH q AS (SELECT 1) SELECT * FROM q",
        "WITH q AS (DELETE FROM a RETURNING 1) SELECT * FROM q",
        "SAVEPOINT s",
        "RELEASE SAVEPOINT s",
        "PRAGMA x",
        "SET search_path TO a",
        "BEGIN",
        "CREATE TABLE a (b int)",
        "EXPLAIN SELECT a FROM b",
        "VALUES (1)",
        "",
        "CALL work()",
    ],
)
def test_the_quick_answer_is_the_answer_of_the_recorder(sql: str) -> None:
    assert tally.is_counted(sql) is (shape(sql).kind in (Kind.SELECT, Kind.DML))
    assert tally.is_counted(sql) is (shape(sql).kind in (Kind.SELECT, Kind.DML))  # and from memory


def test_several_engines_of_one_app_and_flask_sqlalchemy(tmp_path: Path) -> None:
    app = Flask("shop")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/a.db",
        SQLALCHEMY_BINDS={"reports": f"sqlite:///{tmp_path}/b.db"},
    )
    db = SQLAlchemy(app)

    class Here(db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)

    class There(db.Model):  # type: ignore[name-defined, misc]
        __bind_key__ = "reports"
        id = db.Column(db.Integer, primary_key=True)

    @app.get("/")
    def both() -> str:
        return f"{len(db.session.scalars(sa.select(Here)).all())}{len(db.session.scalars(sa.select(There)).all())}"

    Monitor(app)
    with app.app_context():
        db.create_all()
    assert reported(app, "/") == ("GET", "/", 200, 2)


def test_a_statement_that_fails_counts_and_fails_as_it_would_have() -> None:
    engine = database()

    def view() -> str:
        with pytest.raises(sa.exc.OperationalError, match="no such table"), engine.connect() as connection:
            connection.exec_driver_sql("SELECT a FROM nowhere")
        return "done"

    assert counted(view) == 1


def test_an_exception_in_the_view_is_a_500() -> None:
    assert reported(shop(), "/fail/2") == ("GET", "/fail/<int:count>", 500, 2)


def test_an_exception_that_leaves_the_app_is_a_500() -> None:
    app = shop()
    app.testing = True
    with watched_reports(app) as seen, pytest.raises(RuntimeError):
        app.test_client().get("/fail/2")
    assert seen == [("GET", "/fail/<int:count>", 500, 2)]
    assert tally.current.get() is None


def test_a_request_that_is_torn_down_has_no_status() -> None:
    app = shop()

    @app.get("/gone")
    def gone() -> str:
        app.extensions["tests.send"](1)
        raise SystemExit(1)  # what a worker does when its time is over

    with watched_reports(app) as seen, pytest.raises(SystemExit):
        app.test_client().get("/gone")
    assert seen == [("GET", "/gone", 0, 1)]


def test_an_unknown_route_never_shows_its_path() -> None:
    assert reported(shop(), "/secret-token-in-path") == ("GET", "(unmatched)", 404, 0)
    assert reported(shop(), "/send/1", method="BREW")[0] == "OTHER"


def test_a_hook_that_answers_first_does_not_hide_the_route() -> None:
    app = shop()
    app.before_request(lambda: ("log in first", 401))
    assert reported(app, "/send/4") == ("GET", "/send/<int:count>", 401, 0)


def test_a_stream_counts_until_it_is_closed() -> None:
    app = shop()
    with watched_reports(app) as seen:
        response = app.test_client().get("/stream/3")
        assert seen == []
        assert response.get_data(as_text=True) == "chunk\n" * 3
        response.close()
    assert seen == [("GET", "/stream/<int:count>", 200, 3)]


def test_an_aborted_stream_is_reported_with_what_it_sent() -> None:
    app = shop()
    with watched_reports(app) as seen:
        response = app.test_client().get("/stream/100")
        chunks = response.iter_encoded()
        next(chunks)
        next(chunks)
        response.close()
        response.close()
    assert seen == [("GET", "/stream/<int:count>", 200, 2)]
    assert tally.current.get() is None


def test_a_stream_with_context_and_statements_on_close() -> None:
    app = shop()

    @app.get("/long")
    def long() -> Response:
        def chunks() -> Iterator[str]:
            app.extensions["tests.send"](2)
            yield "one"

        response = Response(stream_with_context(chunks()))
        response.call_on_close(lambda: app.extensions["tests.send"](1))
        return response

    assert reported(app, "/long") == ("GET", "/long", 200, 3)


def test_a_file_stays_what_the_server_recognises() -> None:
    class Wrapper:
        def __init__(self, file: Any, size: int = 8192) -> None:
            self.file = file

        def __iter__(self) -> Iterator[bytes]:
            return iter([self.file.read()])

    app = shop()

    @app.get("/file")
    def file() -> Any:
        from flask import send_file

        return send_file(__file__)

    from werkzeug.test import create_environ

    with watched_reports(app) as seen:
        body = app(create_environ("/file") | {"wsgi.file_wrapper": Wrapper}, lambda *_: lambda _: None)
    assert isinstance(body, Wrapper)
    assert seen == [("GET", "/file", 200, 0)]


def test_outside_of_requests_nothing_is_counted_and_nothing_breaks() -> None:
    app = shop()
    with watched_reports(app) as seen, app.app_context():
        app.extensions["tests.send"](2)
    with app.test_request_context("/send/1"):
        app.extensions["tests.send"](1)
        app.do_teardown_request()
    assert seen == []


def test_a_background_thread_of_the_request_is_not_the_request() -> None:
    app = shop()

    @app.get("/background")
    def background() -> str:
        thread = threading.Thread(target=app.extensions["tests.send"], args=(5,))
        thread.start()
        thread.join()
        app.extensions["tests.send"](1)
        return "done"

    assert reported(app, "/background") == ("GET", "/background", 200, 1)


def test_a_request_inside_a_request_is_its_own() -> None:
    inner = shop(name="inner")
    app = shop()

    @app.get("/outer")
    def outer() -> str:
        app.extensions["tests.send"](1)
        inner.test_client().get("/send/5")
        with app.app_context(), app.app_context():
            app.extensions["tests.send"](2)
        return "done"

    with watched_reports(inner) as seen_inside:
        assert reported(app, "/outer") == ("GET", "/outer", 200, 3)
    assert seen_inside == [("GET", "/send/<int:count>", 200, 5)]


def test_an_app_mounted_inside_another_is_reported_once() -> None:
    inner, app = shop(name="inner"), Flask("outer")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/in": inner})  # type: ignore[method-assign]
    Monitor(app)
    with watched_reports(app) as outside, watched_reports(inner) as inside:
        Client(app).get("/in/send/2", buffered=True)
        Client(app).get("/nothing", buffered=True)
    assert inside == [("GET", "/send/<int:count>", 200, 2)]
    assert outside == [("GET", "(unmatched)", 404, 0)]


def test_other_layers_inside_and_outside() -> None:
    app = Flask("shop")
    app.add_url_rule("/", "home", lambda: "home")
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    Monitor(app)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert reported(app, "/") == ("GET", "/", 200, 0)


def test_the_trials_recorder_sees_the_same() -> None:
    app = shop()
    with record() as recording:
        assert reported(app, "/send/4")[3] == 4
    assert len(recording.statements()) == 4


def test_memory_does_not_grow_with_what_a_request_sends() -> None:
    engine = database()
    kept: list[Any] = []

    def view() -> str:
        with engine.connect() as connection:
            for number in range(2000):
                connection.exec_driver_sql(f"SELECT {number} FROM item /* {'x' * 3000} */")
        kept.append(tally.current.get())
        return "done"

    assert counted(view) == 2000
    [found] = kept
    assert len(found.entries) <= tally.DISTINCT_KEPT
    assert sum(map(len, found.entries)) <= tally.CHARACTERS_KEPT
    assert len(tally._kinds) <= tally.KINDS_KEPT


def test_another_listener_that_executes_keeps_its_turn() -> None:
    engine = database()
    asked: list[str] = []

    def other(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        asked.append(statement)
        return False

    Monitor(Flask("first"))
    sa.event.listen(engine, "do_execute", other)

    def view() -> str:
        with engine.connect() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(Item)).scalar() == 3
        return "done"

    assert counted(view) == 1
    assert len(asked) == 1


def test_in_lists_of_many_lengths_are_kept_once() -> None:
    engine = database()
    kept: list[Any] = []

    def view() -> str:
        with engine.connect() as connection:
            for length in range(300):
                connection.execute(sa.select(Item.name).where(Item.id.in_(range(length))))
        kept.append(tally.current.get())
        return "done"

    assert counted(view) == 300
    assert len(kept[0].entries) == 1


def test_what_a_thread_with_the_requests_context_sends_late_is_nobodys() -> None:
    app, go_on = shop(), threading.Event()
    kept: list[Any] = []

    @app.get("/leaves")
    def leaves() -> str:
        def late() -> None:
            go_on.wait(20)
            app.extensions["tests.send"](3)

        app.extensions["tests.send"](1)
        thread = threading.Thread(target=contextvars.copy_context().run, args=(late,))
        thread.start()
        kept.extend((tally.current.get(), thread))
        return "done"

    assert reported(app, "/leaves") == ("GET", "/leaves", 200, 1)
    found, thread = kept
    go_on.set()
    thread.join()
    assert found.count == 1
