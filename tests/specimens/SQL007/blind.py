"""The page is put together in Python: there is no template of which anything could be said."""

import os
import secrets

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
db = SQLAlchemy()


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40), nullable=False, unique=True)
    lots = db.relationship("Lot", order_by="Lot.id")


class Lot(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    item_id = db.Column(db.ForeignKey("item.id"), nullable=False, index=True)
    quantity = db.Column(db.Integer, nullable=False)


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

    @app.get("/first/")
    def first():
        item = db.session.scalar(db.select(Item).order_by(Item.id).limit(1))
        return f"<h1>{item.name}</h1><p>{len(item.lots)} lots</p>"

    return app


def seed(app):
    with app.app_context():
        db.session.add(Item(name="rope", lots=[Lot(quantity=3)]))
        db.session.commit()
