"""An event as Stripe sends it, read with distrust."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeGuard

THIN = "v2.core.event"
_NAME = re.compile(r"[!-~]{1,255}")  # printable ASCII, as ids and types are; fits the columns, needs no encoding
_THIN_TYPE = re.compile(r"v[0-9]+\.")
_NOT_HASHED = frozenset({"pending_webhooks"})
"""Counts the endpoints still waiting, so it differs between deliveries of one event."""


class Refused(Exception):
    """A delivery that is not an event of ours: answered `status`, nothing is recorded, sending it again is no use."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


@dataclass(frozen=True)
class WebhookEvent:
    """One event. `payload` is all of it, as plain dictionaries and lists."""

    id: str
    type: str
    payload: Mapping[str, Any] = field(repr=False)
    payload_hash: str = field(default="", repr=False)
    account: str | None = None
    """The connected account (or, of a thin event, the context) that it belongs to."""

    @property
    def thin(self) -> bool:
        """A notification without data; handlers get it with what was fetched of it."""
        return self.payload.get("object") == THIN

    @property
    def data(self) -> Mapping[str, Any]:
        found = self.payload.get("data")
        return found if isinstance(found, Mapping) else {}

    @property
    def object(self) -> Mapping[str, Any]:
        """What the event is about, as it was then: `data.object`; of a thin event, id and type (`related_object`)."""
        found = self.payload.get("related_object") if self.thin else self.data.get("object")
        return found if isinstance(found, Mapping) else {}

    @property
    def previous(self) -> Mapping[str, Any]:
        """What changed, with the values of before (`data.previous_attributes`)."""
        found = self.data.get("previous_attributes")
        return found if isinstance(found, Mapping) else {}

    @property
    def created(self) -> int | str | None:
        """Seconds since 1970, which several events share; of a thin event, ISO 8601."""
        found = self.payload.get("created")
        return found if isinstance(found, int | str) else None

    @property
    def livemode(self) -> bool | None:
        found = self.payload.get("livemode")
        return found if isinstance(found, bool) else None

    def key(self, effect: str) -> str:
        """The Idempotency-Key of an outbound call, the same on every try: `evt_1:receipt`."""
        return f"{self.id}:{effect}"

    def with_payload(self, payload: Mapping[str, Any]) -> WebhookEvent:
        """The same event with what was fetched of it; it goes on being known by what was delivered."""
        return replace(self, payload=payload)

    @classmethod
    def of(cls, payload: Any) -> WebhookEvent:
        """From a dictionary, or an object of the stripe package.

        Raises:
            Refused: It has not the shape of an event.
        """
        plain = isinstance(payload, Mapping) or not hasattr(payload, "to_dict")
        found = payload if plain else payload.to_dict()
        if not isinstance(found, Mapping):
            raise Refused("The body is not an event.")
        event_id, kind, account = found.get("id"), found.get("type"), found.get("account") or found.get("context")
        about = found.get("data")
        whole = found.get("object") == THIN or (isinstance(about, Mapping) and isinstance(about.get("object"), Mapping))
        if not (_is_name(event_id) and _is_name(kind) and whole):
            raise Refused("The body is not an event.")
        return cls(event_id, kind, found, payload_hash(found), account if _is_name(account) else None)

    @classmethod
    def parse(cls, body: bytes) -> WebhookEvent:
        """From a body whose signature was checked.

        Raises:
            Refused: It is not UTF-8, not JSON, or no event.
        """
        try:
            return cls.of(json.loads(body.decode("utf-8"), parse_constant=_no_json))
        except (ValueError, RecursionError) as error:
            raise Refused("The body is not an event.") from error


def is_thin(event_type: str) -> bool:
    """By its type: those of thin events begin with their API (`v1.billing.meter.no_meter_found`)."""
    return _THIN_TYPE.match(event_type) is not None


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, without what may differ between deliveries of one event."""
    kept = {key: value for key, value in payload.items() if key not in _NOT_HASHED}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":"), default=dict).encode()).hexdigest()


def _is_name(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
