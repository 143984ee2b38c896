"""What an app needs of a payment provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class PaymentError(Exception):
    """The provider refused, or cannot be reached. The message holds nothing of its answer."""


class EventGone(PaymentError):
    """The provider no longer has the event: trying again is no use."""


@dataclass(frozen=True)
class Checkout:
    """What a customer is to pay, on the provider's page."""

    reference: str
    """The app's own id of who pays, sent back with the events of the payment."""
    price: str
    """The provider's id of what is bought."""
    return_url: str
    quantity: int = 1
    subscription: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)


class PaymentPort(ABC):
    """A payment provider."""

    @abstractmethod
    def checkout_url(self, checkout: Checkout, *, idempotency_key: str | None = None) -> str:
        """Where the customer pays. The same key on every try makes one checkout.

        Raises:
            PaymentError: There is no such address.
        """

    @abstractmethod
    def fetch_event(self, event_id: str, *, account: str | None = None, thin: bool = False) -> Mapping[str, Any]:
        """An event as plain data. `account`: the connected account, or of a thin event the context, it belongs to.

        Raises:
            EventGone: The provider has it no longer.
            PaymentError: It could not be fetched now.
        """
