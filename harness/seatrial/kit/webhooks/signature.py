"""Stripe's signature: HMAC-SHA256 over the time and the raw bytes, checked before anything is parsed."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from seatrial.kit.transactions import Clock, utcnow
from seatrial.kit.webhooks.event import Refused

log = logging.getLogger(__name__)

Secrets = str | Sequence[str] | Callable[[], str | Sequence[str]]
"""The endpoint's signing secret (`whsec_…`); several while one is being rotated; or what gives them."""
TOLERANCE = timedelta(minutes=5)
LONGEST_HEADER = 4096
_TIME = re.compile(r"[0-9]{1,12}")


def verify(
    body: bytes, header: str | None, secrets: Iterable[str], *, tolerance: timedelta = TOLERANCE, clock: Clock = utcnow
) -> None:
    """The body was signed with one of the secrets, now (in both directions: a replay may not be dated ahead).

    Not stripe's own check: that one takes times of any future, and raises TypeError at a signature beyond ASCII.

    Raises:
        Refused: 400, for every other delivery.
    """
    moment, given = _parse(header or "")
    if abs(clock().timestamp() - moment) > tolerance.total_seconds():
        raise Refused("The signature is too old.")
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        log.error("No webhook secret is configured: every delivery is refused")
    if not any(_matches(body, moment, secret, given) for secret in usable):
        raise Refused("The signature does not match.")


def sign(body: bytes, secret: str, moment: int) -> str:
    """The header `Stripe-Signature` of a body, for tests of the app."""
    return f"t={moment},v1={_digest(body, moment, secret)}"


def given(secrets: Secrets) -> list[str]:
    """The secrets now."""
    found = secrets() if callable(secrets) else secrets
    return [found] if isinstance(found, str) else list(found)


def _parse(header: str) -> tuple[int, list[bytes]]:
    pairs = [part.strip().partition("=") for part in header[:LONGEST_HEADER].split(",")]
    times = [value for name, _, value in pairs if name == "t" and _TIME.fullmatch(value)]
    signatures = [value.encode("utf-8", "replace") for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not signatures:
        raise Refused("The signature is missing.")
    return int(times[0]), signatures


def _matches(body: bytes, moment: int, secret: str, signatures: list[bytes]) -> bool:
    expected = _digest(body, moment, secret).encode()
    return any(hmac.compare_digest(expected, signature) for signature in signatures)


def _digest(body: bytes, moment: int, secret: str) -> str:
    return hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()
