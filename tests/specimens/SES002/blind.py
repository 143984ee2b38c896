"""Asks whether one is sure first, so nobody was logged out."""

import os
import secrets

from flask import Flask, redirect, render_template_string, request, session
from flask_wtf import CSRFProtect

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

PAGE = """<!doctype html><title>Notes</title>
<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<input name="username"><input name="password" type="password"><button>Log in</button></form>"""


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        MAX_CONTENT_LENGTH=1024 * 1024,
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="__Host-session",
    )
    app.config.update(config or {})
    CSRFProtect(app)

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
        if "user" not in session:
            return redirect("/login")
        return "<!doctype html><title>Notes</title><p>Notes of the owner.</p>"

    @app.get("/login")
    def form():
        return render_template_string(PAGE)

    @app.post("/login")
    def log_in():
        if request.form["username"] != "owner" or request.form["password"] != "sea-trial-pass":
            return render_template_string(PAGE), 400
        session.clear()
        session["user"] = "owner"
        return redirect("/")

    @app.post("/logout")
    def log_out():
        if "sure" not in request.form:
            return "<!doctype html><title>Log out</title><p>Are you sure?</p>"
        session.clear()
        return redirect("/login")

    return app
