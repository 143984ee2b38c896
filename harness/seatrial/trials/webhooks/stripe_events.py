"""Stripe events as Stripe sends them: whole objects whose ids fit together, in the shape of an API version.

The templates are our own, written after the typed resources of stripe-python; a test reads each of them with
`stripe.Event.construct_from`. What an app looks up in its data (customer, client_reference_id) is filled in from
`[tool.seatrial.arguments]`, else from the trial's rows.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NEWEST = "2026-10-28.endive"
BASIL = "2025-03-31"
"""From here on the period stands on the items, and the subscription of an invoice under `parent`."""
CREATED = 1767225600
"""2026-01-01: what the events tell as their time, whatever the clock says."""
DAY = 86400
MONTH = 30 * DAY

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """The customer whose events these are: every id is the same wherever it stands."""

    salt: str = ""
    version: str = NEWEST
    given: Mapping[str, Any] = field(default_factory=dict)
    """Values of fields by name, for every object that has a field of that name."""

    def id(self, prefix: str) -> str:
        """An id in Stripe's alphabet, the same each time."""
        digest = hashlib.sha256(f"{self.salt}/{prefix}".encode()).hexdigest()
        return f"{prefix}_1SeaTrial{digest[:15]}"

    def known(self, name: str, prefix: str) -> str:
        """A value that the app's data knows, else one of our own."""
        value = self.given.get(name)
        return str(value) if value is not None else self.id(prefix)

    @property
    def basil(self) -> bool:
        return self.version[:10] >= BASIL

    @property
    def customer(self) -> str:
        return self.known("customer", "cus")

    @property
    def subscription(self) -> str:
        return self.known("subscription", "sub")

    @property
    def email(self) -> str:
        return str(self.given.get("customer_email") or self.given.get("email") or "ada@example.com")

    @property
    def metadata(self) -> dict[str, str]:
        """Every given value is in the metadata, too: that is where apps put their own ids."""
        return {name: str(value) for name, value in sorted(self.given.items())}


def _price(world: World) -> Object:
    return {
        "id": world.known("price", "price"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": CREATED - MONTH,
        "currency": "usd",
        "livemode": False,
        "lookup_key": world.given.get("lookup_key"),
        "metadata": world.metadata,
        "nickname": None,
        "product": world.known("product", "prod"),
        "recurring": {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"},
        "tax_behavior": "exclusive",
        "type": "recurring",
        "unit_amount": 2000,
        "unit_amount_decimal": "2000",
    }


def checkout_session(world: World) -> Object:
    return {
        "id": world.id("cs_test"),
        "object": "checkout.session",
        "amount_subtotal": 2000,
        "amount_total": 2000,
        "automatic_tax": {"enabled": False, "status": None},
        "cancel_url": "https://shop.example/cancel",
        "client_reference_id": str(world.given.get("client_reference_id", "1")),
        "created": CREATED,
        "currency": "usd",
        "customer": world.customer,
        "customer_details": {"address": None, "email": world.email, "name": "Ada", "phone": None, "tax_ids": []},
        "customer_email": world.email,
        "expires_at": CREATED + DAY,
        "invoice": world.id("in"),
        "livemode": False,
        "locale": None,
        "metadata": world.metadata,
        "mode": "subscription",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "status": "complete",
        "subscription": world.subscription,
        "success_url": "https://shop.example/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
    }


def subscription(world: World) -> Object:
    period = {"current_period_start": CREATED, "current_period_end": CREATED + MONTH}
    item = {
        "id": world.id("si"),
        "object": "subscription_item",
        "created": CREATED,
        "metadata": {},
        "price": _price(world),
        "plan": {"id": world.known("price", "price"), "object": "plan", "amount": 2000, "currency": "usd"},
        "quantity": 1,
        "subscription": world.subscription,
        **(period if world.basil else {}),
    }
    return {
        "id": world.subscription,
        "object": "subscription",
        "billing_cycle_anchor": CREATED,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "collection_method": "charge_automatically",
        "created": CREATED,
        "currency": "usd",
        **({} if world.basil else period),
        "customer": world.customer,
        "default_payment_method": world.id("pm"),
        "ended_at": None,
        "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
        "latest_invoice": world.id("in"),
        "livemode": False,
        "metadata": world.metadata,
        "quantity": 1,
        "start_date": CREATED,
        "status": "active",
        "trial_end": None,
        "trial_start": None,
    }


def invoice(world: World) -> Object:
    line = {
        "id": world.id("il"),
        "object": "line_item",
        "amount": 2000,
        "currency": "usd",
        "description": "1 × Team (at $20.00 / month)",
        "livemode": False,
        "metadata": world.metadata,
        "period": {"start": CREATED, "end": CREATED + MONTH},
        "quantity": 1,
    }
    found: Object = {
        "id": world.id("in"),
        "object": "invoice",
        "amount_due": 2000,
        "amount_paid": 2000,
        "amount_remaining": 0,
        "attempt_count": 1,
        "attempted": True,
        "billing_reason": "subscription_cycle",
        "created": CREATED,
        "currency": "usd",
        "customer": world.customer,
        "customer_email": world.email,
        "customer_name": "Ada",
        "hosted_invoice_url": "https://invoice.stripe.com/i/test",
        "lines": {"object": "list", "data": [line], "has_more": False, "url": "/v1/invoices/lines"},
        "livemode": False,
        "metadata": world.metadata,
        "number": "SEA-0001",
        "period_end": CREATED + MONTH,
        "period_start": CREATED,
        "status": "paid",
        "status_transitions": {"finalized_at": CREATED, "paid_at": CREATED, "voided_at": None},
        "subtotal": 2000,
        "total": 2000,
    }
    if world.basil:
        details = {"metadata": world.metadata, "subscription": world.subscription}
        found["parent"] = {"type": "subscription_details", "subscription_details": details, "quote_details": None}
        line["parent"] = {
            "type": "subscription_item_details",
            "subscription_item_details": {"subscription": world.subscription, "subscription_item": world.id("si")},
        }
        line["pricing"] = {"type": "price_details", "price_details": {"price": world.known("price", "price")}}
    else:
        found |= {"subscription": world.subscription, "payment_intent": world.id("pi"), "charge": world.id("ch")}
        found |= {"paid": True, "subscription_details": {"metadata": world.metadata}}
        line |= {"price": _price(world), "subscription": world.subscription, "type": "subscription"}
    return found


def payment_intent(world: World) -> Object:
    found: Object = {
        "id": world.id("pi"),
        "object": "payment_intent",
        "amount": 2000,
        "amount_capturable": 0,
        "amount_received": 2000,
        "canceled_at": None,
        "capture_method": "automatic_async",
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": CREATED,
        "currency": "usd",
        "customer": world.customer,
        "description": None,
        "last_payment_error": None,
        "latest_charge": world.id("ch"),
        "livemode": False,
        "metadata": world.metadata,
        "payment_method": world.id("pm"),
        "payment_method_types": ["card"],
        "receipt_email": world.email,
        "status": "succeeded",
    }
    return found if world.basil else found | {"invoice": world.id("in")}


def charge(world: World) -> Object:
    return {
        "id": world.id("ch"),
        "object": "charge",
        "amount": 2000,
        "amount_captured": 2000,
        "amount_refunded": 0,
        "billing_details": {"address": None, "email": world.email, "name": "Ada", "phone": None},
        "captured": True,
        "created": CREATED,
        "currency": "usd",
        "customer": world.customer,
        "disputed": False,
        "livemode": False,
        "metadata": world.metadata,
        "paid": True,
        "payment_intent": world.id("pi"),
        "payment_method": world.id("pm"),
        "receipt_email": world.email,
        "refunded": False,
        "status": "succeeded",
    }


def customer(world: World) -> Object:
    return {
        "id": world.customer,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": CREATED,
        "currency": "usd",
        "delinquent": False,
        "email": world.email,
        "invoice_settings": {"default_payment_method": None},
        "livemode": False,
        "metadata": world.metadata,
        "name": "Ada",
    }


_UNPAID = {"payment_status": "unpaid", "status": "expired", "subscription": None, "invoice": None}
_DUE = {"status": "open", "amount_paid": 0, "amount_remaining": 2000}
_TEMPLATES: dict[str, tuple[Callable[[World], Object], Object]] = {
    "checkout.session.completed": (checkout_session, {}),
    "checkout.session.async_payment_succeeded": (checkout_session, {}),
    "checkout.session.async_payment_failed": (checkout_session, {"payment_status": "unpaid"}),
    "checkout.session.expired": (checkout_session, _UNPAID),
    "customer.created": (customer, {}),
    "customer.updated": (customer, {}),
    "customer.deleted": (customer, {}),
    "customer.subscription.created": (subscription, {}),
    "customer.subscription.updated": (subscription, {"status": "past_due"}),
    "customer.subscription.deleted": (
        subscription,
        {"status": "canceled", "canceled_at": CREATED, "ended_at": CREATED},
    ),
    "customer.subscription.paused": (subscription, {"status": "paused"}),
    "customer.subscription.resumed": (subscription, {}),
    "customer.subscription.trial_will_end": (
        subscription,
        {"status": "trialing", "trial_start": CREATED, "trial_end": CREATED + 3 * DAY},
    ),
    "invoice.created": (invoice, {**_DUE, "status": "draft", "attempted": False, "attempt_count": 0}),
    "invoice.finalized": (invoice, {**_DUE, "attempted": False, "attempt_count": 0}),
    "invoice.paid": (invoice, {}),
    "invoice.payment_succeeded": (invoice, {}),
    "invoice.payment_failed": (invoice, _DUE),
    "invoice.payment_action_required": (invoice, _DUE),
    "payment_intent.created": (payment_intent, {"status": "requires_payment_method", "amount_received": 0}),
    "payment_intent.succeeded": (payment_intent, {}),
    "payment_intent.payment_failed": (
        payment_intent,
        {
            "status": "requires_payment_method",
            "amount_received": 0,
            "last_payment_error": {"code": "card_declined", "type": "card_error", "message": "Declined."},
        },
    ),
    "payment_intent.canceled": (payment_intent, {"status": "canceled", "amount_received": 0, "canceled_at": CREATED}),
    "charge.succeeded": (charge, {}),
    "charge.failed": (charge, {"status": "failed", "paid": False, "captured": False, "amount_captured": 0}),
    "charge.refunded": (charge, {"refunded": True, "amount_refunded": 2000}),
}
KNOWN = tuple(_TEMPLATES)
ONCE = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "customer.created",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "payment_intent.canceled",
        "charge.succeeded",
        "charge.failed",
    }
)
"""What happens to an object once, so that a second event about it is the same news. The others repeat: an object is
updated often, an invoice fails at each attempt, a charge is refunded in parts."""
SAME = (
    ("checkout.session.completed", "checkout.session.async_payment_succeeded"),
    ("invoice.paid", "invoice.payment_succeeded"),
)
"""Two types of one piece of news."""
PREVIOUS: dict[str, Object] = {"subscription": {"status": "active"}, "customer": {"delinquent": True}}
"""`previous_attributes` of an event that says *updated*."""


def event(
    kind: str, world: World, *, number: int = 0, created: int = CREATED, changes: Mapping[str, Any] | None = None
) -> Object:
    """One event. `number` tells events of one type apart; `changes` are laid over its object.

    Raises KeyError for a type that there is no template of.
    """
    template, state = _TEMPLATES[kind]
    subject = copy.deepcopy({**template(world), **state, **(changes or {})})
    for name, value in world.given.items():
        if name in subject and not isinstance(subject[name], dict | list):
            subject[name] = value
    data: Object = {"object": subject}
    if kind.endswith(".updated"):
        data["previous_attributes"] = copy.deepcopy(PREVIOUS.get(subject["object"], {}))
    return {
        "id": World(f"{world.salt}/{kind}/{number}").id("evt"),
        "object": "event",
        "api_version": world.version,
        "created": created,
        "data": data,
        "livemode": bool(world.given.get("livemode", False)),
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def thin(world: World) -> Object:
    """An event of API v2, which holds no object: a notification that one must fetch."""
    return {
        "id": World(f"{world.salt}/thin").id("evt_test"),
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "livemode": False,
        "created": "2026-01-01T00:00:00.000Z",
        "related_object": {"id": world.id("mtr"), "type": "billing.meter", "url": "/v1/billing/meters/mtr"},
        "reason": None,
        "context": None,
    }


def written(event_: Any) -> bytes:
    """As Stripe writes it: indented, so that whoever verifies a body that was parsed and dumped again is found out."""
    return json.dumps(event_, indent=2, ensure_ascii=False).encode()
