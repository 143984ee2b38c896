"""HDR: security headers of a response.

Any response is evidence, an error page as much as the page itself; only an exchange without a response proves nothing.
Policy and framing (HDR001, HDR008) bind what a browser shows, so they are judged on HTML that is shown: by content
type, and not on a redirect that is followed or a status without a body. The other headers are judged on every response.
Headers are read as browsers read them, not by equality with a recommended string.
"""

import re
from collections.abc import Iterator

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, document, no_document, unfit
from seatrial.rules.registry import rule

ONE_YEAR = 31_536_000

_CSP_DIRECTIVES = frozenset(
    {
        "base-uri",
        "child-src",
        "connect-src",
        "default-src",
        "fenced-frame-src",
        "font-src",
        "form-action",
        "frame-ancestors",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
        "prefetch-src",
        "require-trusted-types-for",
        "sandbox",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "trusted-types",
        "upgrade-insecure-requests",
        "worker-src",
        "block-all-mixed-content",
    }
)
"""Directives that bind the page. `report-uri` and `report-to` are left out: a policy of reports alone allows all."""

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
_ANYBODY = re.compile(r"\*|https?:(//\*(\.\*)?)?")
_MAX_AGE = re.compile(r"\d+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@rule(
    code="HDR001",
    name="csp-missing",
    level=Level.BLOCK,
    claim="Every HTML response carries an enforced Content-Security-Policy.",
    control=RESPONSE,
    rationale="Without a policy one missed escape runs in the visitor's session; with one it is a line in the console.",
    source="OWASP ASVS 5.0 3.4.3; W3C CSP Level 3 §3.1; MDN Observatory csp-not-implemented",
    remedy="Set Content-Security-Policy in one after_request hook; start with default-src 'self'.",
)
def csp_missing(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    if not document(exchange):
        return rule.skipped(exchange.subject, no_document(exchange))
    if list(_policies(exchange)) or "csp-meta" in exchange.marks:
        return rule.passed(exchange.subject)
    sent = exchange.header_values("Content-Security-Policy")
    report_only = exchange.header_values("Content-Security-Policy-Report-Only")
    if sent:
        happened = f"the one sent binds nothing: {_quoted(', '.join(sent))}"
    elif report_only:
        happened = "only Content-Security-Policy-Report-Only was sent, which reports and lets everything through"
    else:
        happened = "none was sent"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"An HTML page must carry an enforced Content-Security-Policy but {happened} (status {exchange.status})",
            remedy="Send the same policy as Content-Security-Policy once its reports are quiet." if report_only else "",
            evidence=_seen(exchange, "Content-Security-Policy", "Content-Security-Policy-Report-Only"),
        ),
    )


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
    evidence = _seen(exchange, "Referrer-Policy")
    if not known:
        happened = "none was sent" if not (sent or "").strip() else f"no browser knows {_quoted(sent or '')}"
        message = f"A response must carry a Referrer-Policy but {happened} (status {exchange.status})"
        return rule.failed(exchange.subject, rule.finding(exchange.subject, message, evidence=evidence))
    if known[-1] in _REFERRER_LEAKS:
        message = (
            f"A Referrer-Policy must keep paths from other sites but {_quoted(known[-1])} sends them the full address"
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
    evidence = _seen(exchange, "Strict-Transport-Security") | {"environment": context.environment}

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
        message = f"Strict-Transport-Security must be readable but no browser obeys {_quoted(sent[0])}"
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
    happened = "none was sent" if sent is None else f"the value is {_quoted(sent)}"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"A response must carry X-Content-Type-Options: nosniff but {happened} (status {exchange.status})",
            evidence=_seen(exchange, "X-Content-Type-Options"),
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
    ancestors = [policy["frame-ancestors"] for policy in _policies(exchange) if "frame-ancestors" in policy]
    options = [v.strip() for value in exchange.header_values("X-Frame-Options") for v in value.split(",")]
    if ancestors:
        # Browsers do not read X-Frame-Options beside an enforced frame-ancestors; of several policies all must agree.
        if not all(_lets_anybody_in(sources) for sources in ancestors):
            return rule.passed(exchange.subject)
        happened = f"frame-ancestors {_quoted(' '.join(ancestors[0]))} lets every site do so"
    elif len(options) == 1 and options[0].upper() in ("DENY", "SAMEORIGIN"):
        return rule.passed(exchange.subject)
    elif len(options) > 1:
        happened = f"X-Frame-Options has {len(options)} values at once: {_quoted(', '.join(options))}"
    elif options:
        happened = f"no browser obeys X-Frame-Options {_quoted(options[0])}"
    else:
        happened = "neither X-Frame-Options nor frame-ancestors was sent"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"An HTML page must refuse foreign frames but {happened} (status {exchange.status})",
            evidence=_seen(exchange, "X-Frame-Options", "Content-Security-Policy"),
        ),
    )


def _policies(exchange: Exchange) -> Iterator[dict[str, list[str]]]:
    """Enforced policies that bind something: directive to lower-case values, the first of a name counts."""
    for value in exchange.header_values("Content-Security-Policy"):
        for serialized in value.split(","):
            policy: dict[str, list[str]] = {}
            for directive in serialized.split(";"):
                words = directive.lower().split()
                if words and words[0] in _CSP_DIRECTIVES:
                    policy.setdefault(words[0], words[1:])
            if policy:
                yield policy


def _lets_anybody_in(sources: list[str]) -> bool:
    return any(_ANYBODY.fullmatch(source) for source in sources)


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
    return int(max_age) if _MAX_AGE.fullmatch(max_age) and max_age.isascii() else None


def _seen(exchange: Exchange, *names: str) -> dict[str, object]:
    """The answer that was judged and the headers in question; none of them carries a secret."""
    return {
        "request": f"{exchange.route.method} {exchange.route.rule}",
        "scheme": exchange.scheme,
        "status": exchange.status,
        "content_type": exchange.content_type,
        "headers": {name: exchange.header_values(name) for name in names},
    }


def _quoted(value: str) -> str:
    shown = " ".join(value.split())
    return f"'{shown if len(shown) <= 80 else shown[:79] + '…'}'"
