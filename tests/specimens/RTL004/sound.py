"""The limiter says when to come back."""

import os
import secrets

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

limiter = Limiter(get_remote_address)


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
