"""Stripe Checkout. The library is imported with the first payment: its import is slow."""

from __future__ import annotations

import logging

from stockroom.services.errors import Unavailable

log = logging.getLogger(__name__)


class StripeProvider:
    def __init__(self, api_key: str, prices: dict[str, str]) -> None:
        self._api_key, self._prices = api_key, prices

    def checkout_url(self, organization_id: int, plan: str, return_url: str) -> str:
        if not self._api_key:
            raise Unavailable("Payments are not configured.")
        import stripe

        client = stripe.StripeClient(self._api_key, max_network_retries=0)
        try:
            session = client.v1.checkout.sessions.create(
                {
                    "mode": "subscription",
                    "client_reference_id": str(organization_id),
                    "line_items": [{"price": self._prices.get(plan, plan), "quantity": 1}],
                    "metadata": {"plan": plan},
                    "success_url": return_url,
                    "cancel_url": return_url,
                }
            )
            url = session.url
        except (stripe.StripeError, AttributeError) as error:
            log.warning("Checkout failed: %s", type(error).__name__)
            raise Unavailable("The payment provider cannot be reached.") from error
        if not url or not url.startswith("https://checkout.stripe.com/"):
            raise Unavailable("The payment provider gave no address.")
        return url
