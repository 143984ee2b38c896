"""Signatures of deliveries, made as the senders make them: with the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

STRIPE_HEADER = "Stripe-Signature"
TOLERANCE_S = 300
PREFIX = "whsec_"


def stripe_signature(body: bytes, secret: str, timestamp: int) -> str:
    """HMAC-SHA256 of `t.body` in hex; the secret is used whole, its prefix included."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def stripe_header(body: bytes, secrets: Sequence[str], timestamp: int, *, scheme: str = "v1") -> str:
    """With one signature per secret, as while a secret is being rotated."""
    signatures = [f"{scheme}={stripe_signature(body, secret, timestamp)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *signatures])


def standard_signature(body: bytes, secret: str, message: str, timestamp: int) -> str:
    """Standard Webhooks 1.0: HMAC-SHA256 of `id.t.body` in base64; of the secret what follows `whsec_`, decoded."""
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = secret.encode()
    signed = f"{message}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def standard_headers(body: bytes, secrets: Sequence[str], message: str, timestamp: int) -> dict[str, str]:
    """The three headers; several secrets give several signatures with blanks in between."""
    signatures = [f"v1,{standard_signature(body, secret, message, timestamp)}" for secret in secrets]
    return {"webhook-id": message, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
