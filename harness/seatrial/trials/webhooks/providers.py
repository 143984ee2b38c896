"""Who sends the deliveries of one webhook: what they hold and how they are signed."""

from __future__ import annotations

import importlib
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.config.settings import Webhook
from seatrial.model.errors import ConfigurationError
from seatrial.trials.webhooks import signing, stripe_events
from seatrial.trials.webhooks.stripe_events import CREATED, World

OTHER_SECRET = "whsec_c2VhdHJpYWwtbm90LXRoZS1zZWNyZXQ="
AHEAD_S = 10 * 365 * 86400
MISDIRECTED = 7
"""Numbers of events from here on are those of other trials."""
Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One event as its body is written; a redelivery has the same body and a new signature."""

    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Forgery:
    """A delivery that must be refused."""

    case: str
    message: Message
    headers: Headers = field(default_factory=dict)


class Provider(ABC):
    """Makes messages and signs them."""

    known: tuple[str, ...] = ()
    """Types that there are templates of; empty: any name will do."""

    def __init__(self, hook: Webhook, secret: str, given: Mapping[str, Any]) -> None:
        self.hook, self.secret, self.given = hook, secret, dict(given)

    @abstractmethod
    def message(
        self,
        kind: str,
        salt: str = "",
        *,
        number: int = 0,
        created: int = CREATED,
        changes: Mapping[str, Any] | None = None,
    ) -> Message:
        """An event of a type. The same arguments give the same message; another `number` another id."""

    @abstractmethod
    def headers(self, message: Message, timestamp: int) -> Headers:
        """The headers of one delivery, signed."""

    @abstractmethod
    def forgeries(self, message: Message) -> list[Forgery]:
        """Deliveries with a signature that is none."""

    def oddities(self, message: Message) -> list[Forgery]:
        """Deliveries with headers that are no headers of the sender's: to be refused without an error."""
        return []

    def rotations(self, message: Message) -> list[Forgery]:
        """Deliveries that a receiver must take although their header looks unusual."""
        return []

    def other_payload(self, message: Message) -> Message:
        """The same id with another payload."""
        body = json.loads(message.body)
        _double(body)
        return Message(message.id, message.type, self.written(body))

    def written(self, body: Any) -> bytes:
        return stripe_events.written(body)

    def raw(self, body: bytes) -> Message:
        """Any body, to be signed like an event."""
        return Message("evt_1SeaTrialRaw", "", body)


def _double(value: Any) -> None:
    """Every amount twice as large: whoever applies this has applied another payload."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if (
                isinstance(inner, int)
                and not isinstance(inner, bool)
                and name.startswith(("amount", "total", "quantity"))
            ):
                value[name] = inner * 2
            elif name == "status" and isinstance(inner, str) and inner in ("active", "past_due", "paid", "succeeded"):
                value[name] = "past_due" if inner != "past_due" else "active"
            else:
                _double(inner)
        if "object" in value and "metadata" in value and isinstance(value["metadata"], dict):
            value["metadata"]["seatrial"] = "another payload"
    elif isinstance(value, list):
        for inner in value:
            _double(inner)


class Stripe(Provider):
    known = stripe_events.KNOWN

    def message(
        self,
        kind: str,
        salt: str = "",
        *,
        number: int = 0,
        created: int = CREATED,
        changes: Mapping[str, Any] | None = None,
    ) -> Message:
        name, _, version = kind.partition("@")
        world = World(salt, version or self._version(), self.given)
        found = stripe_events.event(name, world, number=number, created=created, changes=changes)
        return Message(found["id"], name, stripe_events.written(found))

    def _version(self) -> str:
        """What the app pins, else the newest."""
        return str(getattr(sys.modules.get("stripe"), "api_version", None) or stripe_events.NEWEST)

    def headers(self, message: Message, timestamp: int) -> Headers:
        return self._header(signing.stripe_header(message.body, [self.secret], timestamp))

    def forgeries(self, message: Message) -> list[Forgery]:
        now, secret = int(time.time()), [self.secret]
        signed = self.headers(message, now)
        old = now - signing.TOLERANCE_S - 60
        return [
            Forgery("a body that was changed", self.other_payload(message), signed),
            Forgery("another secret", message, self._header(signing.stripe_header(message.body, [OTHER_SECRET], now))),
            Forgery("no signature header", message),
            Forgery("an empty signature header", message, self._header("")),
            Forgery(
                "a v0 signature alone",
                message,
                self._header(signing.stripe_header(message.body, secret, now, scheme="v0")),
            ),
            Forgery(
                "a signature of six minutes ago",
                message,
                self._header(signing.stripe_header(message.body, secret, old)),
            ),
        ]

    def oddities(self, message: Message) -> list[Forgery]:
        now = int(time.time())
        good = signing.stripe_signature(message.body, self.secret, now)
        return [
            Forgery("a signature header without =", message, self._header("seatrial")),
            Forgery("a timestamp that is no number", message, self._header(f"t=today,v1={good}")),
            Forgery("a signature header without a timestamp", message, self._header(f"v1={good}")),
            Forgery("a signature that is not ASCII", message, self._header(f"t={now},v1=é{good[1:]}")),
            Forgery("a blank after the comma of the header", message, self._header(f"t={now}, v1={good}")),
        ]

    def rotations(self, message: Message) -> list[Forgery]:
        now = int(time.time())
        return [
            Forgery(case, message, self._header(signing.stripe_header(message.body, secrets, now)))
            for case, secrets in (
                ("two signatures, ours first", [self.secret, OTHER_SECRET]),
                ("two signatures, ours second", [OTHER_SECRET, self.secret]),
            )
        ]

    def ahead(self, message: Message) -> Forgery:
        """Signed for a time to come, as no clock of Stripe's would."""
        later = int(time.time()) + AHEAD_S
        return Forgery("a signature of ten years ahead", message, self.headers(message, later))

    def misdirected(self, event: str) -> list[Forgery]:
        """Signed as they should be, and not for this app: of the other mode, of an account that is none of its own."""
        found = []
        for number, (case, change) in enumerate(
            (("the other livemode", _other_mode), ("another account", _foreign)), MISDIRECTED
        ):
            message = self.message(event, "trial", number=number)
            body = json.loads(message.body)
            change(body)
            misdirected = Message(message.id, message.type, self.written(body))
            found.append(Forgery(case, misdirected, self.headers(misdirected, int(time.time()))))
        return found

    def _header(self, value: str) -> Headers:
        return {signing.STRIPE_HEADER: value}


def _other_mode(body: Any) -> None:
    body["livemode"] = not body["livemode"]
    if "livemode" in body["data"]["object"]:
        body["data"]["object"]["livemode"] = body["livemode"]


def _foreign(body: Any) -> None:
    body["account"] = World("foreign").id("acct")


class Plain(Provider):
    """What Standard Webhooks and unknown senders have in common: a payload of our own, or of the user's."""

    def message(
        self,
        kind: str,
        salt: str = "",
        *,
        number: int = 0,
        created: int = CREATED,
        changes: Mapping[str, Any] | None = None,
    ) -> Message:
        identifier = World(f"{salt}/{kind}/{number}").id("msg")
        if self.hook.payload is not None:
            body = called(self.hook.payload, "payload")(kind, identifier)
            if not isinstance(body, dict):
                raise ConfigurationError(
                    f"webhooks: {self.hook.payload} returned {type(body).__name__}; it takes (type, id) and returns a "
                    "dict"
                )
        else:
            body = {"id": identifier, "type": kind, "created": created, "data": {"amount": 2000, **self.given}}
        body = {**body, "data": {**body["data"], **(changes or {})}} if isinstance(body.get("data"), dict) else body
        return Message(identifier, kind, self.written(body))


class Standard(Plain):
    """Standard Webhooks 1.0."""

    def headers(self, message: Message, timestamp: int) -> Headers:
        return signing.standard_headers(message.body, [self.secret], message.id, timestamp)

    def forgeries(self, message: Message) -> list[Forgery]:
        now = int(time.time())
        signed = self.headers(message, now)
        old = now - signing.TOLERANCE_S - 60
        other = self.message(message.type, "other")
        return [
            Forgery("a body that was changed", self.other_payload(message), signed),
            Forgery("another secret", message, signing.standard_headers(message.body, [OTHER_SECRET], message.id, now)),
            Forgery("no signature headers", message),
            Forgery("an empty signature header", message, {**signed, "webhook-signature": ""}),
            Forgery("the id of another message", message, {**signed, "webhook-id": other.id}),
            Forgery("the timestamp of another message", message, {**signed, "webhook-timestamp": str(now - 5)}),
            Forgery(
                "the signature of another message",
                message,
                {**signed, "webhook-signature": self.headers(other, now)["webhook-signature"]},
            ),
            Forgery("a signature of six minutes ago", message, self.headers(message, old)),
            Forgery("a signature of six minutes ahead", message, self.headers(message, 2 * now - old)),
        ]

    def oddities(self, message: Message) -> list[Forgery]:
        signed = self.headers(message, int(time.time()))
        return [
            Forgery("a signature header without a version", message, {**signed, "webhook-signature": "seatrial"}),
            Forgery("a timestamp that is no number", message, {**signed, "webhook-timestamp": "today"}),
            Forgery("a signature that is not ASCII", message, {**signed, "webhook-signature": "v1,é"}),
        ]

    def rotations(self, message: Message) -> list[Forgery]:
        now = int(time.time())
        return [
            Forgery(case, message, signing.standard_headers(message.body, secrets, message.id, now))
            for case, secrets in (
                ("two signatures, ours first", [self.secret, OTHER_SECRET]),
                ("two signatures, ours second", [OTHER_SECRET, self.secret]),
            )
        ]


class Generic(Plain):
    """A sender that we do not know: the user's callable signs."""

    def headers(self, message: Message, timestamp: int) -> Headers:
        sign = called(self.hook.sign or "", "sign")
        found = sign(message.body, message.id, timestamp)
        if not isinstance(found, Mapping):
            raise ConfigurationError(
                f"webhooks: {self.hook.sign} returned {type(found).__name__}; it takes (body, id, timestamp) and "
                "returns a dict of headers"
            )
        return {str(name): str(value) for name, value in found.items()}

    def forgeries(self, message: Message) -> list[Forgery]:
        signed = self.headers(message, int(time.time()))
        return [
            Forgery("a body that was changed", self.other_payload(message), signed),
            Forgery("no signature headers", message),
            *(Forgery(f"an empty {name} header", message, {**signed, name: ""}) for name in signed),
        ]


def called(target: str, key: str) -> Any:
    """The callable at `module:name`. Raises ConfigurationError."""
    module, _, name = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"webhooks: {key} = {target!r} cannot be imported ({error}); correct it") from None
    if not callable(found):
        raise ConfigurationError(f"webhooks: {key} = {target!r} is not callable; name a function")
    return found


def provider(hook: Webhook, secret: str, given: Mapping[str, Any]) -> Provider:
    """The sender of a webhook."""
    kinds: dict[str, type[Provider]] = {"stripe": Stripe, "standard": Standard, "generic": Generic}
    return kinds[hook.provider](hook, secret, given)
