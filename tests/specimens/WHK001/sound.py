"""Every delivery is verified."""

import hashlib
import hmac
import json
import os
import secrets
import time

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import IntegrityError

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

db = SQLAlchemy()


class Account(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    customer = db.Column(db.String(80), nullable=False)
    credits = db.Column(db.Integer, nullable=False, default=0)


class Event(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    event_id = db.Column(db.String(255), nullable=False, unique=True)


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY") or secrets.token_hex(32),
        MAX_CONTENT_LENGTH=1024 * 1024,
        TRUSTED_HOSTS=["localhost", "127.0.0.1"],
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="__Host-session",
        SQLALCHEMY_DATABASE_URI=os.environ["DATABASE_URL"],
        SQLALCHEMY_RECORD_QUERIES=True,
        STRIPE_WEBHOOK_SECRET="whsec_trial",
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

    @app.get("/")
    def home():
        return {"name": "webhooks"}

    @app.post("/webhook")
    def webhook():
        raw = request.get_data()
        secret = app.config["STRIPE_WEBHOOK_SECRET"]
        if not verified(raw, request.headers.get("Stripe-Signature", ""), secret):
            return refused("The signature does not match.")
        event = parsed(raw)
        if event is None:
            return refused("The body is no event.")
        return {"received": True}, handle(event, raw)

    return app


def refused(message):
    return {"error": {"code": "BAD_DELIVERY", "message": message, "details": {}}}, 400


def verified(raw, header, secret):
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in pairs if name == "t"), "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
        return False
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(wanted, value.encode()) for name, _, value in pairs if name == "v1")


def parsed(raw):
    """The event, or None for anything else."""
    try:
        event = json.loads(raw)
        return event if event["type"] and event["data"]["object"] and isinstance(event["id"], str) else None
    except (ValueError, KeyError, TypeError):
        return None


def credit(event):
    account = db.session.execute(
        db.select(Account).filter_by(customer=event["data"]["object"]["customer"])
    ).scalar_one()
    account.credits = Account.credits + 100
    db.session.flush()


def handle(event, raw):
    if event.get("livemode") or event.get("account"):
        return 200  # of another mode, or of an account that is not ours
    db.session.add(Event(event_id=event["id"]))
    try:
        db.session.flush()
    except IntegrityError:  # its row was committed with its effects
        db.session.rollback()
        return 200
    credit(event)
    db.session.commit()
    return 200


def seed(app):
    with app.app_context():
        db.session.add(Account(customer="cus_trial"))
        db.session.commit()
