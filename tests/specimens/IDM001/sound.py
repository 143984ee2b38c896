"""Key, body and answer are kept in the transaction of the payment."""

import hashlib
import json
import os
import secrets

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import IntegrityError

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

db = SQLAlchemy()


class Payment(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    amount = db.Column(db.Integer, nullable=False)


class Key(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    key = db.Column(db.String(255), nullable=False, unique=True)
    digest = db.Column(db.String(64), nullable=False)
    answer = db.Column(db.Text)


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
        return {"name": "payments"}

    @app.post("/payments")
    def payments():
        body = request.get_json(silent=True)
        amount = body.get("amount") if isinstance(body, dict) else None
        if not isinstance(amount, int) or not 0 < amount < 10**6:
            return refused("amount is a whole number.")
        key = request.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= 255:
            return refused("Idempotency-Key has 1 to 255 characters.")
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        known = db.session.execute(db.select(Key).filter_by(key=key)).scalar_one_or_none()
        if known is not None:
            return answer(known, digest)
        kept = Key(key=key, digest=digest)
        db.session.add(kept)
        try:
            db.session.flush()  # UNIQUE: who comes second waits here for the first
        except IntegrityError:
            db.session.rollback()
            return refused("This key is in use.", 409)
        payment = Payment(amount=amount)
        db.session.add(payment)
        db.session.flush()
        kept.answer = json.dumps({"id": payment.id})
        db.session.commit()
        return json.loads(kept.answer), 201

    return app


def refused(message, status=400):
    return {"error": {"code": "BAD_PAYMENT", "message": message, "details": {}}}, status


def answer(known, digest):
    if known.digest != digest:
        return refused("This key came with another body.", 422)
    return json.loads(known.answer), 201


def seed(app):
    with app.app_context():
        db.session.add(Payment(amount=1))
        db.session.commit()
