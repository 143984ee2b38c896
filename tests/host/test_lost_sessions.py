"""An app that knows in its database which token is the last one: a log-in, or a put-back, ends the session."""

from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.model.evidence import Kind
from seatrial.model.profiles import Profile
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

FILES = {
    "shop/__init__.py": """
        import uuid

        from flask import Flask, abort, request
        from flask_sqlalchemy import SQLAlchemy

        db = SQLAlchemy()
        entered = []

        class Person(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            token = db.Column(db.String(40))

        def seed(app):
            db.session.add(Person(id=1, token=""))
            db.session.commit()

        def log_in(client):
            client.environ_base["HTTP_AUTHORIZATION"] = client.post("/enter").json["token"]

        def rotate():
            token = uuid.uuid4().hex
            db.session.get(Person, 1).token = token
            db.session.commit()
            return token

        def create_app(config):
            app = Flask(__name__)
            app.config.update(config)
            db.init_app(app)

            @app.post("/enter")
            def enter():
                entered.append(rotate())
                if len(entered) > 2:
                    abort(429)  # which ended the session all the same
                return {"token": entered[-1]}

            @app.post("/rotate")
            def away():
                return {"done": bool(rotate())}

            @app.get("/me")
            def me():
                if request.headers.get("Authorization") != db.session.get(Person, 1).token:
                    abort(401)
                return {"name": "me"}

            return app
    """,
}
MORE = """
    [[tool.seatrial.identities]]
    name = "owner"
    call = "shop:log_in"
    proof = "/me"
"""


def test_a_session_that_the_app_ended_is_opened_again_and_one_that_was_put_back_is_remembered(tmp_path: Path) -> None:
    root = project(tmp_path / "app", FILES, top='seed = "shop:seed"', more=MORE)
    with open_run(load(root)) as run:
        routes = {route.rule: route for route in prepare(run, Profile.SWEEP).routes}
        pilot = Pilot(run)
        assert pilot.visit(routes["/me"], "owner").warm.status == 200
        pilot.malformed(routes["/rotate"], "owner")  # ends the session
        assert pilot.look(routes["/me"], "owner", Profile.SWEEP).status == 200, "logged in for the second time"
        pilot.malformed(routes["/enter"], "owner")  # the database is put back: only the first token is known to it
        grown = pilot.growth(routes["/me"], "owner")
        assert grown.answer is None, "and nobody is let in for a third time"


LOCKING = {
    "shop.py": """
        from flask import Flask, redirect, request, session
        from flask_sqlalchemy import SQLAlchemy

        db = SQLAlchemy()

        class Person(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            open = db.Column(db.Boolean, default=True)

        def seed(app):
            db.session.add(Person(id=1))
            db.session.commit()

        def create_app(config):
            app = Flask(__name__)
            app.config.update(config)
            db.init_app(app)

            @app.route("/login", methods=["GET", "POST"])
            def login():
                if request.method == "POST" and db.session.get(Person, 1).open:
                    session["user_id"] = 1
                    return redirect("/me")
                return '<form method="post"><input name="name"></form>'

            @app.before_request
            def guard():
                if request.path != "/login" and not ("user_id" in session and db.session.get(Person, 1).open):
                    return redirect("/login")

            @app.get("/lock")
            def lock():
                db.session.get(Person, 1).open = False
                db.session.commit()
                return redirect("/me")

            @app.get("/me")
            def me():
                return "me"

            return app
        """
}
OWNER = """
    [[tool.seatrial.identities]]
    name = "owner"
    login = "/login"
    fields = { name = "owner" }
    """


@pytest.mark.parametrize("ask", ["visit", "look", "origins"])
@pytest.mark.matrix
def test_a_link_that_locks_the_account_is_seen_to_write_and_costs_itself_alone(tmp_path: Path, ask: str) -> None:
    root = project(tmp_path, LOCKING, top='seed = "shop:seed"', more=OWNER)
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.SWEEP)
        pilot = Pilot(run)
        asked = {"visit": lambda key: pilot.visit(inventory.by_key(key), "owner").cold}
        asked["look"] = lambda key: pilot.look(inventory.by_key(key), "owner", Profile.SWEEP)
        asked["origins"] = lambda key: pilot.origins(inventory.by_key(key), "owner", Profile.SWEEP)[0]
        locked = asked[ask]("GET /lock lock")
        after = asked[ask]("GET /me me")
    assert locked.count(Kind.DML) == 1
    assert after.status == 200
