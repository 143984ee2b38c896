"""Body, form, query and path as models; whatever is sent, the answer is the view's, or a refusal."""

import json
from typing import Annotated, Any

import pytest
from flask import Flask, Response
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from seatrial.kit.errors import init_errors
from seatrial.kit.validation import InvalidRequest, read_body, read_form, read_path, read_query, reply


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=20)]
    quantity: Annotated[int, Field(ge=0, le=1000)] = 0
    tags: list[str] = []


class Wanted(BaseModel):
    page: Annotated[int, Field(ge=1, le=100)] = 1
    tag: list[str] | None = None
    sizes: Annotated[frozenset[int], Field(alias="size")] = frozenset()


class Key(BaseModel):
    item_id: Annotated[int, Field(ge=1, le=2**31 - 1)]


def shop(**options: Any) -> Flask:
    app = Flask("shop")
    app.config["MAX_CONTENT_LENGTH"] = 100_000
    if options.get("errors", True):
        init_errors(app)

    @app.post("/api/items")
    def create() -> Response:
        return reply(read_body(Item), 201)

    @app.get("/api/items")
    def index() -> Response:
        return reply([read_query(Wanted)])

    @app.get("/api/items/<int:item_id>")
    def show(item_id: int) -> Response:
        return reply(read_path(Key))

    @app.post("/api/form")
    def form() -> Response:
        return reply(read_form(Item))

    @app.post("/api/taken")
    def taken() -> Response:
        raise InvalidRequest(details={"name": "There is one of this name."})

    return app


CLIENT = shop().test_client()


def refused(response: Any, status: int = 400, code: str = "VALIDATION_ERROR") -> dict[str, Any]:
    assert response.status_code == status, response.text
    error = json.loads(response.data)["error"]
    assert error["code"] == code
    details: dict[str, Any] = error["details"]
    return details


def test_a_body_that_fits() -> None:
    response = CLIENT.post("/api/items", json={"name": "rope", "quantity": 3})
    assert (response.status_code, response.json) == (201, {"name": "rope", "quantity": 3, "tags": []})


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({}, ["name"]),
        ([], ["body"]),
        (1, ["body"]),
        ({"name": "rope", "quantity": -1}, ["quantity"]),
        ({"name": "rope", "quantity": 10**30}, ["quantity"]),
        ({"name": "rope", "tags": [1]}, ["tags.0"]),
        ({"name": "rope", "secret": 1}, ["secret"]),
        ({"name": "ro\0pe"}, ["name"]),
        ({"name": "rope", "tags": ["a", "\0"]}, ["tags.1"]),
    ],
)
def test_a_body_that_does_not(sent: Any, named: list[str]) -> None:
    assert list(refused(CLIENT.post("/api/items", json=sent))) == named


@pytest.mark.parametrize(
    "body",
    [b"", b'{"name":', b"\xff\xfe", b'{"a":' * 20_000, b'{"name": ' + b"9" * 5000 + b"}", b"[" * 90_000],
    ids=["nothing", "cut", "no UTF-8", "nested", "huge number", "deep list"],
)
def test_a_body_that_is_no_json(body: bytes) -> None:
    response = CLIENT.post("/api/items", data=body, content_type="application/json")
    assert refused(response) in ({}, {"name": "Input should be a valid string"})


def test_other_types_and_sizes_keep_their_status() -> None:
    refused(CLIENT.post("/api/items", data="name=rope"), 415, "UNSUPPORTED_MEDIA_TYPE")
    too_large = CLIENT.post("/api/items", data=b"a" * 100_001, content_type="application/json")
    refused(too_large, 413, "BODY_TOO_LARGE")


def test_the_query() -> None:
    response = CLIENT.get("/api/items?page=2&page=3&tag=a&tag=b&size=1&size=2&other=x")
    assert response.json == [{"page": 2, "tag": ["a", "b"], "sizes": [1, 2]}]
    assert CLIENT.get("/api/items").json == [{"page": 1, "tag": None, "sizes": []}]
    for query, name in (("page=abc", "page"), ("page=0", "page"), ("tag=%00", "tag.0"), ("page=9" + "9" * 30, "page")):
        assert list(refused(CLIENT.get(f"/api/items?{query}"))) == [name]
    refused(CLIENT.get("/api/items?a%00=1"))


def test_the_path_and_the_form() -> None:
    assert CLIENT.get("/api/items/7").json == {"item_id": 7}
    assert list(refused(CLIENT.get("/api/items/99999999999"))) == ["item_id"]
    sent = CLIENT.post("/api/form", data={"name": "rope", "tags": ["a", "b"]})
    assert sent.json == {"name": "rope", "quantity": 0, "tags": ["a", "b"]}
    assert list(refused(CLIENT.post("/api/form", data={"quantity": "x"}))) == ["name", "quantity"]


def test_what_only_the_service_knows() -> None:
    assert refused(CLIENT.post("/api/taken")) == {"name": "There is one of this name."}


def test_without_the_handlers_it_is_still_400() -> None:
    assert shop(errors=False).test_client().post("/api/items", json={}).status_code == 400


@settings(derandomize=True, max_examples=200, database=None, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps)))
def test_any_body(body: bytes | str) -> None:
    response = CLIENT.post("/api/items", data=body, content_type="application/json")
    assert response.status_code in (201, 400)
