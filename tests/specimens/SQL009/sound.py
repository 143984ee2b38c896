"""Asks for the currency once and passes it on."""

import os
import secrets

from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
db = SQLAlchemy()


class Setting(db.Model):
    name = db.Column(db.String(40), primary_key=True)
    value = db.Column(db.String(40), nullable=False)


def setting(name):
    return db.session.scalar(db.select(Setting.value).where(Setting.name == name))


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        MAX_CONTENT_LENGTH=1024 * 1024,
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SQLALCHEMY_DATABASE_URI=os.environ.get("DATABASE_URL", "sqlite://"),
        SQLALCHEMY_RECORD_QUERIES=True,
    )
    app.config.update(config or {})
    db.init_app(app)

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

    @app.get("/prices/")
    def prices():
        currency = setting("currency")
        return jsonify({column: f"0 {currency}" for column in ("net", "tax", "gross")})

    return app


def seed(app):
    with app.app_context():
        db.session.add(Setting(name="currency", value="EUR"))
        db.session.commit()
