"""A shop with a door for each way of limiting, for tests/trials/test_limits.py."""

import os
import secrets

from flask import Flask, abort, redirect, render_template_string, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect

FORM = """<form method="post"><input name="username"><input type="password" name="password">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>"""
limiter = Limiter(get_remote_address, storage_uri="memory://", default_limits=["1000 per hour"])
SEEN = []


def known(name, password):
    """User names are compared as many apps do it: without spaces around them, in any case."""
    return name.strip().casefold() == "owner" and password == "sea-trial-pass"


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(SECRET_KEY=os.environ.get("KEY") or secrets.token_hex(16), RATELIMIT_HEADERS_ENABLED=True)
    app.config.update(config or {})
    CSRFProtect(app)
    limiter.init_app(app)

    @app.get("/")
    def home():
        return "home"

    @app.get("/me")
    def me():
        return session["uid"] if "uid" in session else abort(401)

    @app.get("/login")
    @limiter.limit("100 per minute")
    def form():
        return render_template_string(FORM)

    @app.post("/login")
    @limiter.limit("3 per minute", key_func=lambda: request.form.get("username", ""))
    @limiter.limit("200 per minute")
    def login():
        SEEN.append(dict(request.form))
        if known(request.form.get("username", ""), request.form.get("password", "")):
            session["uid"] = "1"
            return redirect("/")
        return render_template_string(FORM), 400

    def search():
        return "found"

    limited = limiter.limit("2 per minute", methods=["POST"])(search)
    app.add_url_rule("/auth/search", "search", limited, methods=["POST", "PUT"])

    @app.get("/auth/often")
    @limiter.limit("301 per minute")
    def often():
        return "often"

    @app.get("/auth/sometimes")
    @limiter.limit("3 per minute", exempt_when=lambda: False)
    def sometimes():
        return "sometimes"

    @app.get("/auth/broken")
    @limiter.limit("3 per minute")
    def broken():
        raise RuntimeError

    @app.get("/auth/<int:number>/seen")
    @limiter.limit("3 per minute")
    def numbered(number):
        return str(number)

    @app.get("/auth/by-default")
    def by_default():
        return "default"

    @app.get("/auth/doubled")
    @limiter.limit("4 per minute")
    def doubled():
        return "doubled"

    app.add_url_rule("/auth/double", "double", doubled)
    return app
