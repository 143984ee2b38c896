"""Subscriptions and the payment events that change them.

An event is answered 2xx if and only if its effects are durable: its row, its effects and the mark `processed`
are committed in one transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import StripeEvent, Subscription, User
from stockroom.services import audit
from stockroom.services.errors import InvalidInput
from stockroom.services.ports import PaymentProvider

log = logging.getLogger(__name__)

TOLERANCE_SECONDS = 300
MAX_ATTEMPTS = 12
PLANS = ("free", "team", "business")


@dataclass(frozen=True)
class Event:
    """A verified event."""

    id: str
    type: str
    created: int
    object: dict[str, Any]
    payload_hash: str


def subscription(organization_id: int) -> Subscription | None:
    return db.session.scalar(select(Subscription).where(Subscription.organization_id == organization_id))


def start_checkout(user: User, plan: str, return_url: str, provider: PaymentProvider) -> str:
    url = provider.checkout_url(user.organization_id, plan, return_url)
    audit.record(user, "billing.checkout", plan)
    db.session.commit()
    return url


def verify(payload: bytes, header: str, secret: str) -> Event:
    """The event of a signed delivery; raises `InvalidInput` for anything else."""
    timestamp, signatures = _parse_header(header)
    if abs(time.time() - timestamp) > TOLERANCE_SECONDS:
        raise InvalidInput("The signature is too old.")
    expected = hmac.new(secret.encode(), b"%d." % timestamp + payload, hashlib.sha256).hexdigest().encode()
    if not secret or not any(hmac.compare_digest(expected, given) for given in signatures):
        raise InvalidInput("The signature does not match.")
    return _parse_event(payload)


def receive(event: Event) -> int:
    """Applies an event exactly once and returns the status of the answer."""
    try:
        db.session.execute(
            _insert()
            .values(
                stripe_event_id=event.id,
                event_type=event.type,
                status="received",
                payload_hash=event.payload_hash,
                attempts=0,
            )
            .on_conflict_do_nothing(index_elements=["stripe_event_id"])
        )
        claimed = db.session.execute(
            update(StripeEvent)
            .where(
                StripeEvent.stripe_event_id == event.id,
                StripeEvent.payload_hash == event.payload_hash,
                or_(
                    StripeEvent.status.in_(("received", "failed", "dead")),
                    and_(StripeEvent.status == "processing", StripeEvent.next_attempt_at <= utcnow()),
                ),
            )
            .values(status="processing", attempts=StripeEvent.attempts + 1)
            .returning(StripeEvent.id)
        ).first()
        if claimed is None:
            return _answer_known(event)
        _apply(event)
        db.session.execute(
            update(StripeEvent)
            .where(StripeEvent.id == claimed.id)
            .values(
                status="processed",
                processed_at=utcnow(),
                next_attempt_at=None,
                error_message=case(
                    (StripeEvent.error_message.like("payload-conflict%"), StripeEvent.error_message), else_=None
                ),
            )
        )
        db.session.commit()
    except Exception as error:
        db.session.rollback()
        log.exception("Event %s failed", event.id)
        _record_failure(event, error)
        return 500
    return 200


def _apply(event: Event) -> None:
    if event.type == "checkout.session.completed":
        _complete_checkout(event)
    elif event.type in ("customer.subscription.updated", "customer.subscription.deleted"):
        _update_subscription(event)


def _complete_checkout(event: Event) -> None:
    organization_id = str(event.object.get("client_reference_id") or "")
    if not (organization_id.isdecimal() and len(organization_id) < 10):
        raise InvalidInput("The session names no organisation.")
    found = db.session.scalar(
        select(Subscription).where(Subscription.organization_id == int(organization_id)).with_for_update()
    )
    if found is None:
        raise InvalidInput("The organisation has no subscription.")
    customer = event.object.get("customer")
    db.session.execute(
        update(Subscription)
        .where(Subscription.id == found.id)
        .values(
            plan=_plan(event.object),
            status="active",
            credits=Subscription.credits + 100,
            stripe_customer_id=customer if isinstance(customer, str) else found.stripe_customer_id,
            updated_at=utcnow(),
        )
    )


def _update_subscription(event: Event) -> None:
    status = "canceled" if event.type.endswith("deleted") else str(event.object.get("status") or "active")[:20]
    db.session.execute(
        update(Subscription)
        .where(
            Subscription.stripe_customer_id == str(event.object.get("customer") or ""),
            Subscription.last_event_at <= event.created,
            Subscription.status != "canceled",
        )
        .values(status=status, last_event_at=event.created, updated_at=utcnow())
    )


def _plan(session: dict[str, Any]) -> str:
    metadata = session.get("metadata")
    plan = metadata.get("plan") if isinstance(metadata, dict) else None
    return plan if plan in PLANS else "team"


def _answer_known(event: Event) -> int:
    """An event that is done, in work elsewhere, or the same id with another payload."""
    row = db.session.execute(
        select(StripeEvent.status, StripeEvent.payload_hash).where(StripeEvent.stripe_event_id == event.id)
    ).one()
    db.session.rollback()
    if row.payload_hash != event.payload_hash:
        log.warning("Event %s came again with another payload", event.id)
        db.session.execute(
            update(StripeEvent)
            .where(StripeEvent.stripe_event_id == event.id)
            .values(error_message=f"payload-conflict {event.payload_hash[:16]}")
        )
        db.session.commit()
    return 200 if row.status == "processed" else 409


def _record_failure(event: Event, error: Exception) -> None:
    """In its own transaction; never takes a processed row back."""
    message = type(error).__name__
    try:
        attempts = db.session.scalar(select(StripeEvent.attempts).where(StripeEvent.stripe_event_id == event.id))
        delay = min(timedelta(hours=6), timedelta(minutes=1) * 2 ** min(attempts or 0, 10))
        row = {"status": "failed", "error_message": message, "next_attempt_at": utcnow() + delay}
        db.session.execute(
            _insert()
            .values(stripe_event_id=event.id, event_type=event.type, payload_hash=event.payload_hash, attempts=1, **row)
            .on_conflict_do_update(
                index_elements=["stripe_event_id"],
                where=StripeEvent.status != "processed",
                set_={
                    **row,
                    "attempts": StripeEvent.attempts + 1,
                    "status": case((StripeEvent.attempts + 1 >= MAX_ATTEMPTS, "dead"), else_="failed"),
                },
            )
        )
        db.session.commit()
    except Exception:
        db.session.rollback()
        log.exception("The failure of event %s could not be recorded", event.id)


def _insert() -> postgresql.Insert | sqlite.Insert:
    if db.engine.dialect.name == "postgresql":
        return postgresql.insert(StripeEvent)
    return sqlite.insert(StripeEvent)


def _parse_header(header: str) -> tuple[int, list[bytes]]:
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for key, _, value in parts if key == "t" and value.isascii() and value.isdecimal()]
    signatures = [value.encode("utf-8", "replace") for key, _, value in parts if key == "v1"]
    if len(times) != 1 or len(times[0]) > 12 or not signatures:
        raise InvalidInput("The signature is missing.")
    return int(times[0]), signatures


def _parse_event(payload: bytes) -> Event:
    try:
        body = json.loads(payload)
        event_id, event_type, created, subject = body["id"], body["type"], body["created"], body["data"]["object"]
        canonical = {key: value for key, value in body.items() if key != "pending_webhooks"}
        digest = hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("The body is not an event.") from error
    if not (
        isinstance(event_id, str)
        and isinstance(event_type, str)
        and isinstance(created, int)
        and isinstance(subject, dict)
        and 0 < len(event_id) <= 255
        and 0 < len(event_type) <= 120
        and 0 <= created < 2**31
        and "\0" not in event_id + event_type
    ):
        raise InvalidInput("The body is not an event.")
    return Event(event_id, event_type, created, subject, digest)
