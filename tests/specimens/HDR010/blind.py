"""A middleware answers every request with the page: nothing else is ever seen."""

import os
import secrets

from flask import Flask, request

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        MAX_CONTENT_LENGTH=1024 * 1024,
        SERVER_NAME="localhost",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.config.update(config or {})
    app.wsgi_app = only_the_page(app.wsgi_app)

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

    return app


def only_the_page(wsgi_app):
    def answer(environ, start_response):
        return wsgi_app(environ | {"PATH_INFO": "/", "REQUEST_METHOD": "GET"}, start_response)

    return answer
