"""Stripe behind the payment port. Needs stripe: pip install 'seatrial[stripe]'; imported with the first call."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.kit.ports.payments import Checkout, EventGone, PaymentError, PaymentPort

if TYPE_CHECKING:
    import stripe

__all__ = ["StripePayments"]

log = logging.getLogger(__name__)

CHECKOUT_HOST = "checkout.stripe.com"


class StripePayments(PaymentPort):
    """A client of its own: neither `stripe.api_key` nor any other global of the package is touched."""

    def __init__(self, api_key: str, *, retries: int = 0, hosts: Collection[str] = (CHECKOUT_HOST,)) -> None:
        """`retries`: the package's own, within one call. `hosts`: where a checkout may send customers."""
        self._api_key, self._retries, self._hosts = api_key, retries, frozenset(hosts)
        self._made: stripe.StripeClient | None = None

    def checkout_url(self, checkout: Checkout, *, idempotency_key: str | None = None) -> str:
        sessions = self._v1().checkout.sessions
        wanted = {
            "mode": "subscription" if checkout.subscription else "payment",
            "client_reference_id": checkout.reference,
            "line_items": [{"price": checkout.price, "quantity": checkout.quantity}],
            "metadata": dict(checkout.metadata),
            "success_url": checkout.return_url,
            "cancel_url": checkout.return_url,
        }
        # Without a key of ours the package invents one per call, and a repeated try is another checkout.
        session = _called(lambda: sessions.create(params=wanted, options=_options(idempotency_key=idempotency_key)))
        url = getattr(session, "url", None)
        if not isinstance(url, str) or urlsplit(url).scheme != "https" or urlsplit(url).hostname not in self._hosts:
            raise PaymentError("the provider gave no address of its checkout")
        return url

    def fetch_event(self, event_id: str, *, account: str | None = None, thin: bool = False) -> Mapping[str, Any]:
        if thin:
            client = self._client()
            if not hasattr(client, "v2"):
                raise PaymentError("thin events need stripe 11 or newer: pip install -U stripe")
            events, options = client.v2.core.events, _options(stripe_context=account)
        else:
            events, options = self._v1().events, _options(stripe_account=account)
        event = _called(lambda: events.retrieve(event_id, options=options))
        found = json.loads(str(event))  # the one form that all versions of the package share
        if not isinstance(found, dict):
            raise PaymentError("the provider sent no event")
        return found

    def _v1(self) -> Any:
        """The services of API v1; the package has had them directly on the client, and has them under `v1` now."""
        client = self._client()
        return getattr(client, "v1", client)

    def _client(self) -> Any:
        if not self._api_key:
            raise PaymentError("no API key of Stripe is configured")
        if self._made is None:
            import stripe  # slow, hence not with the app

            self._made = stripe.StripeClient(self._api_key, max_network_retries=self._retries)
        return self._made


def _options(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value is not None}


def _called(call: Callable[[], Any]) -> Any:
    """What the call returns; the package's errors as the port's, without their text."""
    import stripe

    try:
        return call()
    except stripe.StripeError as error:
        log.warning("Stripe: %s (status %s)", type(error).__name__, error.http_status)
        if error.http_status == 404:
            raise EventGone("the provider does not have it") from error
        raise PaymentError(f"the provider refused or cannot be reached ({type(error).__name__})") from error
