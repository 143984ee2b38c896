"""Subscriptions, the way to pay for them, and the payment events that change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from seatrial.kit.ports import Checkout, PaymentError, PaymentPort, ports
from seatrial.kit.webhooks import Effects, StripeService, WebhookError, WebhookEvent, WebhookLedger
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from stockroom.clock import utcnow
from stockroom.extensions import db
from stockroom.models import Subscription, User
from stockroom.services import audit
from stockroom.services.errors import Unavailable

PLANS = ("free", "team", "business")

events = StripeService(
    WebhookLedger(db.session, db.metadata),
    secrets=lambda: str(current_app.config["STRIPE_WEBHOOK_SECRET"]).split(),  # two while one is being rotated
    payments=lambda: ports().get(PaymentPort),
    livemode=lambda: str(current_app.config["STRIPE_SECRET_KEY"]).startswith("sk_live_"),
    accounts=(),  # nobody's account is connected to ours
)
effects = Effects(db.metadata)


def retry_failed() -> int:
    """For a scheduler: tries the events that failed and are due."""
    return len(events.retry_due())


def subscription(organization_id: int) -> Subscription | None:
    return db.session.scalar(select(Subscription).where(Subscription.organization_id == organization_id))


def start_checkout(user: User, plan: str, price: str, return_url: str, provider: PaymentPort) -> str:
    """Where the customer pays. Raises Unavailable."""
    wanted = Checkout(str(user.organization_id), price, return_url, metadata={"plan": plan})
    try:
        url = provider.checkout_url(wanted)
    except PaymentError as error:
        raise Unavailable("The payment provider cannot be reached.") from error
    audit.record(user, "billing.checkout", plan)
    db.session.commit()
    return url


@events.on("checkout.session.completed")
def complete_checkout(session: Session, event: WebhookEvent) -> None:
    organization_id = str(event.object.get("client_reference_id") or "")
    if not (organization_id.isdecimal() and len(organization_id) < 10):
        raise WebhookError("the session names no organisation")
    found = session.scalar(
        select(Subscription).where(Subscription.organization_id == int(organization_id)).with_for_update()
    )
    if found is None:
        raise WebhookError("the organisation has no subscription")
    # One checkout is one sale, whatever number of events tells of it.
    if not effects.first(session, f"{event.object.get('id') or event.id}:credits"[:255]):
        return
    customer = event.object.get("customer")
    session.execute(
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


@events.on("customer.subscription.updated", "customer.subscription.deleted")
def update_subscription(session: Session, event: WebhookEvent) -> None:
    status = "canceled" if event.type.endswith("deleted") else str(event.object.get("status") or "active")[:20]
    created = event.created if isinstance(event.created, int) else 0
    session.execute(
        update(Subscription)
        .where(
            Subscription.stripe_customer_id == str(event.object.get("customer") or ""),
            Subscription.last_event_at <= created,
            Subscription.status != "canceled",
        )
        .values(status=status, last_event_at=created, updated_at=utcnow())
    )


def _plan(checkout: Mapping[str, Any]) -> str:
    metadata = checkout.get("metadata")
    plan = metadata.get("plan") if isinstance(metadata, Mapping) else None
    return plan if plan in PLANS else "team"
