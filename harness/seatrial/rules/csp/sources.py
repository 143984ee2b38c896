"""Source expressions of a source list, and whether a URL matches one (W3C CSP Level 3 §2.3.1, §6.7.2)."""

import re
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote

_DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443", "ftp": "21"}
_NETWORK = frozenset(_DEFAULT_PORTS)
# A scheme also lets its secure form through, and that of the other family (CSP §6.7.2.9).
_UPGRADES = {
    "http": frozenset({"http", "https"}),
    "ws": frozenset({"ws", "wss", "http", "https"}),
    "wss": frozenset({"wss", "https"}),
}
KEYWORDS = frozenset(
    {
        "'self'",
        "'none'",
        "'unsafe-inline'",
        "'unsafe-eval'",
        "'wasm-unsafe-eval'",
        "'unsafe-hashes'",
        "'unsafe-allow-redirects'",
        "'strict-dynamic'",
        "'report-sample'",
        "'inline-speculation-rules'",
        "'trusted-types-eval'",
        "'report-sha256'",
        "'report-sha384'",
        "'report-sha512'",
    }
)
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_-]+={0,2})'", re.IGNORECASE)
_HASH = re.compile(r"'(sha256|sha384|sha512)-[A-Za-z0-9+/_-]+={0,2}'", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?"
    r"(\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])"
    r"(?::([0-9]+|\*))?"
    r"(/[^?#]*)?(?:[?#].*)?"
)


class Kind(Enum):
    """What a source expression is."""

    KEYWORD = "keyword"
    NONCE = "nonce"
    HASH = "hash"
    SCHEME = "scheme"
    HOST = "host"
    INVALID = "invalid"
    """Nothing that the grammar knows: browsers warn and match nothing."""


class Source(NamedTuple):
    """One expression of a source list."""

    text: str
    """As written."""
    kind: Kind
    value: str
    """Keyword in lower case with its quotes, the nonce itself, the scheme, or the host."""
    scheme: str = ""
    port: str = ""
    path: str = ""

    @property
    def wildcard(self) -> bool:
        return self.value.startswith("*")


_USUAL = {
    **{keyword: Source(keyword, Kind.KEYWORD, keyword) for keyword in KEYWORDS},
    **{f"{scheme}:": Source(f"{scheme}:", Kind.SCHEME, scheme) for scheme in ("http", "https", "data", "blob")},
}


class Url(NamedTuple):
    """The parts of a URL that sources are compared with."""

    scheme: str
    host: str = ""
    path: str = "/"
    port: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}" if self.host else f"{self.scheme}:"


def source(text: str) -> Source:
    """Read one expression."""
    if (found := _USUAL.get(text)) is not None:
        return found
    if text.startswith("'"):
        lowered = text.lower()
        if lowered in KEYWORDS:
            return Source(text, Kind.KEYWORD, lowered)
        if (nonce := _NONCE.fullmatch(text)) is not None:
            return Source(text, Kind.NONCE, nonce[1])
        return Source(text, Kind.HASH if _HASH.fullmatch(text) else Kind.INVALID, lowered)
    if _SCHEME.fullmatch(text):
        return Source(text, Kind.SCHEME, text[:-1].lower())
    if (host := _HOST.fullmatch(text)) is not None:
        return Source(
            text, Kind.HOST, host[2].lower().rstrip("."), (host[1] or "").lower(), host[3] or "", host[4] or ""
        )
    return Source(text, Kind.INVALID, text.lower())


def matches(found: Source, url: Url, own_scheme: str = "https") -> bool:
    """Whether a URL of a foreign origin matches a scheme or host source; keywords, nonces and hashes match none."""
    if found.kind is Kind.SCHEME:
        return _scheme_matches(found.value, url.scheme)
    if found.kind is not Kind.HOST:
        return False
    if found.value == "*" and not (found.scheme or found.port or found.path):
        return url.scheme in _NETWORK or url.scheme == own_scheme
    if not _scheme_matches(found.scheme or own_scheme, url.scheme):
        return False
    return _host_matches(found.value, url.host) and _port_matches(found, url) and _path_matches(found.path, url.path)


def _scheme_matches(allowed: str, scheme: str) -> bool:
    return scheme == allowed or scheme in _UPGRADES.get(allowed, ())


def _host_matches(pattern: str, host: str) -> bool:
    if not host:
        return False
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _port_matches(found: Source, url: Url) -> bool:
    port = url.port or _DEFAULT_PORTS.get(url.scheme, "")
    if not found.port:
        return port == _DEFAULT_PORTS.get(url.scheme, "")
    # http://host:80 lets https://host:443 through as well.
    return found.port in ("*", port) or (found.port == "80" and port == "443" and url.scheme in ("https", "wss"))


def _path_matches(pattern: str, path: str) -> bool:
    if pattern in ("", "/"):
        return True
    if pattern.endswith("/"):
        return unquote(path).startswith(unquote(pattern))
    return unquote(path) == unquote(pattern)
