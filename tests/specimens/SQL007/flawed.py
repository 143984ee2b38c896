"""The page of one item: its template asks for the lots, which the view has not loaded."""

import os
import secrets

from flask import Flask, render_template, request
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
ITEM = """<h1>{{ item.name }}</h1>
<p>{{ item.lots|length }} lots</p>"""
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
    app.jinja_loader = DictLoader({"item.html": ITEM})
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
        return render_template("item.html", item=item)

    return app


def seed(app):
    with app.app_context():
        db.session.add(Item(name="rope", lots=[Lot(quantity=3)]))
        db.session.commit()
