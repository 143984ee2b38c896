"""Security headers on every response: pages, errors, redirects and static files."""

from __future__ import annotations

from flask import Flask, Response, request
from seatrial.kit.headers import init_headers

POLICY = {
    "default-src": "'none'",
    "script-src": "'nonce-{nonce}'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self' https://checkout.stripe.com",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}


def keep_private(response: Response) -> Response:
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def init_app(app: Flask) -> None:
    init_headers(app, csp=POLICY)
    app.after_request(keep_private)
