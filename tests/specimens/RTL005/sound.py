"""Four workers count in one file."""

import os
import secrets
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits.storage import Storage

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

STORAGE = Path(tempfile.mkdtemp()) / "limits.db"


class FileStorage(Storage):
    """Counts in a file that all processes share."""

    STORAGE_SCHEME = ("file",)
    base_exceptions = sqlite3.Error

    def __init__(self, uri=None, wrap_exceptions=False, **options):
        super().__init__(uri, wrap_exceptions, **options)
        self._ask("create table if not exists hit (key text primary key, times int, expires real)")

    def _ask(self, sql, *values):
        with closing(sqlite3.connect(STORAGE)) as connection, connection:
            return connection.execute(sql, values).fetchone()

    def incr(self, key, expiry, amount=1):
        self._ask("delete from hit where expires <= ?", time.time())
        self._ask(
            "insert into hit values (?, ?, ?) on conflict (key) do update set times = times + excluded.times",
            *(key, amount, time.time() + expiry),
        )
        return self.get(key)

    def get(self, key):
        return (self._ask("select times from hit where key = ?", key) or (0,))[0]

    def get_expiry(self, key):
        return (self._ask("select expires from hit where key = ?", key) or (time.time(),))[0]

    def check(self):
        return True

    def reset(self):
        self._ask("delete from hit")

    def clear(self, key):
        self._ask("delete from hit where key = ?", key)


limiter = Limiter(get_remote_address, storage_uri="file://")


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        MAX_CONTENT_LENGTH=1024 * 1024,
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        RATELIMIT_HEADERS_ENABLED=True,
    )
    app.config.update(config or {})
    limiter.init_app(app)

    @app.after_request
    def defend(response):
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response

    @app.get("/")
    def home():
        return "<!doctype html><title>Harbour</title><p>Harbour</p>"

    @app.post("/auth/login")
    @limiter.limit("5 per minute")
    def log_in():
        return "<!doctype html><title>Harbour</title><p>User name or password is not correct.</p>"

    return app
