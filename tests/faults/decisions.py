"""A webhook and a route with keys in many variants: `DECIDES` in the environment says in what one differs.

Right in everything but that. Without it: the signature is looked at in both directions, events of another mode or
account and of unknown types are left alone, an older event changes nothing, one failing event stops no other.
"""

import hashlib
import hmac
import json
import os
import time

import sqlalchemy as sa
from flask import Flask, jsonify, request
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
DECIDES = os.environ.get("DECIDES", "")


class Account(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    customer = db.Column(db.String(80), nullable=False)
    credits = db.Column(db.Integer, nullable=False, default=0)
    status = db.Column(db.String(20), nullable=False, default="new")
    event_at = db.Column(db.Integer, nullable=False, default=0)


class Event(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    event_id = db.Column(db.String(255), nullable=False, unique=True)
    status = db.Column(db.String(20), nullable=False, default="processed")


class Payment(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    amount = db.Column(db.Integer, nullable=False)


class Key(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    key = db.Column(db.String(255), nullable=False, unique=True)
    digest = db.Column(db.String(64), nullable=False)
    answer = db.Column(db.Text)
    status = db.Column(db.Integer)


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="0f9b2c77e1d84a53b6c9d2e8f7a1b0c4", STRIPE_WEBHOOK_SECRET="whsec_trial")
    app.config.update(config or {})
    db.init_app(app)

    @app.post("/webhook")
    def webhook():
        raw = request.get_data()
        if not verified(raw, request.headers.get("Stripe-Signature", ""), app.config["STRIPE_WEBHOOK_SECRET"]):
            return jsonify(error="bad signature"), 400
        event = parsed(raw)
        if event is None:
            return jsonify(error="no event"), 400
        status = handle(event)
        db.session.commit()
        return jsonify(received=True), status

    @app.post("/payments")
    def payments():
        body, key = request.get_json(), request.headers.get("Idempotency-Key")
        if key is None:
            return ({}, 500) if DECIDES == "key_expected" else ({"error": "a key is required"}, 400)
        if len(key) > 255:
            return {"error": "too long"}, 400
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        known = db.session.scalars(sa.select(Key).filter_by(key=key)).one_or_none()
        if known is not None and known.digest != digest:
            return {"error": "another body"}, 422
        if known is not None:
            return (json.loads(known.answer), known.status) if known.answer else ({"error": "in use"}, 409)
        return (stuck if DECIDES == "stuck" else paid)(key, digest, body)

    return app


def paid(key, digest, body):
    """Key, payment and answer in one transaction; or, with `stores_errors`, an answer of 500 in one of its own."""
    kept = Key(key=key, digest=digest)
    try:
        db.session.add(kept)
        db.session.flush()
        payment = Payment(amount=body["amount"])
        db.session.add(payment)
        db.session.flush()
        kept.answer, kept.status = json.dumps({"id": payment.id}), 201
        db.session.commit()
    except sa.exc.IntegrityError:
        db.session.rollback()
        return {"error": "in use"}, 409
    except Exception:
        db.session.rollback()
        if DECIDES == "stores_errors":
            db.session.add(Key(key=key, digest=digest, answer='{"error": "failed"}', status=500))
            db.session.commit()
        return {"error": "failed"}, 500
    return json.loads(kept.answer), kept.status


def stuck(key, digest, body):
    """The key is taken in a transaction of its own, and nobody gives it back."""
    kept = Key(key=key, digest=digest)
    db.session.add(kept)
    db.session.commit()
    payment = Payment(amount=body["amount"])
    db.session.add(payment)
    db.session.flush()
    kept.answer, kept.status = json.dumps({"id": payment.id}), 201
    db.session.commit()
    return json.loads(kept.answer), 201


def handle(event):
    if DECIDES == "one_failure_stops_all" and db.session.scalars(sa.select(Event).filter_by(status="failed")).first():
        return 503
    if db.session.scalars(sa.select(Event).filter_by(event_id=event["id"], status="processed")).first():
        return 200
    foreign = event.get("livemode") if DECIDES != "takes_any_mode" else False
    foreign = foreign or (event.get("account") if DECIDES != "takes_any_account" else None)
    if foreign:
        return 200
    kind, subject = event["type"], event["data"]["object"]
    known = kind in ("invoice.paid", "customer.subscription.updated")
    if not known and DECIDES != "takes_any_type":
        return 400 if DECIDES == "refuses_types" else 200
    try:
        row = db.session.scalars(sa.select(Event).filter_by(event_id=event["id"])).one_or_none()
        row = row or Event(event_id=event["id"])
        row.status = "processed"
        db.session.add(row)
        db.session.flush()
        account = db.session.scalars(sa.select(Account).filter_by(customer=subject["customer"])).one()
        if kind != "customer.subscription.updated":
            account.credits = Account.credits + 100
        elif newer(event["created"], account.event_at):
            account.status, account.event_at = subject["status"], event["created"]
        db.session.flush()
    except Exception:
        db.session.rollback()
        row = db.session.scalars(sa.select(Event).filter_by(event_id=event["id"])).one_or_none()
        if row is None:
            db.session.add(Event(event_id=event["id"], status="failed"))
        return 500
    return 200


def newer(created, known):
    return created > known if DECIDES == "drops_the_same_second" else created >= known


def verified(raw, header, secret):
    if DECIDES == "library":
        import stripe

        try:
            stripe.Webhook.construct_event(raw, header, secret)
        except (ValueError, TypeError, AttributeError, KeyError, stripe.SignatureVerificationError):
            return False
        return True
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in pairs if name == "t"), "")
    if not stamp.isdecimal():
        return False
    age = time.time() - int(stamp)
    if (age if DECIDES == "looks_back_only" else abs(age)) > 300:
        return False
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(wanted, value.encode()) for name, _, value in pairs if name == "v1")


def parsed(raw):
    try:
        event = json.loads(raw)
        return event if event["type"] and event["data"]["object"] and isinstance(event["id"], str) else None
    except (ValueError, KeyError, TypeError):
        return None


def seed(app):
    with app.app_context():
        db.session.add(Account(customer="cus_trial"))
        db.session.add(Payment(amount=1))
        db.session.commit()
