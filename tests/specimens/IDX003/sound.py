"""The planned index is there, and the page is read with it."""

import os
import secrets

from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
db = SQLAlchemy()


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False)


class Lot(db.Model):
    __table_args__ = (db.Index("ix_lot_state", "state"),)
    id = db.Column(db.Integer, primary_key=True)
    item_id = db.Column(db.ForeignKey("item.id"), nullable=False)
    remaining = db.Column(db.Integer, nullable=False)
    state = db.Column(db.String(10), nullable=False)


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

    @app.get("/lots/")
    def lots():
        found = db.select(Lot).where(Lot.state == "state 1").limit(50)
        return jsonify([lot.remaining for lot in db.session.scalars(found)])

    return app


def seed(app):
    with app.app_context():
        db.session.add_all(Item(id=number, name=f"item {number}") for number in range(1, 6))
        db.session.flush()
        db.session.add_all(
            Lot(item_id=1 + number % 5, remaining=number % 3, state=f"state {number}") for number in range(40)
        )
        db.session.commit()
