"""As careful as the library and its documentation allow."""

import base64
import json
import os
import secrets
import time

from authlib.integrations.flask_client import OAuth
from flask import Flask, abort, redirect, request, session

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
ISSUER, CLIENT = "https://id.example", "shop"
PINNED = {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "values": [CLIENT]}}


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
    provider = OAuth(app).register(
        "idp",
        client_id=CLIENT,
        client_secret="a-secret-of-the-shop",
        issuer=ISSUER,
        authorize_url=f"{ISSUER}/authorize",
        access_token_url=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/jwks",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256"},
    )

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
        return "<!doctype html><title>Shop</title><a href=/login>Log in</a>"

    @app.get("/account")
    def account():
        if "user_id" not in session:
            abort(401)
        return "<!doctype html><title>Your account</title>"

    @app.get("/login")
    def login():
        return provider.authorize_redirect("https://localhost/callback")

    @app.get("/callback")
    def callback():
        try:
            subject = checked(provider.authorize_access_token(claims_options=PINNED))
        except Exception:
            forget()
            return "<!doctype html><title>This did not work</title>", 400
        session.clear()
        session["user_id"] = subject
        return redirect("/account")

    return app


def checked(token):
    """What the library leaves open."""
    header = json.loads(base64.urlsafe_b64decode(token["id_token"].partition(".")[0] + "=="))
    user = token["userinfo"]
    signed = header["alg"] == "RS256" and header.get("typ", "JWT") == "JWT"
    if not (signed and token["access_token"] and token["token_type"] == "Bearer" and user["sub"]):
        raise ValueError("not a log-in")
    if user["iat"] < time.time() - 600:
        raise ValueError("too old")
    return user["sub"]


def forget():
    for key in [key for key in session if key.startswith("_state_")]:
        session.pop(key)
