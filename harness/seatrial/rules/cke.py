"""CKE: attributes of every cookie that a route sets, judged by the cookie's role.

Roles come from the app's own configuration (`AppFacts.cookie_roles`); only names it does not tell are guessed. A cookie
that is being deleted (empty value, Max-Age=0, Expires in the past) carries nothing worth stealing and is not judged:
Flask-Login's own deletion of the remember cookie has none of the attributes.
"""

from collections.abc import Callable

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.rules import Context, Rule
from seatrial.rules import cookies
from seatrial.rules.answers import RESPONSE, unfit
from seatrial.rules.cookies import Cookie
from seatrial.rules.registry import rule

MAXIMUM = 4096
"""Bytes of name and value that every browser keeps (RFC 6265bis §5.7)."""


@rule(
    code="CKE001",
    name="cookie-secure",
    level=Level.BLOCK,
    claim="Every cookie set over https is Secure.",
    control=RESPONSE,
    rationale="One plain http request, which anybody on the network can provoke with an image, gives the cookie away.",
    source="OWASP ASVS 5.0 3.3.1; RFC 6265bis, the Secure attribute",
    remedy="Set SESSION_COOKIE_SECURE and REMEMBER_COOKIE_SECURE to True, and secure=True on each set_cookie().",
)
def cookie_secure(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    def mistake(cookie: Cookie) -> str:
        return "" if cookie.secure else f"A cookie set over https must be Secure but '{cookie.name}' is not"

    judged = _judged(rule, exchange, context, mistake)
    if exchange.scheme != "https" and judged.outcome in (Outcome.PASS, Outcome.FAIL):
        return rule.not_proved(
            exchange.subject,
            "asked over http, where Secure cannot be demanded: ask over https (`environment`, the URL)",
        )
    return judged


@rule(
    code="CKE002",
    name="cookie-httponly",
    level=Level.BLOCK,
    claim="Every session, remember and sign-in cookie is HttpOnly.",
    control=RESPONSE,
    rationale="One injected script reads document.cookie and takes the session away for good.",
    source="OWASP ASVS 5.0 3.3.4; RFC 6265bis, the HttpOnly attribute",
    remedy="Leave SESSION_COOKIE_HTTPONLY and REMEMBER_COOKIE_HTTPONLY at True; httponly=True on your own cookies.",
)
def cookie_httponly(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    def mistake(cookie: Cookie) -> str:
        if not cookie.signs_in or cookie.http_only:
            return ""
        return f"A {cookie.role} cookie must be HttpOnly but scripts can read '{cookie.name}'"

    return _judged(rule, exchange, context, mistake, concerns=lambda cookie: cookie.signs_in)


@rule(
    code="CKE003",
    name="cookie-samesite",
    level=Level.BLOCK,
    claim="Every session, remember and sign-in cookie says its SameSite, and SameSite=None is Secure.",
    control=RESPONSE,
    rationale="Without it each browser decides on its own, and some send the cookie with a foreign site's POST.",
    source="OWASP ASVS 5.0 3.3.2; RFC 6265bis, the SameSite attribute",
    remedy="Set SESSION_COOKIE_SAMESITE and REMEMBER_COOKIE_SAMESITE to 'Lax', and samesite='Lax' on your own cookies.",
)
def cookie_samesite(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    def mistake(cookie: Cookie) -> str:
        match cookie.same_site:
            case "lax" | "strict":
                return ""
            case "none":
                return "" if cookie.secure else f"SameSite=None must come with Secure but '{cookie.name}' has none"
            case "" if not cookie.signs_in:
                return ""
            case "":
                return f"A {cookie.role} cookie must say its SameSite but '{cookie.name}' does not"
            case unknown:
                return f"SameSite must be Lax, Strict or None but '{cookie.name}' says '{unknown[:40]}'"

    return _judged(rule, exchange, context, mistake)


@rule(
    code="CKE004",
    name="cookie-prefix-size",
    level=Level.INFO,
    claim="Session and remember cookies carry the __Host- prefix where they can, and no cookie is too large to keep.",
    control=RESPONSE,
    rationale="Without the prefix any subdomain can plant a session; a cookie over 4096 bytes is silently dropped.",
    source="OWASP ASVS 5.0 3.3.1, 3.3.3, 3.3.5; RFC 6265bis §4.1.3, §5.7",
    remedy="Set SESSION_COOKIE_NAME to '__Host-session' (Secure, Path=/, no Domain); keep large data on the server.",
)
def cookie_prefix_size(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    return _judged(rule, exchange, context, _prefix_or_size)


def _prefix_or_size(cookie: Cookie) -> str:
    name, path, domain = cookie.name, cookie.attributes.get("path", ""), cookie.attributes.get("domain", "")
    lowered = name.lower()
    if cookie.size is not None and cookie.size > MAXIMUM:
        return f"A cookie must fit into {MAXIMUM} bytes but '{name}' takes {cookie.size}, so browsers drop it"
    if lowered.startswith("__host-"):
        # That it is Secure is asked by CKE001.
        broken = [said for said, wrong in (("Path=/", path != "/"), ("no Domain", bool(domain))) if wrong]
        return f"__Host- must come with {' and '.join(broken)} or browsers refuse '{name}'" if broken else ""
    if not cookie.signs_in or path != "/" or domain:
        return ""
    return f"A {cookie.role} cookie should be bound to its host but '{name}' has no __Host- prefix"


RULES = (cookie_secure, cookie_httponly, cookie_samesite, cookie_prefix_size)
"""All of them; each judges one response."""


def _judged(
    rule: Rule,
    exchange: Exchange,
    context: Context,
    mistake: Callable[[Cookie], str],
    concerns: Callable[[Cookie], bool] = lambda _: True,
) -> Judgement:
    """One finding per cookie name that `mistake` has a sentence for."""
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    if not exchange.header_values("Set-Cookie"):
        return rule.skipped(exchange.subject, "sets no cookie")
    roles = context.facts.cookie_roles if context.facts is not None else {}
    kept = cookies.kept(exchange, roles)
    if not kept:
        return rule.skipped(exchange.subject, "only deletes cookies")
    if not any(concerns(cookie) for cookie in kept):
        named = ", ".join(sorted({f"{cookie.name} ({cookie.role})" for cookie in kept}))
        return rule.skipped(exchange.subject, f"sets no cookie of the roles concerned: {named}")
    findings = {
        cookie.name: rule.finding(
            exchange.subject,
            message,
            detail=cookie.name,
            evidence={
                "cookie": cookie.name,
                "role": cookie.role,
                "role_from": "configuration" if cookie.name in roles else "name",
                "attributes": cookie.told,
                "scheme": exchange.scheme,
                "status": exchange.status,
            },
        )
        for cookie in kept
        if (message := mistake(cookie))
    }
    return rule.failed(exchange.subject, *findings.values()) if findings else rule.passed(exchange.subject)
