"""What the services need from the outside world; the adapters are in `stockroom.gateways`."""

from __future__ import annotations

from typing import Protocol


class Mailer(Protocol):
    def send(self, to: str, subject: str, text: str) -> None: ...


class PaymentProvider(Protocol):
    def checkout_url(self, organization_id: int, plan: str, return_url: str) -> str:
        """Where the customer pays. Raises `Unavailable` when the provider cannot be reached."""
        ...
