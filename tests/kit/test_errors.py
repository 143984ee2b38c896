"""The handlers of the kit, on real Flask apps: shape, headers, and nothing of the inside."""

import json
import logging
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask, Response, abort, make_response
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import Conflict, TooManyRequests, Unauthorized

from seatrial.kit.errors import Refusal, error_response, init_errors
from seatrial.kit.refusals import json_safe

JSON = {"Accept": "application/json"}


class Refused(Exception):
    status = 404
    code = "NO_SUCH_ITEM"

    def __init__(self, message: str, details: object = None) -> None:
        super().__init__("SELECT secret FROM item")
        self.message, self.details = message, details


class Odd(Exception):
    status = 200
    code = 7
    message = None


class Amount(BaseModel):
    quantity: int


def app_that(view: Callable[[], Any], **options: Any) -> FlaskClient:
    app = Flask("shop")
    init_errors(app, **options)
    app.add_url_rule("/items", "items", view)
    return app.test_client()


def error_of(response: Any) -> dict[str, Any]:
    assert response.mimetype == "application/json"
    body = json.loads(response.data)
    assert list(body) == ["error"]
    assert set(body["error"]) == {"code", "message", "details"}
    found: dict[str, Any] = body["error"]
    return found


def ok() -> str:
    return "ok"


def test_http_errors_keep_status_and_headers() -> None:
    client = app_that(ok)
    missing = client.get("/nowhere", headers=JSON)
    assert (missing.status_code, error_of(missing)["code"]) == (404, "NOT_FOUND")
    method = client.post("/items", headers=JSON)
    assert (method.status_code, error_of(method)["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in method.headers["Allow"]


def test_retry_after_and_www_authenticate_stay() -> None:
    def limited() -> str:
        raise TooManyRequests(retry_after=17)

    assert app_that(limited).get("/items", headers=JSON).headers["Retry-After"] == "17"

    def stranger() -> str:
        from werkzeug.datastructures import WWWAuthenticate

        raise Unauthorized(www_authenticate=WWWAuthenticate("bearer"))

    assert app_that(stranger).get("/items", headers=JSON).headers["WWW-Authenticate"].lower().startswith("bearer")


def test_a_description_of_the_apps_own_is_shown_and_werkzeugs_is_not() -> None:
    assert error_of(app_that(lambda: abort(409, "Somebody else was faster.")).get("/items", headers=JSON)) == {
        "code": "CONFLICT",
        "message": "Somebody else was faster.",
        "details": {},
    }
    assert error_of(app_that(lambda: abort(403)).get("/items", headers=JSON))["message"] == "You may not do this."
    shown = error_of(app_that(lambda: abort(503, "postgres://user:pw@db")).get("/items", headers=JSON))
    assert shown["message"] == "This is not available at the moment."
    assert error_of(app_that(lambda: abort(418)).get("/items", headers=JSON))["code"] == "HTTP_418"


def test_the_unforeseen_is_500_is_logged_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def crash() -> str:
        raise RuntimeError("postgres://user:pw@db")

    undone: list[int] = []
    with caplog.at_level(logging.ERROR):
        response = app_that(crash, rollback=lambda: undone.append(1)).get("/items", headers=JSON)
    assert (response.status_code, error_of(response)["code"]) == (500, "INTERNAL_ERROR")
    assert b"postgres" not in response.data
    assert "RuntimeError" in caplog.text
    assert undone == [1]


def test_validation_errors_are_400_by_field_and_without_values() -> None:
    def parse() -> str:
        Amount.model_validate({"quantity": "s3cret"})
        return "never"

    response = app_that(parse).get("/items", headers=JSON)
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "VALIDATION_ERROR"
    assert list(error["details"]) == ["quantity"]
    assert b"s3cret" not in response.data
    assert app_that(parse, validation_errors=False).get("/items", headers=JSON).status_code == 500


def test_service_errors() -> None:
    def refuse() -> str:
        raise Refused("There is no such item.", {"id": 7})

    error = error_of(app_that(refuse, service_errors=[Refused]).get("/items", headers=JSON))
    assert error == {"code": "NO_SUCH_ITEM", "message": "There is no such item.", "details": {"id": 7}}

    def odd() -> str:
        raise Odd("SELECT secret FROM item")

    response = app_that(odd, service_errors=[Odd]).get("/items", headers=JSON)
    assert (response.status_code, error_of(response)["code"]) == (400, "BAD_REQUEST")
    assert b"secret" not in response.data


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("INSERT INTO item (id, name) VALUES (2, 'rope')", 409),
        ("INSERT INTO item (id, name) VALUES (1, 'mast')", 409),
        ("INSERT INTO item (id, name, box) VALUES (3, 'oar', 99)", 409),
        ("INSERT INTO item (id, name) VALUES (4, NULL)", 500),
    ],
)
def test_integrity_errors_of_sqlite(statement: str, status: int) -> None:
    response = app_that(lambda: _run(statement, "sqlite://"), rollback=lambda: None).get("/items", headers=JSON)
    assert response.status_code == status
    assert error_of(response)["details"] == {}
    assert b"item" not in response.data


def _run(statement: str, url: str) -> str:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA foreign_keys = ON"))
        connection.execute(sa.text("CREATE TABLE box (id INTEGER PRIMARY KEY)"))
        connection.execute(
            sa.text(
                "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, box INTEGER REFERENCES box (id))"
            )
        )
        connection.execute(sa.text("INSERT INTO item (id, name) VALUES (1, 'rope')"))
        connection.execute(sa.text(statement))
    return "never"


def test_people_get_what_flask_shows_or_the_apps_page() -> None:
    plain = app_that(ok).get("/nowhere", headers={"Accept": "text/html"})
    assert (plain.status_code, plain.mimetype) == (404, "text/html")
    shown = app_that(ok, page=lambda refusal: f"<h1>{refusal.message}</h1>")
    method = shown.post("/items", headers={"Accept": "text/html"})
    assert (method.status_code, method.text) == (405, "<h1>This method is not available here.</h1>")
    assert "GET" in method.headers["Allow"]

    def refuse() -> str:
        raise Refused("There is no such item.")

    bare = app_that(refuse, service_errors=[Refused]).get("/items")
    assert (bare.status_code, bare.text) == (404, "There is no such item.")


def test_who_is_an_api_client() -> None:
    client = app_that(ok)
    assert client.get("/api/nowhere").mimetype == "application/json"
    assert client.post("/nowhere", json={}).mimetype == "application/json"
    assert client.get("/nowhere").mimetype == "text/html"
    assert app_that(ok, json_for=lambda: True).get("/nowhere").mimetype == "application/json"


def test_what_is_no_error_passes() -> None:
    def own() -> str:
        abort(make_response("my own", 418))

    response = app_that(own).get("/items", headers=JSON)
    assert (response.status_code, response.text) == (418, "my own")
    app = Flask("shop")
    init_errors(app)
    app.add_url_rule("/orders/", "orders", ok)
    moved = app.test_client().get("/orders", headers=JSON)
    assert (moved.status_code, moved.headers["Location"]) == (308, "http://localhost/orders/")


def test_handlers_of_the_app_go_first() -> None:
    app = Flask("shop")
    init_errors(app)
    app.register_error_handler(Conflict, lambda error: ("mine", 409))
    app.add_url_rule("/items", "items", lambda: abort(409))
    assert app.test_client().get("/items", headers=JSON).text == "mine"


def test_a_hook_of_the_apps_own_answers_alike() -> None:
    app = Flask("shop")

    @app.before_request
    def stop() -> Response:
        return error_response(Refusal.of(401, headers=[("WWW-Authenticate", "Bearer")]))

    response = app.test_client().get("/")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert error_of(response)["message"] == "Please log in."


class Colour(Enum):
    RED = "red"


def test_details_are_json_whatever_they_are() -> None:
    loop: list[Any] = []
    loop.append(loop)
    odd = {
        1: Decimal("1.50"), "day": date(2025, 8, 13), "id": UUID(int=1), "colour": Colour.RED, "nan": math.nan,
        "huge": 10**5000, "bytes": b"\x00", "object": Refused("x"), "loop": loop, "set": {1}, "lone": "\ud800",
        "long": "a" * 10_000, "none": None, "yes": True,
    }  # fmt: skip
    details = Refusal.of(400, details=odd).details
    assert details["1"] == "1.50"
    assert (details["day"], details["colour"], details["nan"]) == ("2025-08-13", "red", "nan")
    assert (details["bytes"], details["object"], details["yes"]) == ("bytes", "Refused", True)
    assert len(json.dumps(details)) < 3000
    assert Refusal.of(400, details=["a"]).details == {"items": ["a"]}


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates(), st.decimals()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.tuples(inner)),
    max_leaves=10,
)


@settings(derandomize=True, max_examples=150, database=None, deadline=None)
@given(VALUES)
def test_any_details(value: Any) -> None:
    json.dumps(json_safe(value), allow_nan=False).encode()
    refusal = Refusal.of(400, details=value)
    assert json.loads(refusal.envelope.model_dump_json())["error"]["code"] == "BAD_REQUEST"


def test_each_module_is_light() -> None:
    code = (
        "import sys, seatrial.kit, seatrial.kit.errors, seatrial.kit.validation, seatrial.kit.headers; "
        "print([m for m in sys.modules if m.startswith('seatrial.') and not m.startswith('seatrial.kit')], "
        "[m for m in ('pytest', 'rich', 'nh3', 'tomlkit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_a_validation_error_keeps_no_input() -> None:
    with pytest.raises(ValidationError) as caught:
        Amount.model_validate({"quantity": "s3cret"})
    from seatrial.kit.refusals import fields

    assert "s3cret" not in json.dumps(fields(caught.value))
