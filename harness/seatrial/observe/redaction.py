"""Response headers without what they carry: names and attributes stay, values that may be secret go."""

from collections.abc import Iterable
from urllib.parse import urlsplit

_HIDDEN = frozenset({"authorization", "proxy-authorization", "x-csrftoken", "x-csrf-token", "www-authenticate"})


def safe_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """`Set-Cookie: session=…; Secure`, `Location: /login?…`; everything else as it was sent."""
    return tuple((name, _safe(name.lower(), value)) for name, value in headers)


def _safe(name: str, value: str) -> str:
    if name == "set-cookie":
        pair, _, attributes = value.partition(";")
        emptied = not pair.partition("=")[2].strip().strip('"')
        shown = f"{pair.partition('=')[0].strip()}={'' if emptied else '…'}"
        return f"{shown};{attributes}" if attributes else shown
    if name in _HIDDEN:
        return "…"
    if name in ("location", "content-location", "refresh") and "?" in value:
        head = value.partition("?")[0]
        return f"{head}?…"
    if name == "link":
        return ", ".join(part.partition("?")[0] for part in value.split(","))
    return value


def cookie_sizes(headers: Iterable[tuple[str, str]]) -> str:
    """One line per Set-Cookie, `name bytes`: what the value was long, without the value."""
    pairs = (value.partition(";")[0].strip() for name, value in headers if name.lower() == "set-cookie")
    return "\n".join(
        f"{pair.partition('=')[0].strip()} {len(pair.replace('=', '', 1).encode('utf-8', 'surrogateescape'))}"
        for pair in pairs
    )


def location_path(value: str) -> str:
    """Path of a Location header, which may be absolute or relative."""
    return urlsplit(value).path or "/"
