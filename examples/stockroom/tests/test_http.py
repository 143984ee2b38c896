from __future__ import annotations

import pytest
from conftest import Browser
from flask import Flask

HEADERS = (
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
)


@pytest.mark.parametrize("path", ["/", "/items/", "/nothing", "/static/app.css", "/api/v1/items", "/items/1/receive"])
def test_headers_on_every_response(visitor: Browser, path: str) -> None:
    response = visitor.get(path)
    assert [name for name in HEADERS if name not in response.headers] == []


def test_no_hsts_on_http(app: Flask) -> None:
    assert "Strict-Transport-Security" not in app.test_client().get("/healthz").headers


def test_nonce_differs(visitor: Browser) -> None:
    first, second = (visitor.get("/healthz").headers["Content-Security-Policy"] for _ in range(2))
    assert first != second


def test_foreign_host(app: Flask) -> None:
    assert app.test_client().get("/healthz", base_url="https://evil.test").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/items/?page=abc",
        "/items/?page=-1",
        "/items/?per_page=99999999999999999999",
        "/search?q=%00",
        "/items/99999999999999999999",
        "/items/" + "9" * 5000,
        "/api/v1/items?page=abc",
        "/auth/reset-password/%00",
    ],
)
def test_malformed_is_refused(owner: Browser, path: str) -> None:
    assert owner.get(path).status_code in (400, 404)


def test_a_body_that_is_not_json_is_415(owner: Browser) -> None:
    response = owner.send("/api/v1/items", "POST", None)
    assert response.status_code == 415
    assert response.json["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("body", [[], 1, "x", {}, {"name": 1}, {"name": "a\0b", "unit": "g"}, {"name": "a"}])
def test_bad_bodies_have_the_envelope(owner: Browser, body: object) -> None:
    response = owner.send("/api/v1/items", "POST", body)
    assert response.status_code == 400
    assert set(response.json["error"]) == {"code", "message", "details"}
    assert response.json["error"]["code"] == "VALIDATION_ERROR"


def test_api_round_trip(owner: Browser) -> None:
    created = owner.send("/api/v1/items", "POST", {"name": "Rose oil", "unit": "ml"})
    assert created.status_code == 201
    path = f"/api/v1/items/{created.json['id']}"
    assert owner.send(path, "PATCH", {"reorder_level": 5}).json["reorder_level"] == 5
    assert owner.send(path, "DELETE", None).status_code == 204


def test_token_is_needed(owner: Browser) -> None:
    response = owner.client.post("/items/1/consume", base_url="https://localhost", data={"quantity": 1})
    assert response.status_code == 400
    response = owner.client.post("/api/v1/items", base_url="https://localhost", json={"name": "x", "unit": "g"})
    assert response.json["error"]["code"] == "CSRF_FAILED"


def test_slow_log_is_active(app: Flask) -> None:
    watch = app.extensions["seatrial.monitor"]
    assert watch.settings.slow_statement_ms == 100
    assert watch.logs_slow_statements
