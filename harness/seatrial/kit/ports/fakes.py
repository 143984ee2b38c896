"""Providers for tests: they keep what they were asked, answer what they were told, and fail when told to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.kit.ports.mail import Mail, MailError, MailPort
from seatrial.kit.ports.oauth import Attempt, Identity, OAuthError, OAuthPort
from seatrial.kit.ports.payments import Checkout, EventGone, PaymentError, PaymentPort

__all__ = ["FakeMail", "FakeOAuth", "FakePayments"]


class FakePayments(PaymentPort):
    """Knows the events it was given. `down`: nothing can be reached."""

    def __init__(self, *events: Mapping[str, Any]) -> None:
        self.events = {str(event["id"]): event for event in events}
        self.checkouts: list[Checkout] = []
        self.fetched: list[tuple[str, str | None]] = []
        self.down = False
        self._by_key: dict[str, str] = {}

    def checkout_url(self, checkout: Checkout, *, idempotency_key: str | None = None) -> str:
        self._reach()
        if idempotency_key in self._by_key:
            return self._by_key[str(idempotency_key)]
        self.checkouts.append(checkout)
        url = f"https://payments.example/checkout/{len(self.checkouts)}"
        if idempotency_key is not None:
            self._by_key[idempotency_key] = url
        return url

    def fetch_event(self, event_id: str, *, account: str | None = None, thin: bool = False) -> Mapping[str, Any]:
        self._reach()
        self.fetched.append((event_id, account))
        if event_id not in self.events:
            raise EventGone(f"no event {event_id}")
        return self.events[event_id]

    def _reach(self) -> None:
        if self.down:
            raise PaymentError("the provider cannot be reached")


class FakeMail(MailPort):
    """Keeps the mails, one per key. `down`: nothing is taken."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.down = False
        self._keys: set[str] = set()

    def send(self, mail: Mail, *, idempotency_key: str | None = None) -> None:
        if self.down:
            raise MailError("the provider cannot be reached")
        if idempotency_key is not None:
            if idempotency_key in self._keys:
                return
            self._keys.add(idempotency_key)
        self.sent.append(mail)


class FakeOAuth(OAuthPort):
    """Lets in who was registered for a code, once per code, and only with the attempt that was started."""

    def __init__(self, **by_code: Identity) -> None:
        self.by_code = dict(by_code)
        self.started: list[Attempt] = []

    def authorization_url(self, attempt: Attempt) -> str:
        self.started.append(attempt)
        return f"https://login.example/authorize?state={attempt.state}"

    def identify(self, attempt: Attempt, code: str) -> Identity:
        if attempt not in self.started:
            raise OAuthError("no such attempt was started")
        if code not in self.by_code:
            raise OAuthError("no such code")
        return self.by_code.pop(code)
