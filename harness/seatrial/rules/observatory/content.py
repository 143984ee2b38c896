"""The Observatory's tests of cookies and of the scripts that a page loads: result and modifier of each."""

import re

from seatrial.model.evidence import Exchange
from seatrial.rules.cookies import attributes_of, kept
from seatrial.rules.observatory.headers import transport_security

_HTML = frozenset({"", "text/html", "application/xhtml+xml"})
_SAME_SITE = frozenset({"lax", "strict", "none"})
_FULL = re.compile(r"https?://")
_FAMILY = re.compile(r"//[^/]")
_SESSION = ("login", "sess")

# From the least to the worst, as the Observatory orders them: not by their modifiers.
_COOKIES = (
    ("cookies-without-secure-flag-but-protected-by-hsts", -5),
    ("cookies-without-secure-flag", -20),
    ("cookies-session-without-secure-flag-but-protected-by-hsts", -10),
    ("cookies-samesite-flag-invalid", -20),
    ("cookies-anticsrf-without-samesite-flag", -20),
    ("cookies-session-without-httponly-flag", -30),
    ("cookies-session-without-secure-flag", -40),
)
_SCRIPTS = (
    ("sri-not-implemented-but-external-scripts-loaded-securely", -5),
    ("sri-implemented-but-external-scripts-not-loaded-securely", -20),
    ("sri-not-implemented-and-external-scripts-not-loaded-securely", -50),
)


def cookies(exchange: Exchange) -> tuple[str, int]:
    """Roles are guessed by the Observatory's own two words, not by ours."""
    hsts = transport_security(exchange)[1] == 0
    worst = -1
    if any(_odd_same_site(value) for value in exchange.header_values("Set-Cookie")):
        worst = 3
    found = kept(exchange, {})
    if not found:
        return "cookies-not-found", 0
    for cookie in found:
        name = cookie.name.lower()
        session = any(word in name for word in _SESSION)
        same_site = cookie.same_site if cookie.same_site in _SAME_SITE else ""
        if not cookie.secure:
            worst = max(worst, 0 if hsts else 1, 3 if same_site == "none" else -1)
            if session:
                worst = max(worst, 2 if hsts else 6)
        if "csrf" in name and not same_site:
            worst = max(worst, 4)
        if session and not cookie.http_only:
            worst = max(worst, 5)
    if worst >= 0:
        return _COOKIES[worst]
    if all(cookie.same_site in _SAME_SITE for cookie in found):
        return "cookies-secure-with-httponly-sessions-and-samesite", 5
    return "cookies-secure-with-httponly-sessions", 0


def _odd_same_site(value: str) -> bool:
    attributes = attributes_of(value)
    return "samesite" in attributes and attributes["samesite"].lower() not in _SAME_SITE


def integrity(exchange: Exchange) -> tuple[str, int]:
    """Of scripts only: style sheets are shown beside the grade, and do not touch it."""
    if exchange.content_type not in _HTML:
        return "sri-not-implemented-response-not-html", 0
    scripts = exchange.marks.get("scripts", "").splitlines()
    if not scripts:
        return "sri-not-implemented-but-no-scripts-loaded", 0
    worst, foreign, bonus = -1, False, False
    for line in scripts:
        flag, _, address = line.partition(" ")
        if not address:
            continue
        if not is_foreign(address, exchange.marks.get("host", "")):
            secure = address.startswith("https://") or (not _FULL.match(address) and exchange.scheme == "https")
            bonus = bonus or (flag == "+" and secure and worst < 0)
            continue
        foreign = True
        secure = address.startswith("https://")
        if flag == "+":
            worst = max(worst, -1 if secure else 1)
        else:
            worst = max(worst, 0 if secure else 2)
    if worst >= 0:
        return _SCRIPTS[worst]
    if bonus:
        return "sri-implemented-and-all-scripts-loaded-securely", 5
    if foreign:
        return "sri-implemented-and-external-scripts-loaded-securely", 5
    return "sri-not-implemented-but-all-scripts-loaded-from-secure-origin", 0


def is_foreign(address: str, host: str) -> bool:
    """Of another site, as the Observatory tells: `//host/…` always, `https://host/…` by the registered domain."""
    if _FAMILY.match(address):
        return True
    if not _FULL.match(address):
        return False
    theirs = address.partition("//")[2].partition("/")[0].partition(":")[0]
    return _registered(theirs) != _registered(host)


def _registered(host: str) -> str:
    """The last two labels, three below a short second level (`example.co.uk`): there is no list of suffixes here."""
    labels = host.lower().rstrip(".").split(".")
    short = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if short else -2 :])
