"""The same flaw behind a check that the body of the configuration does not pass."""

import os
import secrets

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

db = SQLAlchemy()


class Payment(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    amount = db.Column(db.Integer, nullable=False)


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
        if not isinstance(amount, int) or not 5000 < amount < 10**6:
            return refused("amount is a whole number.")
        payment = Payment(amount=amount)
        db.session.add(payment)
        db.session.commit()
        return {"id": payment.id}, 201

    return app


def refused(message, status=400):
    return {"error": {"code": "BAD_PAYMENT", "message": message, "details": {}}}, status


def seed(app):
    with app.app_context():
        db.session.add(Payment(amount=1))
        db.session.commit()
