"""HDR010: the headers hold on every class of response, not only on the pages that people look at."""

from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

from seatrial.model.classes import ResponseClasses
from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.requests import Request
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import document, unfit
from seatrial.rules.csp import HEADER as CSP
from seatrial.rules.hdr.framed import frame_options
from seatrial.rules.hdr.told import enforced
from seatrial.rules.registry import rule

CLASSES = (
    "200 html",
    "200 json",
    "200 other",
    "3xx",
    "400",
    "401/403",
    "404",
    "405",
    "413",
    "429",
    "500",
    "static",
    "OPTIONS",
)
_BY_STATUS = {400: "400", 401: "401/403", 403: "401/403", 404: "404", 405: "405", 413: "413", 429: "429"}
_GRANTED = frozenset({"200 html", "200 json", "200 other", "static", "OPTIONS"})
"""What an app answers to what it expects."""


class Wanted(NamedTuple):
    """One header that has to hold."""

    name: str
    applies: Callable[[Exchange], bool]
    holds: Callable[[Exchange], bool]


def _sent(name: str) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.header(name) is not None


def _page(exchange: Exchange) -> bool:
    return document(exchange) and exchange.route.method != "OPTIONS"


def _names_frames(exchange: Exchange) -> bool:
    return frame_options(exchange).refuses or any("frame-ancestors" in p.directives for p in enforced(exchange))


_WANTED = (
    Wanted(CSP, _page, lambda exchange: bool(enforced(exchange))),
    Wanted("Referrer-Policy", lambda _: True, _sent("Referrer-Policy")),
    Wanted("HSTS", lambda exchange: exchange.scheme == "https", _sent("Strict-Transport-Security")),
    Wanted("nosniff", lambda _: True, _sent("X-Content-Type-Options")),
    Wanted("X-Frame-Options or frame-ancestors", _page, _names_frames),
)


@rule(
    code="HDR010",
    name="header-lost",
    level=Level.BLOCK,
    claim="The security headers hold on every class of response that a blueprint gives.",
    control="a class of response beyond 200 was seen",
    rationale="Error pages, redirects and OPTIONS often miss the hook that sets the headers, and nobody looks there.",
    source="OWASP ASVS 5.0 3.4.1 (all responses), 3.4.6; measured: a WSGI middleware passes no after_request",
    remedy="Set the headers in one app.after_request hook, or around wsgi_app where a middleware answers by itself.",
)
def header_lost(rule: Rule, evidence: ResponseClasses, context: Context) -> Judgement:
    subject = evidence.subject
    answered = []
    silent: Judgement | None = None
    for exchange in evidence.exchanges:
        refused = unfit(rule, exchange, context)
        if refused is None:
            answered.append(exchange)
        elif refused.outcome is Outcome.NOT_PROVED:
            silent = silent or refused
    seen = {response_class(exchange) for exchange in answered}
    lost: dict[str, dict[str, dict[str, object]]] = {}
    kept: set[str] = set()
    requests: dict[Request, None] = {}
    for exchange in answered:
        for wanted in _WANTED:
            if not wanted.applies(exchange):
                continue
            if wanted.holds(exchange):
                kept.add(wanted.name)
                continue
            example = {"request": _request(exchange), "status": exchange.status}
            if response_class(exchange) not in lost.setdefault(wanted.name, {}):
                lost[wanted.name][response_class(exchange)] = example
                requests.update(dict.fromkeys(exchange.asked))
    unseen = [name for name in CLASSES if name not in seen]
    if lost:
        message = f"The headers must hold on every class of response but {_told(lost, kept)}"
        found = {"lost": lost, "seen": sorted(seen, key=_order), "not_seen": unseen}
        return rule.failed(subject, rule.finding(subject, message, evidence=found, requests=requests))
    if not seen - _GRANTED:
        reason = silent.reason if silent is not None and not answered else "nothing but 200 was seen"
        return rule.not_proved(subject, f"{reason}; see that a route of it can be asked ([tool.seatrial.arguments])")
    return Judgement(rule.code, subject, Outcome.PASS, f"not seen: {', '.join(unseen)}" if unseen else "")


def response_class(exchange: Exchange) -> str:
    """The class of a response; statuses that have none of their own count with 400."""
    if exchange.route.method == "OPTIONS":
        return "OPTIONS"
    if exchange.route.endpoint == "static" or exchange.route.endpoint.endswith(".static"):
        return "static" if exchange.ok else _BY_STATUS.get(exchange.status, "400")
    if exchange.ok:
        kind = {"text/html": "html", "application/xhtml+xml": "html", "application/json": "json"}
        return f"200 {kind.get(exchange.content_type, 'other')}"
    if 300 <= exchange.status < 400:
        return "3xx"
    return "500" if exchange.status >= 500 else _BY_STATUS.get(exchange.status, "400")


def _order(name: str) -> int:
    return CLASSES.index(name)


def _told(lost: Mapping[str, Mapping[str, object]], kept: Set[str]) -> str:
    """`Referrer-Policy is missing on 404, 405; nosniff on every class`."""
    first, *others = (
        f"{header} is missing on {', '.join(sorted(found, key=_order)) if header in kept else 'every class'}"
        for header, found in lost.items()
    )
    return "; ".join([first, *(other.replace(" is missing", "") for other in others)])


def _request(exchange: Exchange) -> str:
    return f"{exchange.route.method} {exchange.route.rule} ({exchange.variant})"
