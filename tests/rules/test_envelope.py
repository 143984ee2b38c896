"""The shape of an error as an API client gets it."""

import json

import pytest

from seatrial.model.envelope import Shape, from_api_client, shape

SOUND = {"error": {"code": "NOT_FOUND", "message": "No such item.", "details": {}}}


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json"])
def test_the_envelope(content_type: str) -> None:
    assert shape(content_type, json.dumps(SOUND).encode()) is Shape.ENVELOPE


@pytest.mark.parametrize(
    "body",
    [
        {"error": "gone"},
        {"success": False, "message": "gone"},
        {"error": {"code": "NOT_FOUND"}},
        {"error": {"code": 404, "message": "gone"}},
        {"error": {"code": " ", "message": "gone"}},
        {"error": None},
        [SOUND],
        "gone",
        None,
    ],
)
def test_json_of_another_shape(body: object) -> None:
    assert shape("application/json", json.dumps(body).encode()) is Shape.JSON


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html", b"<h1>Not Found</h1>", Shape.HTML),
        ("application/json", b"<h1>Not Found</h1>", Shape.OTHER),
        ("application/json", b"\xff", Shape.OTHER),
        ("application/json", b"[" * 100_000, Shape.OTHER),
        ("text/plain", b"gone", Shape.OTHER),
        ("", b"", Shape.OTHER),
    ],
)
def test_anything_else(content_type: str, body: bytes, expected: Shape) -> None:
    assert shape(content_type, body) is expected


@pytest.mark.parametrize(
    ("rule", "accept", "sent", "expected"),
    [
        ("/api/items", "", "", True),
        ("/shop/api", "", "", True),
        ("/api-v1/items", "*/*", "", True),
        ("/rapid/items", "", "", False),
        ("/items", "application/json", "", True),
        ("/items", "application/json;q=0.9, */*;q=0.1", "", True),
        ("/items", "text/html, application/json", "", False),
        ("/items", "*/*", "", False),
        ("/items", "", "application/json", True),
        ("/items", "", "application/x-www-form-urlencoded", False),
    ],
)
def test_who_is_an_api_client(rule: str, accept: str, sent: str, expected: bool) -> None:
    assert from_api_client(rule, accept, sent) is expected
