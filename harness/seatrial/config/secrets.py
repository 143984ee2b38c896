"""What reports must never show."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from seatrial.config.fill import texts
from seatrial.config.settings import Settings

_SECRET_KEY = re.compile(
    r"secret|token|passw|passphrase|pwd|api_?key|private|credential|salt|dsn|_key$|^key$|signature|authorization|cookie|otp|\bpin\b",
    re.IGNORECASE,
)
# `SECRET_KEY = "k"` of a trial protects nothing, and scrubbing one letter would leave no report to read.
_SHORTEST = 4
_HARMLESS = frozenset({"true", "false", "none", "null"})


def secrets(settings: Settings) -> set[str]:
    """Values to scrub from reports: all that came from `env:NAME`, and all that stands under a key that sounds secret.

    Values shorter than four characters are left out. Usernames are not secret.
    """
    found = set(settings.resolved)
    sections: list[tuple[str, Any]] = [("env", settings.env), ("config", settings.config)]
    for name, overrides in (("sweep", settings.sweep), ("protection", settings.protection)):
        sections += [(f"{name}.env", overrides.env), (f"{name}.config", overrides.config)]
    for identity in settings.identities:
        sections.append(("fields", identity.fields))
        # Every header of an identity is how it proves who it is, whatever its name.
        found.update(identity.headers.values())
    for section, table in sections:
        for key, text in texts(table, section):
            if _SECRET_KEY.search(key.removeprefix(section + ".")):
                found.add(text)
            found.update(_password(text))
    found.update(_password(settings.database.url))
    found |= {part for value in found for part in _bare(value)}
    return {value for value in found if len(value) >= _SHORTEST and value.lower() not in _HARMLESS}


def _password(text: str) -> Iterator[str]:
    """The password inside a URL, as written and as decoded."""
    if "://" not in text:
        return
    try:
        password = urlsplit(text).password
    except ValueError:
        return
    if password:
        yield from (password, unquote(password))


def _bare(value: str) -> Iterator[str]:
    """What follows the scheme of an Authorization header, and the password inside a URL."""
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() in ("bearer", "basic", "token"):
        yield credentials
    yield from _password(value)


def hide(text: str, values: set[str]) -> str:
    """The text without these values, longest first, so that no part of one stays."""
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "[redacted]")
    return text
