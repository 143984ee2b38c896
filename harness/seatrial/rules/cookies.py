"""Set-Cookie headers as browsers read them, and the role of each cookie."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seatrial.model.evidence import Exchange

PREFERENCE = "preference"
SHOWN = 120
"""Characters of a name or an attribute that a report shows."""
_SIGNS_IN = frozenset({"session", "remember"})
"""Roles whose value is as good as a password."""

_CSRF = re.compile(r"csrf|xsrf", re.IGNORECASE)
_REMEMBER = re.compile(r"remember", re.IGNORECASE)
_SESSION = re.compile(r"sess|log[-_]?in|auth(?!or)|token|jwt|(^|[-_.])sid$", re.IGNORECASE)
_SECONDS = re.compile(r"-?[0-9]+")
_EPOCH = datetime(1971, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cookie:
    """One Set-Cookie header, without its value."""

    name: str
    role: str
    attributes: Mapping[str, str]
    """Lower-case name to value; the last of a name counts, as in browsers."""
    size: int | None = None
    """Bytes of name and value together; None where nobody counted them."""

    @property
    def secure(self) -> bool:
        return "secure" in self.attributes

    @property
    def http_only(self) -> bool:
        return "httponly" in self.attributes

    @property
    def same_site(self) -> str:
        return self.attributes.get("samesite", "").strip().lower()

    @property
    def told(self) -> list[str]:
        """The attributes for a report: `path=/`, `secure`."""
        pairs = [name + (f"={value}" if value else "") for name, value in self.attributes.items()]
        return [_cut(pair) for pair in pairs[:20]]

    @property
    def signs_in(self) -> bool:
        return self.role in _SIGNS_IN


def kept(exchange: Exchange, roles: Mapping[str, str]) -> list[Cookie]:
    """The cookies that a response leaves in the browser; those that it deletes are no longer there."""
    date = exchange.header("Date")
    sizes = _sizes(exchange.marks.get("cookie-sizes", ""))
    return [
        _cookie(value, roles, sizes.get(name_of(value)))
        for value in exchange.header_values("Set-Cookie")
        if not _deletes(value, date)
    ]


def guessed_role(name: str) -> str:
    """The role that a name suggests, where the app's configuration says nothing of it."""
    if _CSRF.search(name):
        return "csrf"
    if _REMEMBER.search(name):
        return "remember"
    return "session" if _SESSION.search(name) else PREFERENCE


def name_of(value: str) -> str:
    """Name of the cookie that a Set-Cookie header sets."""
    return value.partition(";")[0].partition("=")[0].strip()


def _cookie(value: str, roles: Mapping[str, str], size: int | None) -> Cookie:
    name = name_of(value)
    return Cookie(_cut(name), roles.get(name) or guessed_role(name[:SHOWN]), attributes_of(value), size)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _sizes(mark: str) -> dict[str, int]:
    """`session 231` per line; of several cookies of one name the largest counts."""
    found: dict[str, int] = {}
    for line in mark.splitlines():
        name, _, size = line.rpartition(" ")
        if size.isascii() and size.isdigit():
            found[name] = max(found.get(name, 0), int(size))
    return found


def attributes_of(value: str) -> dict[str, str]:
    """Attributes of a Set-Cookie header."""
    found: dict[str, str] = {}
    for part in value.split(";")[1:]:
        name, _, argument = part.partition("=")
        if name.strip():
            found[name.strip().lower()] = argument.strip()
    return found


def _deletes(value: str, date: str | None) -> bool:
    """The value is emptied, or the cookie expires with this very response. Max-Age beats Expires."""
    attributes = attributes_of(value)
    pair = value.partition(";")[0]
    if "=" in pair and not pair.partition("=")[2].strip().strip('"'):
        return True
    max_age = attributes.get("max-age", "")
    if _SECONDS.fullmatch(max_age):
        return max_age.startswith("-") or not max_age.strip("0")
    expires = _moment(attributes.get("expires"))
    return expires is not None and expires <= (_moment(date) or _EPOCH)


def _moment(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError, IndexError, TypeError):  # the parser of the standard library raises them all
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
