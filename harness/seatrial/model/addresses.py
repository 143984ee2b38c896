"""Where a browser goes: addresses read as the WHATWG URL standard reads them, not as `urllib.parse` does.

Enough of it to tell the scheme, the host and the path of what a `Location` header says. Apps compare with urlsplit, and
browsers take a backslash for a slash, skip tabs, and count no slashes in front of a host.
"""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

SPECIAL = frozenset({"http", "https", "ws", "wss", "ftp"})
"""Schemes with a host, in which a backslash is a slash."""
FOLLOWED = frozenset({"http", "https"})
"""Schemes that a browser follows a redirect to (Fetch standard, HTTP-redirect fetch)."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_EDGES = "".join(map(chr, range(0x21)))
_DROPPED = str.maketrans("", "", "\t\n\r")
_ENDS = re.compile(r"[/\\?#]")
_DOTS = str.maketrans("。．｡", "...")


class Destination(NamedTuple):
    """What a browser makes of an address. `host` is empty for schemes that have none."""

    scheme: str
    host: str
    path: str

    @property
    def followed(self) -> bool:
        """A browser follows a redirect there."""
        return self.scheme in FOLLOWED


def destination(base: str, address: str) -> Destination:
    """Where `address` leads to from the page `base`, which is an absolute http or https URL."""
    here = urlsplit(base)
    text = address.strip(_EDGES).translate(_DROPPED)
    scheme, rest = here.scheme, text
    if (found := _SCHEME.match(text)) is not None:
        scheme, rest = found[1].lower(), text[found.end() :]
        if scheme not in SPECIAL:
            return Destination(scheme, "", rest)
        if scheme != here.scheme or rest.startswith("//"):
            return _with_host(scheme, rest)
    if rest[:1] in ("/", "\\"):
        if rest[1:2] in ("/", "\\"):
            return _with_host(scheme, rest)
        return Destination(scheme, here.hostname or "", _path(rest))
    folder = here.path.rpartition("/")[0]
    inside = _path(rest)
    return Destination(scheme, here.hostname or "", f"{folder}/{inside}" if inside else here.path or "/")


def _with_host(scheme: str, rest: str) -> Destination:
    """However many slashes stand in front of it (special authority ignore slashes state)."""
    authority, path = rest.lstrip("/\\"), ""
    if (end := _ENDS.search(authority)) is not None:
        authority, path = authority[: end.start()], authority[end.start() :]
    host = authority.rpartition("@")[2]
    host = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return Destination(scheme, _name(host), _path(path) or "/")


def _name(host: str) -> str:
    """As IDNA maps it: full-width letters and ideographic full stops are what they look like."""
    mapped = unicodedata.normalize("NFKC", unquote(host).translate(_DOTS)).lower()
    return mapped.replace("\xad", "").rstrip(".")


def _path(rest: str) -> str:
    return re.split(r"[?#]", rest, maxsplit=1)[0].replace("\\", "/")
