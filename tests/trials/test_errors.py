"""What the trial of errors sends, and what it leaves behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.model.evidence import Exchange
from seatrial.model.inventory import Inventory, Route
from seatrial.model.profiles import Profile
from seatrial.rules import err
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = """
from flask import Flask, jsonify, redirect, request
from werkzeug.exceptions import HTTPException


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a" * 64, MAX_CONTENT_LENGTH=1000, **(config or {}))

    @app.errorhandler(HTTPException)
    def refused(error):
        response = error.get_response()
        response.content_type = "application/json"
        response.data = '{"error": {"code": "X", "message": "y", "details": {}}}'
        return response

    @app.get("/api/forecast")
    def forecast():
        try:
            return jsonify(days=int(request.args.get("days", "30")))
        except ValueError as error:
            return jsonify(error=str(error)), 400

    @app.post("/api/items")
    def create():
        name = request.form.get("name") or request.get_json()["name"]
        return jsonify(name=name), 201

    @app.get("/api/lost/<token>")
    def lost(token):
        return jsonify(error={"code": "NOT_FOUND", "message": "x"}), 404

    @app.get("/hooks")
    def hooks():
        return jsonify(hooks=len(app.before_request_funcs.get(None, [])), noting=type(request.args).__name__)

    return app
"""
CONFIG = """
    [tool.seatrial]
    app = "shop:create_app"
    [tool.seatrial.database]
    url = "sqlite"
    """


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pilot, Inventory]]:
    root: Path = project(tmp_path_factory.mktemp("errors") / "app", {"shop.py": SHOP}, config=CONFIG)
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.SWEEP)
        yield Pilot(run), inventory


def errors(asked: tuple[Pilot, Inventory], key: str) -> tuple[Route, dict[str, Exchange]]:
    pilot, inventory = asked
    route = inventory.by_key(key)
    found = pilot.errors(route, "anonymous")
    assert not [e.failure for e in found if e.failure]
    assert {e.subject for e in found} == {route.subject()}, "the subject is the route's, whoever and however was asked"
    return route, {e.variant: e for e in found}


def test_fields_are_those_that_the_view_looks_up(asked: tuple[Pilot, Inventory]) -> None:
    _, found = errors(asked, "GET /api/forecast forecast")
    bad = found["every field is no number"]
    assert (bad.status, bad.path) == (400, "/api/forecast?days=abc")
    assert bad.marks["error-leaks"] == "the text of an exception"
    assert bad.marks["error-keys"] == "error"
    assert err.leaks_internals(list(found.values())).outcome == "fail"


def test_what_is_answered_in_place_of_the_view(asked: tuple[Pilot, Inventory]) -> None:
    _, found = errors(asked, "GET /api/forecast forecast")
    assert {name: e.status for name, e in found.items() if "instead" in e.marks} == {
        "DELETE, which is not bound": 405,
        "a rate limit, raised": 429,
        "an unforeseen exception, raised": 500,
    }
    assert found["a rate limit, raised"].header("Retry-After") == "17"
    assert found["an unforeseen exception, raised"].marks["error-shape"] == "envelope"
    assert found["DELETE, which is not bound"].marks["method"] == "DELETE"


def test_bodies(asked: tuple[Pilot, Inventory]) -> None:
    _, found = errors(asked, "POST /api/items create")
    statuses = {name: e.status for name, e in found.items()}
    assert "plain" not in statuses, "a write is not made for nothing"
    assert statuses["malformed JSON"] == statuses["JSON that is not UTF-8"] == 400
    assert statuses["a body of an unknown type"] == 415
    assert statuses["too large a body"] == 413
    assert statuses["every field is huge"] == 201
    assert {"every field is a NUL byte", "every field is not UTF-8", "deeply nested JSON"} <= set(statuses)


def test_a_route_without_a_sample_value_is_asked_for_what_is_not_there(asked: tuple[Pilot, Inventory]) -> None:
    route, found = errors(asked, "GET /api/lost/<token> lost")
    assert {e.status for e in found.values()} >= {404, 405}
    assert all(e.path.startswith("/api/lost/") for e in found.values()), route


def test_nothing_of_the_trial_stays_in_the_app(asked: tuple[Pilot, Inventory]) -> None:
    pilot, inventory = asked
    errors(asked, "GET /hooks hooks")
    seen = pilot.look(inventory.by_key("GET /hooks hooks"), "anonymous", Profile.SWEEP)
    plain = b'{"hooks":0,"noting":"ImmutableMultiDict"}\n'
    assert seen.body_size == len(plain)
