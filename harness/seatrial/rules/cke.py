"""CKE: attributes of every cookie that a route sets, judged by the cookie's role.

Roles come from the app's own configuration (`AppFacts.cookie_roles`); only names it does not tell are guessed. A cookie
that is being deleted (empty value, Max-Age=0, Expires in the past) carries nothing worth stealing and is not judged:
Flask-Login's own deletion of the remember cookie has none of the attributes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, unfit
from seatrial.rules.registry import rule

PREFERENCE = "preference"
_SIGNS_IN = frozenset({"session", "remember"})
"""Roles whose value is as good as a password."""

_CSRF = re.compile(r"csrf|xsrf", re.IGNORECASE)
_REMEMBER = re.compile(r"remember", re.IGNORECASE)
_SESSION = re.compile(r"sess|log[-_]?in|auth(?!or)|token|jwt|(^|[-_.])sid$", re.IGNORECASE)
_EPOCH = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cookie:
    """One Set-Cookie header, without its value."""

    name: str
    role: str
    attributes: Mapping[str, str]
    """Lower-case name to value; the last of a name counts, as in browsers."""

    @property
    def secure(self) -> bool:
        return "secure" in self.attributes

    @property
    def same_site(self) -> str:
        return self.attributes.get("samesite", "").strip().lower()

    @property
    def signs_in(self) -> bool:
        return self.role in _SIGNS_IN


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
        if not cookie.signs_in or "httponly" in cookie.attributes:
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
    sent = exchange.header_values("Set-Cookie")
    if not sent:
        return rule.skipped(exchange.subject, "sets no cookie")
    roles = context.facts.cookie_roles if context.facts is not None else {}
    kept = [value for value in sent if not _deletes(value, exchange.header("Date"))]
    if not kept:
        return rule.skipped(exchange.subject, "only deletes cookies")
    cookies = [_cookie(value, roles) for value in kept]
    if not any(concerns(cookie) for cookie in cookies):
        named = ", ".join(sorted({f"{cookie.name} ({cookie.role})" for cookie in cookies}))
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
                "attributes": [name + (f"={value}" if value else "") for name, value in cookie.attributes.items()],
                "scheme": exchange.scheme,
                "status": exchange.status,
            },
        )
        for cookie in cookies
        if (message := mistake(cookie))
    }
    return rule.failed(exchange.subject, *findings.values()) if findings else rule.passed(exchange.subject)


def _cookie(value: str, roles: Mapping[str, str]) -> Cookie:
    name = _name(value)
    return Cookie(name, roles.get(name) or _guessed_role(name), _attributes(value))


def _guessed_role(name: str) -> str:
    if _CSRF.search(name):
        return "csrf"
    if _REMEMBER.search(name):
        return "remember"
    return "session" if _SESSION.search(name) else PREFERENCE


def _name(value: str) -> str:
    return value.partition(";")[0].partition("=")[0].strip()


def _attributes(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in value.split(";")[1:]:
        name, _, argument = part.partition("=")
        if name.strip():
            found[name.strip().lower()] = argument.strip()
    return found


def _deletes(value: str, date: str | None) -> bool:
    """The value is emptied, or the cookie expires with this very response. Max-Age beats Expires."""
    attributes = _attributes(value)
    pair = value.partition(";")[0]
    if "=" in pair and not pair.partition("=")[2].strip().strip('"'):
        return True
    if re.fullmatch(r"-?\d+", attributes.get("max-age", "")):
        return int(attributes["max-age"]) <= 0
    expires = _moment(attributes.get("expires"))
    return expires is not None and expires <= (_moment(date) or _EPOCH)


def _moment(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
