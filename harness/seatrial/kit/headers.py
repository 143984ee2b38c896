"""Security headers on every response: pages, errors, redirects and static files.

init_headers(app)

<script nonce="{{ csp_nonce() }}">…</script>
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import Flask, Response, g, request

__all__ = ["NONCE", "PERMISSIONS", "POLICY", "csp_nonce", "init_headers"]

NONCE = "{nonce}"
"""Stands in a policy where the nonce of the response goes."""
POLICY: Mapping[str, str] = {
    "default-src": "'self'",
    "script-src": f"'nonce-{NONCE}'",
    "style-src": "'self'",
    "img-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""Scripts with the nonce of the response and nothing else; the app's own styles, images and forms; no frames."""
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
"""None of what a page of a business app usually asks a browser for."""
TWO_YEARS = 63_072_000


def init_headers(
    app: Flask,
    *,
    csp: Mapping[str, str] = POLICY,
    hsts: str = f"max-age={TWO_YEARS}; includeSubDomains",
    referrer_policy: str = "strict-origin-when-cross-origin",
    framing: str = "DENY",
    permissions_policy: str = PERMISSIONS,
) -> None:
    """Set the headers after every other hook; what a view set itself stays.

    `csp` replaces the policy; to change one directive: `csp={**POLICY, "img-src": "'self' data:"}`. Call it before
    other extensions are initialised: Flask runs the hooks that were registered first last.
    """
    policy = "; ".join(f"{directive} {sources}".strip() for directive, sources in csp.items())
    fixed = {
        "Referrer-Policy": referrer_policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": framing,
        "Permissions-Policy": permissions_policy,
        "Cross-Origin-Opener-Policy": "same-origin",
    }

    def set_headers(response: Response) -> Response:
        if policy:
            nonce = csp_nonce() if NONCE in policy else ""
            response.headers.setdefault("Content-Security-Policy", policy.replace(NONCE, nonce))
        for name, value in fixed.items():
            if value:
                response.headers.setdefault(name, value)
        if hsts and request.is_secure:  # browsers ignore it on http, and a proxy may keep it
            response.headers.setdefault("Strict-Transport-Security", hsts)
        return response

    app.after_request(set_headers)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def csp_nonce() -> str:
    """The nonce of this response (144 random bits), the same for every call during one request."""
    if "seatrial_csp_nonce" not in g:
        g.seatrial_csp_nonce = secrets.token_urlsafe(18)
    return str(g.seatrial_csp_nonce)
