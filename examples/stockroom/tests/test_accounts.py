from __future__ import annotations

import pytest
import responses
from conftest import SITE, Browser
from flask import Flask

from stockroom import create_app, web


def test_log_in_and_out(visitor: Browser) -> None:
    assert visitor.log_in().headers["Location"] == "/"
    assert "Harbour Soapworks" in visitor.get("/").text
    copy = visitor.client.get_cookie("__Host-stockroom")
    assert visitor.post("/auth/logout").status_code == 302
    visitor.client.set_cookie("__Host-stockroom", copy.value, secure=True)
    assert visitor.get("/").status_code == 302, "a copy of the cookie outlived the log-out"


def test_wrong_password(visitor: Browser) -> None:
    assert visitor.log_in(password="wrong").status_code == 400


@pytest.mark.parametrize(
    "target", ["//evil.test", "/\\evil.test", "/%09/evil.test", "https://evil.test", "////evil.test"]
)
def test_next_stays_here(visitor: Browser, target: str) -> None:
    assert visitor.log_in(target=target).headers["Location"] == "/"


def test_next_leads_back(visitor: Browser) -> None:
    assert visitor.log_in(target="/items/").headers["Location"] == "/items/"


def test_log_in_is_limited(visitor: Browser) -> None:
    answers = [visitor.log_in(password="wrong") for _ in range(11)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"]


def test_reset(app: Flask, visitor: Browser) -> None:
    class Outbox:
        text = ""

        def send(self, to: str, subject: str, text: str) -> None:
            self.text = text

    outbox = app.extensions["mailer"] = Outbox()
    visitor.post("/auth/forgot-password", {"email": "owner@harbour.example"}, page="/auth/login")
    assert outbox.text.startswith(SITE + "/auth/reset-password/")
    path = outbox.text.removeprefix(SITE)
    form = {"password": "a-new-long-password", "repeat": "a-new-long-password"}
    assert visitor.post(path, form, page="/auth/login").status_code == 302
    assert visitor.post(path, form, page="/auth/login").status_code == 404
    assert visitor.log_in(password="a-new-long-password").status_code == 302


@responses.activate
def test_oauth_start_is_bound(visitor: Browser) -> None:
    told = {"issuer": "https://id.example", "authorization_endpoint": "https://id.example/authorize"}
    responses.get("https://id.example/.well-known/openid-configuration", json=told)
    location = visitor.get("/auth/oauth/start").headers["Location"]
    for part in (
        "state=",
        "nonce=",
        "code_challenge=",
        "code_challenge_method=S256",
        "redirect_uri=https%3A%2F%2Flocalhost",
    ):
        assert part in location
    assert visitor.get("/auth/oauth/callback?code=x&state=forged").headers["Location"] == "/auth/login"


def test_viewer_may_not_write(visitor: Browser) -> None:
    visitor.log_in("viewer")
    assert visitor.get("/items/").status_code == 200
    assert visitor.get("/items/new").status_code == 403
    assert visitor.post("/items/1/consume", {"quantity": 1}).status_code == 403


def test_short_key_is_refused() -> None:
    with pytest.raises(RuntimeError, match="SECRET_KEY"):
        create_app({"SECRET_KEY": "short"})


def test_local_target_needs_a_path(app: Flask) -> None:
    with app.test_request_context():
        assert web.local_target(None) == "/"
        assert web.local_target("/search?q=a") == "/search?q=a"
