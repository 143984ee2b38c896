"""Passive mode records what a suite's own requests do, and changes nothing of the suite."""

import textwrap

import pytest

APP = """
    import threading
    import time

    from flask import Flask, Response, abort, current_app, send_file, stream_with_context
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()

    class Item(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(40))

    def create_app(path):
        app = Flask(__name__)
        app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{path}", TESTING=True, SECRET_KEY="x")
        db.init_app(app)
        with app.app_context():
            db.create_all()
            db.session.add_all([Item(name=str(number)) for number in range(5)])
            db.session.commit()

        def one(number):
            return db.session.scalar(db.select(Item).where(Item.id == number)).name

        @app.get("/list/<int:n>")
        def items(n):
            return "".join(one(number) for number in range(1, n + 1))

        @app.get("/visit")
        def visit():
            db.session.execute(db.update(Item).values(name="seen"))
            db.session.commit()
            return "ok"

        @app.post("/visit")
        def add():
            return visit()

        @app.get("/stream")
        def stream():
            def rows():
                for number in (1, 2):
                    yield one(number)
            return Response(stream_with_context(rows()))

        @app.get("/file")
        def file():
            return send_file(__file__)

        @app.get("/boom")
        def boom():
            one(1)
            raise RuntimeError("boom")

        @app.get("/inner")
        def inner():
            one(1)
            return current_app.test_client().get("/list/2").text

        @app.get("/slow")
        def slow():
            @db.event.listens_for(db.engine, "before_cursor_execute")
            def wait(*_):
                time.sleep(0.12)
            return one(1)

        @app.teardown_request
        def tidy(_):
            if app.config.get("BREAK"):
                raise RuntimeError("teardown")

        return app
"""
CONFTEST = """
    import pytest
    from team_app import create_app

    @pytest.fixture
    def app(tmp_path):
        return create_app(tmp_path / "db.sqlite")

    @pytest.fixture
    def client(app):
        return app.test_client()
"""
TESTS = """
    import threading

    import flask
    import pytest

    @pytest.mark.parametrize("n", [1, 2, 4])
    def test_list(client, n):
        assert client.get(f"/list/{n}").status_code == 200

    def test_visit(client):
        client.get("/visit")
        client.post("/visit")

    def test_stream(client):
        response = client.get("/stream")
        assert response.text == "01"
        client.get("/stream").close()
        with client.get("/file") as response:
            assert response.data

    def test_boom(client):
        with pytest.raises(RuntimeError, match="boom"):
            client.get("/boom")

    def test_missing(client):
        assert client.get("/nowhere").status_code == 404
        assert client.put("/visit").status_code == 405

    def test_nested_and_threads(app, client):
        assert client.get("/inner").text == "01"
        threads = [threading.Thread(target=lambda: app.test_client().get("/inner")) for _ in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

    def test_slow(client):
        client.get("/slow")

    def test_preserved(app):
        with app.test_client() as client:
            client.get("/list/1")
            client.get("/list/1")
            assert flask.request.path == "/list/1"

    def test_pushed(app):
        with app.app_context():
            app.test_client().get("/list/1")
        with app.test_request_context("/"):
            pass

    def test_other_app():
        other = flask.Flask("other")
        other.add_url_rule("/list/<int:n>", "items", lambda n: str(n))
        assert other.test_client().get("/list/3").text == "3"

    def test_teardown_raises(app):
        app.config["BREAK"] = True
        with pytest.raises(RuntimeError, match="teardown"):
            app.test_client().get("/list/1")

    def test_fails():
        assert 0
"""


@pytest.fixture
def team(tmp_path):
    for name, text in {"team_app.py": APP, "conftest.py": CONFTEST, "test_team.py": TESTS}.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    return tmp_path


def table(done):
    """{route: the cells before it} of the table."""
    section = done.out.split("= seatrial: passive =")[1]
    found = {}
    for line in section.splitlines():
        cells, method, route = line.partition(" GET ") if " GET " in line else line.partition(" POST ")
        if method and cells.split()[:1] and cells.split()[0].isdigit():
            found[f"{method.strip()} {route.strip()}"] = " ".join(cells.split())
    return found


EXPECTED = {
    # requests, median, max, (slow), statuses, what was seen
    "GET /list/<int:n> items (team_app)": "11 1 4 200 SQL003 1x, not proved 5x",
    "GET /list/<int:n> items (other)": "1 0 0 200",
    "GET /visit visit (team_app)": "1 1 1 200 SQL006 1x",
    "POST /visit add (team_app)": "1 1 1 200",
    "GET /stream stream (team_app)": "2 2 2 200",
    "GET /file file (team_app)": "1 0 0 200",
    "GET /boom boom (team_app)": "1 1 1 500",
    "GET /inner inner (team_app)": "4 3 3 200",
    "GET /slow slow (team_app)": "1 1 1 1 200",
}


@pytest.mark.parametrize(
    "workers", [pytest.param((), id="alone"), pytest.param(("-n", "2"), id="xdist", marks=pytest.mark.matrix)]
)
def test_what_the_table_says(harbour, team, workers):
    done = harbour.pytest(team, "--seatrial-passive", "-W", "error", *workers)
    assert done.code == 1
    assert done.outcomes() == {"passed": 13, "failed": 1}, done.out
    found = table(done)
    assert found == EXPECTED, done.out
    assert "23 requests to 9 routes" in done.one_line
    assert "2 requests that no route serves" in done.one_line
    assert "suspected N+1s, seen and not proved GET /list/<int:n> at team_app.py:24: SELECT" in done.one_line
    assert "safe methods that write GET /visit at team_app.py:32: UPDATE item" in done.one_line
    assert "statements over the limit GET /slow at team_app.py:24: SELECT" in done.one_line
    assert "HDR001 csp-missing: 7 routes" in done.one_line
    assert "could not be recorded" not in done.out


def test_counts_in_a_context_of_the_tests_alone_are_not_proved(harbour, team):
    (team / "test_team.py").write_text(
        textwrap.dedent("""
            def test_pushed(app):
                with app.app_context():
                    app.test_client().get("/list/2")
        """)
    )
    done = harbour.pytest(team, "--seatrial-passive")
    assert done.code == 0
    assert table(done) == {"GET /list/<int:n> items": "1 ≥2 ≥2 200 not proved"}
    assert "send requests outside of `with app.app_context()`" in done.one_line


def test_a_suite_without_an_app(harbour, tmp_path):
    (tmp_path / "test_plain.py").write_text("def test_plain():\n    pass\n")
    done = harbour.pytest(tmp_path, "--seatrial-passive")
    assert done.code == 0
    assert "no request reached a Flask app" in done.out
    (tmp_path / "flask.py").write_text("raise ImportError('no Flask here')\n")
    done = harbour.pytest(tmp_path, "--seatrial-passive", PYTHONPATH=".")
    assert done.code == 0
    assert "no request was recorded (ImportError: no Flask here): passive mode needs Flask" in done.out


def test_a_recorder_that_fails_costs_a_line(harbour, team):
    (team / "sabotage.py").write_text(
        textwrap.dedent("""
            import seatrial.plugin.watching as watching

            def broken(*_, **__):
                raise ValueError("sabotage")

            watching.record = broken
        """)
    )
    done = harbour.pytest(team, "-p", "sabotage", "--seatrial-passive", PYTHONPATH=".")
    assert done.outcomes()["passed"] == 13
    assert "requests could not be recorded (ValueError: sabotage)" in done.one_line
