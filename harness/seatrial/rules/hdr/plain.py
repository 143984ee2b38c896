"""HDR005 to HDR009: headers of one line.

Referrer-Policy, HSTS and nosniff are judged on every response, framing and Permissions-Policy on pages. Headers are
read as browsers read them, not by equality with a recommended string.
"""

import re

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules import csp
from seatrial.rules.answers import RESPONSE, document, no_document, unfit
from seatrial.rules.csp import HEADER as CSP
from seatrial.rules.hdr.framed import frame_options
from seatrial.rules.hdr.told import enforced, quoted, seen
from seatrial.rules.registry import rule
from seatrial.rules.structured import Unreadable, dictionary

ONE_YEAR = 31_536_000

_REFERRER_TOKENS = frozenset(
    {
        "no-referrer",
        "no-referrer-when-downgrade",
        "same-origin",
        "origin",
        "strict-origin",
        "origin-when-cross-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    }
)
_REFERRER_LEAKS = frozenset({"unsafe-url", "no-referrer-when-downgrade"})
_MAX_AGE = re.compile(r"[0-9]{1,18}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@rule(
    code="HDR005",
    name="referrer-policy",
    level=Level.BLOCK,
    claim="Every response carries a Referrer-Policy that keeps paths and queries from other sites.",
    control=RESPONSE,
    rationale="A reset link or a search in the address bar goes to every foreign host that the page loads or links to.",
    source="OWASP ASVS 5.0 3.4.5; W3C Referrer Policy §8.1 (the last token that is known wins)",
    remedy="Set Referrer-Policy: strict-origin-when-cross-origin in one after_request hook.",
)
def referrer_policy(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    sent = exchange.header("Referrer-Policy")
    tokens = [token.strip().lower() for token in (sent or "").split(",")]
    known = [token for token in tokens if token in _REFERRER_TOKENS]
    evidence = seen(exchange, "Referrer-Policy")
    if not known:
        happened = "none was sent" if not (sent or "").strip() else f"no browser knows {quoted(sent or '')}"
        message = f"A response must carry a Referrer-Policy but {happened} (status {exchange.status})"
        return rule.failed(exchange.subject, rule.finding(exchange.subject, message, evidence=evidence))
    if known[-1] in _REFERRER_LEAKS:
        message = (
            f"A Referrer-Policy must keep paths from other sites but {quoted(known[-1])} sends them the full address"
        )
        finding = rule.finding(
            exchange.subject, message, detail="leaks", evidence=evidence | {"effective": known[-1]}, level=Level.WARN
        )
        return rule.failed(exchange.subject, finding)
    return rule.passed(exchange.subject)


@rule(
    code="HDR006",
    name="hsts",
    level=Level.BLOCK,
    claim="Every https response carries Strict-Transport-Security for a year or more, and no http response carries it.",
    control=RESPONSE,
    rationale="Who types the bare host starts over http, where anybody on the way can answer in the site's place.",
    source="OWASP ASVS 5.0 3.4.1; RFC 6797 §6.1, §7.2, §8.1 (first header only, unknown directives ignored)",
    remedy="On secure requests set Strict-Transport-Security: max-age=31536000; includeSubDomains.",
)
def hsts(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    sent = exchange.header_values("Strict-Transport-Security")
    serious = Level.BLOCK if context.environment == "production" else Level.WARN
    subject = exchange.subject
    evidence = seen(exchange, "Strict-Transport-Security") | {"environment": context.environment}

    def failed(message: str, detail: str, level: Level, remedy: str = "") -> Judgement:
        finding = rule.finding(subject, message, detail=detail, evidence=evidence, level=level, remedy=remedy)
        return rule.failed(subject, finding)

    if exchange.scheme != "https":
        if not sent:
            return rule.passed(subject)
        return failed(
            "Strict-Transport-Security must be absent on http but was sent there",
            "on http",
            serious,
            "Set the header only where request.is_secure, and let ProxyFix tell Flask what the client really used.",
        )
    if not sent:
        message = f"An https response must carry Strict-Transport-Security but none was sent (status {exchange.status})"
        return failed(message, "", serious)
    max_age = _max_age(sent[0])
    if max_age is None:
        message = f"Strict-Transport-Security must be readable but no browser obeys {quoted(sent[0])}"
        return failed(message, "unreadable", serious)
    if max_age == 0:
        message = "Strict-Transport-Security must be on but max-age=0 tells browsers to forget it"
        return failed(message, "max-age", serious)
    if max_age < ONE_YEAR:
        message = f"Strict-Transport-Security must last {ONE_YEAR} s (one year) but max-age is {max_age} s"
        return failed(message, "max-age", Level.WARN)
    return rule.passed(subject)


@rule(
    code="HDR007",
    name="nosniff",
    level=Level.WARN,
    claim="Every response carries X-Content-Type-Options: nosniff.",
    control=RESPONSE,
    rationale="An upload served as text/plain that browsers take for a script runs with the rights of the site.",
    source="OWASP ASVS 5.0 3.4.4; WHATWG Fetch, determine nosniff (the first value counts)",
    remedy="Set X-Content-Type-Options: nosniff in one after_request hook.",
)
def nosniff(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    sent = exchange.header("X-Content-Type-Options")
    if sent is not None and sent.partition(",")[0].strip().lower() == "nosniff":
        return rule.passed(exchange.subject)
    happened = "none was sent" if sent is None else f"the value is {quoted(sent)}"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"A response must carry X-Content-Type-Options: nosniff but {happened} (status {exchange.status})",
            evidence=seen(exchange, "X-Content-Type-Options"),
        ),
    )


@rule(
    code="HDR008",
    name="framing",
    level=Level.BLOCK,
    claim="No foreign site can frame an HTML response.",
    control=RESPONSE,
    rationale="A page in an invisible frame lets a foreign site place the visitor's clicks (clickjacking).",
    source="OWASP ASVS 5.0 3.4.6; WHATWG HTML, X-Frame-Options; W3C CSP Level 3 §6.4.2 (frame-ancestors wins)",
    remedy="Add frame-ancestors 'self' (or 'none') to the Content-Security-Policy, with X-Frame-Options: SAMEORIGIN.",
)
def framing(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    if not document(exchange):
        return rule.skipped(exchange.subject, no_document(exchange))
    named = [policy for policy in enforced(exchange) if "frame-ancestors" in policy.directives]
    options = frame_options(exchange)
    if named:
        # Browsers do not read X-Frame-Options beside an enforced frame-ancestors; of several policies all must agree.
        if csp.restricted(named, "frame-ancestors", exchange.scheme):
            return rule.passed(exchange.subject)
        happened = f"frame-ancestors {quoted(' '.join(named[0].directives['frame-ancestors']))} lets every site do so"
    elif options.refuses:
        return rule.passed(exchange.subject)
    elif options.values:
        happened = f"no browser obeys X-Frame-Options {quoted(', '.join(options.values))}"
    else:
        happened = "neither X-Frame-Options nor frame-ancestors was sent"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"An HTML page must refuse foreign frames but {happened} (status {exchange.status})",
            evidence=seen(exchange, "X-Frame-Options", CSP),
        ),
    )


@rule(
    code="HDR009",
    name="permissions-policy",
    level=Level.INFO,
    claim="Every HTML response carries a Permissions-Policy that browsers can read.",
    control=RESPONSE,
    rationale="An injected frame or script asks for camera, location or payment in the name of a page that needs none.",
    source="W3C Permissions Policy §5.1; RFC 9651 (what cannot be parsed is ignored); OWASP Secure Headers; ZAP 10063",
    remedy="Set Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=() in one after_request hook.",
)
def permissions_policy(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    if not document(exchange):
        return rule.skipped(exchange.subject, no_document(exchange))
    sent = exchange.header("Permissions-Policy")
    if sent is None:
        old = exchange.header("Feature-Policy") is not None
        happened = "only Feature-Policy was sent, which browsers no longer read" if old else "none was sent"
    else:
        try:
            if dictionary(sent):
                return rule.passed(exchange.subject)
            happened = f"{quoted(sent)} restricts nothing"
        except Unreadable as error:
            happened = f"no browser can read {quoted(sent)} ({error})"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"An HTML page should carry a Permissions-Policy but {happened} (status {exchange.status})",
            evidence=seen(exchange, "Permissions-Policy", "Feature-Policy"),
        ),
    )


def _max_age(value: str) -> int | None:
    """Seconds of an HSTS header by the grammar of RFC 6797 §6.1, None where a browser must ignore it."""
    directives: dict[str, str] = {}
    for part in value.split(";"):
        name, equals, argument = (piece.strip() for piece in part.partition("="))
        if not name and not equals:
            continue  # empty directives are allowed
        name = name.lower()
        quoted = len(argument) >= 2 and argument[0] == argument[-1] == '"'
        if not _TOKEN.fullmatch(name) or name in directives:
            return None
        if equals and not quoted and not _TOKEN.fullmatch(argument):
            return None
        directives[name] = argument[1:-1] if quoted else argument
    max_age = directives.get("max-age", "")
    return int(max_age) if _MAX_AGE.fullmatch(max_age) else None
