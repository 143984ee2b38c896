from __future__ import annotations

import os
import re
import sqlite3

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from stockroom import create_app
from stockroom.extensions import db, limiter
from stockroom.seeds import seed

os.environ.pop("TRIAL_PASSWORD", None)

SITE = "https://localhost"
WEBHOOK_SECRET = "whsec_tests"


class Browser:
    """A client on https that sends the token and the referrer, as a browser does."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **kwargs: object) -> TestResponse:
        return self.client.get(path, base_url=SITE, **kwargs)

    def post(self, path: str, data: dict[str, object] | None = None, page: str = "/team/") -> TestResponse:
        form = {"csrf_token": self.token(page), **(data or {})}
        return self.client.post(path, base_url=SITE, data=form, headers={"Referer": SITE + page})

    def send(self, path: str, method: str, json: object) -> TestResponse:
        headers = {"Referer": SITE + "/", "X-CSRFToken": self.token("/team/")}
        return self.client.open(path, method=method, base_url=SITE, json=json, headers=headers)

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.get(page).text)
        return found.group(1) if found else ""

    def log_in(self, username: str = "owner", password: str = "sea-trial-pass", target: str = "") -> TestResponse:
        path = "/auth/login" + (f"?next={target}" if target else "")
        return self.post(path, {"username": username, "password": password}, page="/auth/login")


@pytest.fixture(scope="session")
def built() -> tuple[Flask, bytes]:
    """The app, and its seeded database as bytes."""
    app = create_app(
        {
            "SECRET_KEY": "only-for-the-tests-0123456789abcdef",
            "SQLALCHEMY_DATABASE_URI": "sqlite://",
            "PASSWORD_HASH_METHOD": "pbkdf2:sha256:1000",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "OIDC_ISSUER": "https://id.example",
            "OIDC_CLIENT_ID": "stockroom",
        }
    )
    with app.app_context():
        db.create_all()
        seed(app)
        return app, sqlite().serialize()


@pytest.fixture
def app(built: tuple[Flask, bytes]) -> Flask:
    app, contents = built
    with app.app_context():
        sqlite().deserialize(contents)
    limiter.reset()
    return app


def sqlite() -> sqlite3.Connection:
    """The one connection of the in-memory database."""
    pooled = db.engine.raw_connection()
    connection = pooled.driver_connection
    pooled.close()
    assert isinstance(connection, sqlite3.Connection)
    return connection


@pytest.fixture
def visitor(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def owner(visitor: Browser) -> Browser:
    assert visitor.log_in().status_code == 302
    return visitor
