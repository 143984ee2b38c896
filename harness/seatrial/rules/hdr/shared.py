"""HDR011 and HDR012: who else may read a response, other sites through CORS and other visitors through a cache."""

import re
from collections.abc import Sequence

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.inventory import ANONYMOUS, Access
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, unfit, way_out
from seatrial.rules.hdr.told import quoted, seen
from seatrial.rules.registry import rule

_ORIGIN, _CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
_DIRECTIVE = re.compile(r'([^\s=,;"]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?')
_UNUSED = frozenset({"0", "00"})


@rule(
    code="HDR011",
    name="cors-reflects-origin",
    level=Level.BLOCK,
    claim="No foreign origin, null included, is allowed to read a response with the visitor's credentials.",
    control=RESPONSE,
    rationale="Any page that a logged-in visitor opens can read what the app answers to the visitor, tokens included.",
    source="OWASP ASVS 5.0 3.4.2; WHATWG Fetch, CORS check; MDN Observatory cross-origin-resource-sharing (-50)",
    remedy="Answer Access-Control-Allow-Origin from a fixed list of whole origins, compared by equality, never null.",
)
def cors_reflects_origin(rule: Rule, exchanges: Sequence[Exchange], context: Context) -> Judgement:
    """Evidence: one answer per Origin that was sent, which stands in the mark `origin`."""
    first = exchanges[0]
    for exchange in exchanges:
        if (silent := unfit(rule, exchange, context)) is not None:
            return silent
    let_in = [exchange for exchange in exchanges if _may_read(exchange)]
    if not let_in:
        return rule.passed(first.subject)
    names = [f"{exchange.variant} ({exchange.marks['origin']})" for exchange in let_in]
    return rule.failed(
        first.subject,
        rule.finding(
            first.subject,
            f"No foreign origin may read with credentials but {names[0]} is allowed to"
            + (f", and {len(names) - 1} more" if len(names) > 1 else ""),
            evidence=seen(let_in[0], _ORIGIN, _CREDENTIALS)
            | {"origins": [exchange.marks["origin"] for exchange in let_in], "asked": len(exchanges)},
            requests=[request for exchange in let_in for request in exchange.asked],
        ),
    )


def _may_read(exchange: Exchange) -> bool:
    """The CORS check of the Fetch standard, for a request with credentials; several headers fail it."""
    origin = exchange.marks.get("origin")
    allowed = exchange.header_values(_ORIGIN)
    credentials = exchange.header_values(_CREDENTIALS)
    return len(allowed) == 1 and allowed[0].strip() == origin and [value.strip() for value in credentials] == ["true"]


@rule(
    code="HDR012",
    name="private-cacheable",
    level=Level.WARN,
    claim="No shared cache may keep a page that stands behind a login.",
    control=RESPONSE,
    rationale="A proxy or CDN that keeps one visitor's page shows it to the next one.",
    source="OWASP ASVS 5.0 14.2.2, 14.3.2; RFC 9111 §3, §5.2.2",
    remedy="Send Cache-Control: no-store (or private) with every page behind the login, in one after_request hook.",
)
def private_cacheable(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    route = exchange.route
    if route.access is Access.PUBLIC:
        return rule.skipped(exchange.subject, "strangers may see it: not behind a login")
    if exchange.identity == ANONYMOUS:
        return rule.skipped(exchange.subject, "asked as a stranger, so nothing private was answered")
    if route.access is not Access.LOGIN:
        return rule.skipped(exchange.subject, "strangers are not sent to the login: not known to be behind one")
    if not exchange.ok:
        return rule.not_proved(exchange.subject, way_out(exchange))
    happened = _kept_by(exchange)
    if not happened:
        return rule.passed(exchange.subject)
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"No shared cache may keep a page behind the login but {happened}",
            evidence=seen(exchange, "Cache-Control", "Expires", "Vary"),
        ),
    )


def _kept_by(exchange: Exchange) -> str:
    """Why a shared cache may keep the answer, empty where it may not without asking again."""
    sent = exchange.header("Cache-Control")
    if sent is None:
        return "" if _expired(exchange) else "no Cache-Control was sent, which leaves it to each cache"
    directives = {name.lower(): value.strip('"') for name, value in _DIRECTIVE.findall(sent)}
    if directives.keys() & {"no-store", "private", "no-cache"}:
        return ""
    lifetime = directives.get("s-maxage", directives.get("max-age"))
    if lifetime is not None and lifetime.isascii() and lifetime.isdigit() and not lifetime.strip("0"):
        return ""  # stale at once, and asked for again
    return f"Cache-Control {quoted(sent)} lets it"


def _expired(exchange: Exchange) -> bool:
    """`Expires: 0` and its like say that the answer was stale when it was sent."""
    expires = exchange.header("Expires")
    return expires is not None and (expires.strip() in _UNUSED | {"-1"} or "1970" in expires)
