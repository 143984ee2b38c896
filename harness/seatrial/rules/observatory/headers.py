"""The Observatory's tests of single headers: result and modifier of each."""

import re

from seatrial.model.evidence import Exchange
from seatrial.rules.observatory.policy import names_frame_ancestors
from seatrial.rules.structured import token

SIX_MONTHS = 15_552_000
_PRIVATE = frozenset({"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"})
_UNSAFE = frozenset({"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"})
_NUMBER = re.compile(r"\s*([+-]?[0-9]+)")


def sharing(exchange: Exchange) -> tuple[str, int]:
    """By the answer to a request with an Origin, where there was one."""
    allowed = exchange.header("Access-Control-Allow-Origin")
    if not allowed:
        return "cross-origin-resource-sharing-not-implemented", 0
    if allowed.strip() == "*":
        return "cross-origin-resource-sharing-implemented-with-public-access", 0
    credentials = (exchange.header("Access-Control-Allow-Credentials") or "").lower().strip()
    if allowed == exchange.marks.get("origin") and credentials == "true":
        return "cross-origin-resource-sharing-implemented-with-universal-access", -50
    return "cross-origin-resource-sharing-implemented-with-restricted-access", 0


def referrer_policy(exchange: Exchange) -> tuple[str, int]:
    said = [*exchange.header_values("Referrer-Policy"), *exchange.marks.get("referrer-meta", "").splitlines()]
    if not said:
        return "referrer-policy-not-implemented", 0
    tokens = [part.strip().lower() for part in ",".join(said).split(",")]
    last = next((token for token in reversed(tokens) if token in _PRIVATE | _UNSAFE), "")
    if last in _PRIVATE:
        return "referrer-policy-private", 5
    return ("referrer-policy-unsafe", -5) if last else ("referrer-policy-header-invalid", -5)


def transport_security(exchange: Exchange) -> tuple[str, int]:
    if exchange.scheme != "https":
        return "hsts-not-implemented-no-https", -20
    sent = exchange.header("Strict-Transport-Security")
    if sent is None:
        return "hsts-not-implemented", -20
    max_age: int | None = None
    for parameter in sent[:1024].lower().split(";"):
        if parameter.strip().startswith("max-age="):
            number = _NUMBER.match(parameter.strip()[8:128])
            max_age = int(number[1]) if number is not None else SIX_MONTHS  # NaN is not less than anything
    if max_age is None or "," in sent[:1024]:
        return "hsts-header-invalid", -20
    if max_age < SIX_MONTHS:
        return "hsts-implemented-max-age-less-than-six-months", -10
    return "hsts-implemented-max-age-at-least-six-months", 0


def content_type_options(exchange: Exchange) -> tuple[str, int]:
    sent = exchange.header("X-Content-Type-Options")
    if not sent:
        return "x-content-type-options-not-implemented", -5
    if sent[:256].strip().lower() == "nosniff":
        return "x-content-type-options-nosniff", 0
    return "x-content-type-options-header-invalid", -5


def frame_options(exchange: Exchange) -> tuple[str, int]:
    if names_frame_ancestors(exchange):
        return "x-frame-options-implemented-via-csp", 5
    sent = exchange.header("X-Frame-Options")
    if not sent:
        return "x-frame-options-not-implemented", -20
    said = sent[:1024].strip().lower()
    if said in ("deny", "sameorigin"):
        return "x-frame-options-sameorigin-or-deny", 5
    if said.startswith("allow-from"):
        return "x-frame-options-allow-from-origin", 0
    return "x-frame-options-header-invalid", -20


def resource_policy(exchange: Exchange) -> tuple[str, int]:
    sent = exchange.header("Cross-Origin-Resource-Policy")
    known = {"same-site": 10, "same-origin": 10, "cross-origin": 0}
    if not sent:
        return "corp-not-implemented", 0
    said = sent[:256].strip().lower()
    return (f"corp-implemented-with-{said}", known[said]) if said in known else ("corp-header-invalid", -5)


def embedder_policy(exchange: Exchange) -> tuple[str, int]:
    return _isolation(
        exchange, "Cross-Origin-Embedder-Policy", "coep", {"require-corp": 10, "credentialless": 10, "unsafe-none": 0}
    )


def opener_policy(exchange: Exchange) -> tuple[str, int]:
    known = {"same-origin": 10, "same-origin-allow-popups": 10, "noopener-allow-popups": 10, "unsafe-none": 0}
    return _isolation(exchange, "Cross-Origin-Opener-Policy", "coop", known)


def _isolation(exchange: Exchange, name: str, short: str, known: dict[str, int]) -> tuple[str, int]:
    sent = exchange.header(name)
    if not sent:
        return f"{short}-not-implemented", 0
    said = token(sent[:1024].strip())
    if said is None or said not in known:
        return f"{short}-header-invalid", -5
    return f"{short}-implemented-with-{said}", known[said]
