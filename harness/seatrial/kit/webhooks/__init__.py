"""Webhooks of Stripe: every event applied once, whatever dies in between; what fails is tried again.

    from seatrial.kit.webhooks import StripeService, WebhookLedger, receive

    billing = StripeService(
        WebhookLedger(db.session, db.metadata),
        secrets=lambda: current_app.config["STRIPE_WEBHOOK_SECRET"],
        payments=lambda: ports().get(PaymentPort),
    )

    @billing.on("checkout.session.completed")
    def complete_checkout(session: Session, event: WebhookEvent) -> None: ...

    @bp.post("/webhooks/stripe")
    @csrf.exempt
    def stripe_webhook() -> Response:
        return receive(billing)

docs/webhooks.md is its page.
"""

from seatrial.kit.webhooks.backoff import Backoff
from seatrial.kit.webhooks.effects import Effects
from seatrial.kit.webhooks.event import Refused, WebhookEvent
from seatrial.kit.webhooks.failure import ClaimLost, WebhookError
from seatrial.kit.webhooks.ledger import WebhookLedger
from seatrial.kit.webhooks.records import Entry
from seatrial.kit.webhooks.result import WebhookResult, http_status
from seatrial.kit.webhooks.service import BillingServiceInterface, StripeService, service_of
from seatrial.kit.webhooks.table import stripe_events_table
from seatrial.kit.webhooks.view import answer, receive

__all__ = [
    "Backoff",
    "BillingServiceInterface",
    "ClaimLost",
    "Effects",
    "Entry",
    "Refused",
    "StripeService",
    "WebhookError",
    "WebhookEvent",
    "WebhookLedger",
    "WebhookResult",
    "answer",
    "http_status",
    "receive",
    "service_of",
    "stripe_events_table",
]
