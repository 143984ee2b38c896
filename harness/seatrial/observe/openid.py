"""Discovery documents of OpenID Connect: what the stand-in of a provider says of itself."""

from typing import Any
from urllib.parse import urlsplit

WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
ISSUERS: dict[str, None] = {}
"""Every issuer that the app has asked about, in order: a client may ask once and keep the answer."""


def issuer_of(url: str) -> str:
    """The issuer whose discovery document stands at this address, or empty."""
    plain = url.partition("?")[0]
    for suffix in WELL_KNOWN:
        if plain.endswith(suffix):
            return plain.removesuffix(suffix)
        # RFC 8414 puts the path of the issuer behind the well-known part.
        if f"{suffix}/" in plain:
            return plain.replace(suffix, "", 1)
    return ""


def document(url: str) -> dict[str, Any] | None:
    """The discovery document at this address, or None where none stands there."""
    issuer = issuer_of(url)
    if not issuer or not urlsplit(issuer).netloc:
        return None
    ISSUERS[issuer] = None
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email", "profile"],
    }
