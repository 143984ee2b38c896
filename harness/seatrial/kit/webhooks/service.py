"""`StripeService`: signature → idempotency → process → mark, and the retry of what failed."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask, current_app
from sqlalchemy.orm import Session

from seatrial.kit.ports.payments import EventGone, PaymentPort
from seatrial.kit.webhooks import metrics, signature
from seatrial.kit.webhooks.event import Refused, WebhookEvent, is_thin
from seatrial.kit.webhooks.failure import WebhookError
from seatrial.kit.webhooks.ledger import WebhookLedger
from seatrial.kit.webhooks.result import WebhookResult

log = logging.getLogger(__name__)

Handler = Callable[[Session, WebhookEvent], object]
"""Applies an event in the session given. It raises for what is to be tried again, and commits nothing."""
H = TypeVar("H", bound=Handler)
EXTENSION = "seatrial_webhooks"


class BillingServiceInterface(ABC):
    """What a route needs of billing: any provider's service can stand behind it."""

    @abstractmethod
    def handle_webhook_event(self, event_data: Mapping[str, Any]) -> WebhookResult:
        """Apply an event whose signature was checked. Never raises for what a handler raises."""


class StripeService(BillingServiceInterface):
    """Handlers by type of event, around a ledger.

    `payments` is the payment port, or what gives it (`lambda: ports().get(PaymentPort)`): retries and thin events are
    fetched through it. `livemode`: events of the other mode are recorded and not applied; None takes both.
    `accounts`: of connected accounts, those whose events are applied; None takes all, an empty tuple none.
    """

    def __init__(
        self,
        ledger: WebhookLedger,
        *,
        secrets: signature.Secrets,
        payments: PaymentPort | Callable[[], PaymentPort],
        livemode: bool | Callable[[], bool | None] | None = None,
        accounts: Collection[str] | Callable[[], Collection[str] | None] | None = None,
        tolerance: timedelta = signature.TOLERANCE,
    ) -> None:
        self.ledger = ledger
        self._secrets, self._payments = secrets, payments
        self._livemode, self._accounts, self._tolerance = livemode, accounts, tolerance
        self._handlers: dict[str, Handler] = {}

    def init_app(self, app: Flask) -> None:
        """Let `flask webhooks …` and `seatrial webhooks …` find it."""
        from seatrial.kit.webhooks.commands import group

        app.extensions[EXTENSION] = self
        app.cli.add_command(group)

    def on(self, *types: str) -> Callable[[H], H]:
        """Decorator: the handler of these types. Types without a handler are recorded and answered 200.

        Raises:
            ValueError: A type has a handler already.
        """

        def register(handler: H) -> H:
            for kind in types:
                if self._handlers.setdefault(kind, handler) is not handler:
                    raise ValueError(f"{kind} has a handler already: one transaction, one handler")
            return handler

        return register

    # Deliveries

    def verify(self, body: bytes, header: str | None) -> WebhookEvent:
        """The event of a signed delivery.

        Raises:
            Refused: The signature or the body is not Stripe's.
        """
        wanted = signature.given(self._secrets)
        signature.verify(body, header, wanted, tolerance=self._tolerance, clock=self.ledger.clock)
        return WebhookEvent.parse(body)

    def handle_webhook_event(self, event_data: Mapping[str, Any]) -> WebhookResult:
        """Raises Refused where it has not the shape of an event."""
        return self.handle_event(WebhookEvent.of(event_data))

    def handle_event(self, event: WebhookEvent) -> WebhookResult:
        """Apply a verified event, once. `http_status` of the result is the answer."""
        found = self.ledger.deliver(event, self._process)
        self._count("delivery", event.type, found)
        return found

    # Retries

    def retry_due(self, limit: int = 100) -> list[tuple[str, WebhookResult]]:
        """Try what failed and is due, at most `limit` events: (id, what became of it). Needs the app's context.

        Each event has transactions of its own, so one that cannot be processed holds up no other. Several workers may
        run at once. Raises only where the database cannot be reached.
        """
        found = []
        for event_id in self.ledger.due(limit):
            tried = self.retry(event_id)
            if tried is not None:
                found.append((event_id, tried))
        return found

    def retry(self, event_id: str) -> WebhookResult | None:
        """Try one event that is due; None where another worker was faster, or none is left to try it."""
        claim = self.ledger.claim(event_id)
        if claim is None:
            return None
        try:
            event = self._fetched(event_id, claim.entry.event_type, claim.entry.account)
            found = self.ledger.work(claim, event, self._process)
        except Exception as error:
            log.exception("Event %s (%s) failed again", event_id, claim.entry.event_type)
            found = self.ledger.release(claim, error, final=isinstance(error, EventGone))
        if found["outcome"] == "dead":
            log.error("Event %s (%s) is a dead letter", event_id, claim.entry.event_type)
        self._count("retry", claim.entry.event_type, found)
        return found

    def scheduled(self, app: Flask, limit: int = 100) -> Callable[[], int]:
        """What a scheduler calls (APScheduler, Celery beat, a thread): retries in the app's context, never raises.

        It returns the number of events that were tried.
        """

        def job() -> int:
            with app.app_context():
                try:
                    return len(self.retry_due(limit))
                except Exception:
                    log.exception("Webhook events could not be retried")
                    return 0

        return job

    # Both

    def _process(self, session: Session, event: WebhookEvent) -> bool:
        handler = self._handlers.get(event.type)
        if handler is None:
            return False
        if reason := self._misdirected(event):
            log.warning("Event %s is of %s: recorded, not applied", event.id, reason)
            return False
        if event.thin and "data" not in event.payload:
            event = event.with_payload(self._fetched(event.id, event.type, event.account).payload)
        handler(session, event)
        return True

    def _misdirected(self, event: WebhookEvent) -> str:
        """Why a signed event is none of this app's, or empty."""
        livemode = self._livemode() if callable(self._livemode) else self._livemode
        if livemode is not None and event.livemode is not None and event.livemode != livemode:
            return "the other mode (livemode)"
        accounts = self._accounts() if callable(self._accounts) else self._accounts
        if accounts is not None and event.account is not None and event.account not in accounts:
            return "another account"
        return ""

    def _fetched(self, event_id: str, event_type: str, account: str | None) -> WebhookEvent:
        """As the provider has it. Not compared with what was delivered: an endpoint may be pinned to another API."""
        port = self._payments if isinstance(self._payments, PaymentPort) else self._payments()
        try:
            event = WebhookEvent.of(port.fetch_event(event_id, account=account, thin=is_thin(event_type)))
        except Refused as error:
            raise WebhookError("what the payment port fetched is not an event") from error
        if event.id != event_id:
            raise WebhookError("the payment port fetched another event")
        return event

    def _count(self, source: Any, event_type: str, found: WebhookResult) -> None:
        metrics.count(source, event_type if event_type in self._handlers else metrics.OTHER_TYPE, found["outcome"])


def service_of(app: Flask | None = None) -> StripeService:
    """The service that `init_app` put there.

    Raises:
        LookupError: There is none.
    """
    found = (app or current_app).extensions.get(EXTENSION)
    if not isinstance(found, StripeService):
        raise LookupError("this app has no webhook service: call init_app(app) on its StripeService")
    return found
