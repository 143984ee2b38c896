"""Keys of the provider, and tokens signed with them: rightly, wrongly, or not at all.

Wrong ones are put together by hand: a library of good manners refuses to make them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

KID = "seatrial-1"
Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one host: made once, so that a client may keep what it was given."""

    own: Any
    twin: Any
    """Another key under the same id."""
    curve: Any
    """A key that is in no key set."""


@cache
def keys() -> Keys:
    """Raises ImportError where joserfc is not installed."""
    from joserfc.jwk import ECKey, RSAKey

    return Keys(
        own=RSAKey.generate_key(2048, {"kid": KID, "use": "sig", "alg": "RS256"}),
        twin=RSAKey.generate_key(2048, {"kid": KID, "use": "sig", "alg": "RS256"}),
        curve=ECKey.generate_key("P-256", {"kid": "seatrial-2"}),
    )


def public() -> dict[str, Any]:
    """The key set."""
    return {"keys": [keys().own.as_dict(private=False)]}


def signed(header: Claims, claims: Claims, key: Any = None) -> str:
    """A compact JWS; RS256 with the provider's own key unless said otherwise."""
    from joserfc import jws

    registry = jws.JWSRegistry(algorithms=["RS256", "ES256"], strict_check_header=False)
    return str(jws.serialize_compact(header, _json(claims), keys().own if key is None else key, registry=registry))


def critical(header: Claims, claims: Claims) -> str:
    """Signed rightly, with a header that nobody understands and nobody may ignore (RFC 7515 §4.1.11)."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    content = f"{_part({**header, 'crit': ['seatrial'], 'seatrial': 1})}.{_part(claims)}"
    return f"{content}.{_plain(keys().own.private_key.sign(content.encode(), PKCS1v15(), SHA256()))}"


def unsigned(claims: Claims) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def without_signature(header: Claims, claims: Claims) -> str:
    return signed(header, claims).rpartition(".")[0] + "."


def symmetric(claims: Claims, secret: bytes) -> str:
    """HS256 with something that is no shared secret between the two."""
    content = f"{_part({'alg': 'HS256', 'kid': KID})}.{_part(claims)}"
    return f"{content}.{_plain(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


def public_pem() -> bytes:
    return bytes(keys().own.as_pem(private=False))


def at_hash(access_token: str) -> str:
    return _plain(hashlib.sha256(access_token.encode()).digest()[:16])


def challenge(verifier: str) -> str:
    return _plain(hashlib.sha256(verifier.encode()).digest())


def _part(value: Claims) -> str:
    return _plain(_json(value))


def _json(value: Claims) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
