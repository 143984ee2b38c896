"""Passive mode on answers: errors, headers, requests to nowhere, the file, the strict run."""

import json
import textwrap

import flask
import pytest
import werkzeug.test

from seatrial.model.suite import Looked
from seatrial.observe.callsite import CallSites
from seatrial.plugin.strays import Strays

APP = """
    from flask import Flask, abort, jsonify, make_response, redirect, request

    class OwnResponse(Flask.response_class):
        pass

    def create_app():
        app = Flask(__name__)
        app.response_class = OwnResponse
        app.config.update(SECRET_KEY="x", TESTING=True)

        @app.get("/")
        def home():
            return "home"

        @app.get("/items/")
        def items():
            return jsonify([])

        @app.get("/old")
        def old():
            return redirect("/nowhere")

        @app.get("/api/<what>")
        def api(what):
            if what == "envelope":
                return jsonify(error={"code": "GONE", "message": "gone"}), 410
            if what == "raised":
                abort(make_response(jsonify(error={"code": "GONE", "message": "gone"}), 410))
            if what == "other":
                return jsonify(message="gone"), 410
            if what == "text":
                return "gone", 410, {"Content-Type": "text/plain"}
            abort(404)

        @app.get("/numbers")
        def numbers():
            if "page" in request.args:
                abort(400)
            return jsonify([1])

        @app.get("/page")
        def page():
            abort(404)

        @app.get("/cookie")
        def cookie():
            response = make_response("<p>hello</p>")
            response.set_cookie("session", "secret-4711")
            return response

        @app.get("/meta")
        def meta():
            return '<meta http-equiv="Content-Security-Policy" content="default-src none">'

        return app
"""
CONFTEST = """
    import pytest
    from team_app import create_app

    @pytest.fixture
    def app():
        return create_app()

    @pytest.fixture
    def client(app):
        return app.test_client()

    @pytest.fixture(scope="session")
    def early():
        return create_app().test_client().get("/read-later")
"""
TESTS = """
    import pytest
    import threading
    import urllib.error
    import urllib.request
    from flask.testing import FlaskClient
    from werkzeug.serving import make_server
    from werkzeug.test import Client

    def is_missing(response):
        return response.status_code == 404

    def test_nothing(client):
        client.get("/gone?token=secret-4711")

    def test_wrong_method(client):
        client.post("/items/")

    def test_truth(client):
        assert client.get("/gone")

    def test_redirected(client):
        client.get("/old", follow_redirects=True)

    def test_status(client):
        assert client.get("/gone").status_code == 404
        assert "404" in client.get("/gone").status
        assert is_missing(client.get("/gone"))

    def test_body(client):
        assert b"secret" not in client.get("/gone").data
        assert client.get("/gone").get_json(silent=True) is None

    def test_served(client):
        assert client.get("/items").location.endswith("/items/")
        client.get("/page")
        client.options("/items/")

    def test_earlier(early):
        pass

    def test_later(early):
        assert early.status_code == 404

    def test_own_client(app):
        class Own(FlaskClient):
            def open(self, *arguments, **options):
                return super().open(*arguments, **options)
        app.test_client_class = Own
        app.test_client().get("/gone")

    def test_bare_client(app):
        Client(app).get("/gone")

    def test_token(client):
        client.get("/reset/0123456789abcdef0123456789abcdef")

    def test_live(app):
        server = make_server("127.0.0.1", 0, app)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/gone", timeout=10)
            assert urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=10).read() == b"home"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    @pytest.mark.xfail
    def test_expected_to_fail(client):
        client.get("/gone")
        assert 0

    def test_errors(client):
        for what in ("envelope", "raised", "other", "other", "text", "html"):
            client.get(f"/api/{what}")
        client.get("/numbers")
        client.get("/numbers?page=x")
        client.get("/page")
        client.get("/page", headers={"Accept": "application/json"})
        client.head("/page", headers={"Accept": "application/json"})

    def test_pages(client):
        client.get("/cookie")
        client.get("/meta")
"""


@pytest.fixture
def team(tmp_path):
    for name, text in {"team_app.py": APP, "conftest.py": CONFTEST, "test_team.py": TESTS}.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    return tmp_path


def passive(harbour, team, *options, code=0):
    done = harbour.pytest(team, "--seatrial-passive-json", "out/passive.json", "-W", "error", *options)
    assert done.code == code, done.out + done.err
    return done, json.loads((team / "out" / "passive.json").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One run that several tests look at."""
    from plugin.conftest import Harbour

    root = tmp_path_factory.mktemp("team")
    for name, text in {"team_app.py": APP, "conftest.py": CONFTEST, "test_team.py": TESTS}.items():
        (root / name).write_text(textwrap.dedent(text))
    return passive(Harbour(), root)


LOST = {
    ("test_nothing", "GET /gone"),
    ("test_wrong_method", "POST /items/"),
    ("test_truth", "GET /gone"),
    ("test_redirected", "GET /nowhere"),
    ("test_own_client", "GET /gone"),
    ("test_bare_client", "GET /gone"),
    ("test_token", "GET /reset/…"),
}


def lost(seen):
    return {(f["subject"].rpartition("::")[2], f["evidence"]["request"]) for f in seen["findings"]}


def test_who_requests_what_no_route_serves(alone):
    done, seen = alone
    assert lost(seen) == LOST
    assert {(f["rule"], f["level"]) for f in seen["findings"]} == {("TST001", "block")}
    first = next(f for f in seen["findings"] if f["subject"].endswith("test_nothing"))
    assert (first["subject"], first["path"], first["line"]) == ("test test_team.py::test_nothing", "test_team.py", 14)
    assert (
        "test_team.py::test_nothing: GET /gone is answered 404, and nobody looked at test_team.py:14" in done.one_line
    )


def test_what_cannot_be_proved(alone):
    _, seen = alone
    reasons = {entry["subject"].rpartition("::")[2]: entry["reason"] for entry in seen["not_proved"]}
    assert reasons.keys() == {"test_body", "test_live"}
    assert "looked at the answer and not at its status" in reasons["test_body"]
    assert "send it with app.test_client()" in reasons["test_live"]


def test_an_answer_may_be_read_by_a_later_test(alone):
    _, seen = alone
    looked = {(s["test"].rpartition("::")[2], s["path"], s["looked_at"]) for s in seen["strays"]}
    assert ("test_earlier", "/read-later", "status") in looked


def test_errors_by_shape(alone):
    done, seen = alone
    errors = {r["rule"]: r["errors_without_envelope"] for r in seen["routes"] if r["errors_without_envelope"]}
    # An error of a route that otherwise answers JSON is one for API clients; a page's is not, unless JSON is asked for.
    assert errors == {
        "/api/<what>": {"json": 2, "html": 1, "other": 1},
        "/numbers": {"html": 1},
        "/page": {"html": 1},
    }
    assert "GET /api/<what> api: 2 JSON of another shape, 1 HTML, 1 neither JSON nor HTML" in done.one_line


def test_headers_and_cookies_are_seen_and_never_passed(alone):
    done, seen = alone
    routes = {r["rule"]: r["seen"] for r in seen["routes"] if r["method"] == "GET"}
    assert routes["/cookie"] == {"CKE002": 1, "CKE003": 1, "HDR001": 1, "HDR005": 1, "HDR007": 1, "HDR008": 1}
    assert "HDR001" not in routes["/meta"]
    assert routes["/numbers"]["HDR001"] == 1, "its JSON is no page, its 400 is one"
    assert "CKE003 cookie-samesite: 1 route" in done.one_line
    assert "what is not named is not proved" in done.one_line


def test_nothing_secret_leaves(alone):
    done, seen = alone
    assert "4711" not in done.out.split("= seatrial: passive =")[1] + json.dumps(seen)


def test_the_file_has_the_published_shape(alone):
    _, seen = alone
    assert list(seen) == [
        "seatrial", "requests", "routes", "unserved", "strays", "findings", "not_proved", "missed",
    ]  # fmt: skip
    assert list(seen["routes"][0]) == [
        "app", "method", "rule", "endpoint", "requests", "not_proved", "statements", "slow_statements", "statuses",
        "seen", "errors_without_envelope", "places",
    ]  # fmt: skip
    assert seen["missed"] == {}
    assert seen["unserved"] == sum(entry["path"] != "" for entry in seen["strays"]) + 1 + 1  # a redirect, an xfail


@pytest.mark.matrix
def test_workers_together_see_the_same(harbour, team, alone):
    _, seen = passive(harbour, team, "-n", "2", "--dist", "loadfile")
    assert seen == alone[1]


@pytest.mark.matrix
def test_a_strict_run_fails(harbour, team):
    done, seen = passive(harbour, team, "--seatrial-passive-strict", code=1)
    assert "TST001: the run fails by --seatrial-passive-strict" in done.one_line
    (team / "seatrial.toml").write_text('app = "team_app:create_app"\n[rules]\nTST001 = "warn"\nHDR001 = "off"\n')
    done, seen = passive(harbour, team, "--seatrial-passive-strict")
    assert {f["level"] for f in seen["findings"]} == {"warn"}
    assert "HDR001" not in json.dumps(seen["routes"]) + done.out.split("= seatrial: passive =")[1]
    (team / "seatrial.toml").write_text('app = "team_app:create_app"\n[rules]\nTST001 = "off"\n')
    done, seen = passive(harbour, team, "--seatrial-passive-strict")
    assert (seen["findings"], seen["not_proved"]) == ([], [])
    assert "TST001" not in done.out


@pytest.mark.matrix
def test_a_write_by_get_fails_a_strict_run(harbour, tmp_path):
    (tmp_path / "test_team.py").write_text(
        textwrap.dedent("""
            import flask
            import sqlalchemy as sa

            def test_write():
                engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
                app = flask.Flask("shop")

                @app.get("/")
                def home():
                    with engine.begin() as connection:
                        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS visit (id INTEGER)"))
                        connection.execute(sa.text("INSERT INTO visit VALUES (1)"))
                    return "ok"

                assert app.test_client().get("/").text == "ok"
                engine.dispose()
        """)
    )
    assert harbour.pytest(tmp_path, "--seatrial-passive").code == 0
    done = harbour.pytest(tmp_path, "--seatrial-passive-strict")
    assert done.code == 1
    assert "SQL006: the run fails by --seatrial-passive-strict" in done.one_line


@pytest.mark.matrix
def test_the_pending_rows_of_a_test_are_no_write_of_a_get(harbour, tmp_path):
    """Inside its app context the request shares the session, and its first query flushes what the test has added."""
    (tmp_path / "test_team.py").write_text(
        textwrap.dedent("""
            import flask
            from flask_sqlalchemy import SQLAlchemy

            def test_pending(tmp_path):
                db = SQLAlchemy()

                class Item(db.Model):
                    id = db.Column(db.Integer, primary_key=True)

                app = flask.Flask("shop")
                app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/db"
                db.init_app(app)
                app.add_url_rule("/", "home", lambda: str(len(db.session.scalars(db.select(Item)).all())))
                with app.app_context():
                    db.create_all()
                    db.session.add(Item())
                    assert app.test_client().get("/").text == "1"
        """)
    )
    done = harbour.pytest(tmp_path, "--seatrial-passive-strict")
    assert done.code == 0, done.out
    assert "SQL006" not in done.out


def test_a_file_that_cannot_be_written(harbour, team):
    (team / "out").write_text("a file")
    done = harbour.pytest(team, "--seatrial-passive-json", "out/passive.json", "-k", "test_status")
    assert done.code == 2
    assert "cannot be written" in done.one_line
    assert "--seatrial-passive-json FILE" in done.one_line
    assert "Traceback" not in done.out + done.err


def test_the_test_client_is_put_back():
    before = werkzeug.test.Client.open
    strays = Strays(CallSites("/"))
    strays.begin()
    assert werkzeug.test.Client.open is not before
    strays.end()
    assert werkzeug.test.Client.open is before


def test_a_watched_answer_is_what_it_was():
    app = flask.Flask("shop")
    strays = Strays(CallSites("/"))

    @flask.request_finished.connect_via(app)
    def on_finished(*_, response, **__):
        strays.answered(flask.request.environ, "GET", "/", response.status_code)

    strays.begin()
    try:
        strays.test = "test"
        response = app.test_client().get("/")
    finally:
        strays.end()
    assert isinstance(response, werkzeug.test.TestResponse)
    assert isinstance(response, flask.Response)
    assert type(response).__name__ == "WrapperTestResponse"
    with response:
        assert strays._marks[0].looked is Looked.NOTHING
        assert b"Not Found" in response.data
        assert strays._marks[0].looked is Looked.BODY
        assert (response.status_code, response.request.path) == (404, "/")
    assert strays._marks[0].looked is Looked.STATUS
