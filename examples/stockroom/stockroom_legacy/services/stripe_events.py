"""Stripe events: store, process, mark."""

import hashlib
import hmac
import json
import time

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import StripeEvent, Subscription


def verify_signature(payload: bytes, header: str, secret: str) -> bool:
    parts = dict(part.split("=", 1) for part in header.split(","))
    signed = parts["t"].encode() + b"." + payload
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(parts["t"])) < 300
    return fresh and hmac.compare_digest(expected, parts["v1"])


def handle_event(payload):
    body = json.loads(payload)
    event = StripeEvent.query.filter_by(stripe_event_id=body["id"]).first()
    if event:
        return "duplicate"
    event = StripeEvent(
        stripe_event_id=body["id"],
        event_type=body["type"],
        status="received",
        payload_hash=hashlib.sha256(payload).hexdigest(),
        attempts=1,
    )
    db.session.add(event)
    db.session.commit()
    apply_event(body)
    event.status = "processed"
    event.processed_at = utcnow()
    db.session.commit()
    return "processed"


def apply_event(body):
    obj = body["data"]["object"]
    if body["type"] == "checkout.session.completed":
        subscription = Subscription.query.filter_by(organization_id=int(obj["client_reference_id"])).one()
        subscription.credits = subscription.credits + 100
        subscription.stripe_customer_id = obj.get("customer")
        db.session.commit()
    elif body["type"] == "customer.subscription.updated":
        subscription = Subscription.query.filter_by(stripe_customer_id=obj["customer"]).first()
        if subscription:
            subscription.status = obj.get("status", "active")
            db.session.commit()
