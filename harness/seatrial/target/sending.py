"""What a request carried, as plain data: secrets are replaced by where to take them from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from seatrial.model.requests import Sent

LONGEST = 300
"""Characters of a body that are kept."""
_FORM = "application/x-www-form-urlencoded"
_SECRET = re.compile(r"csrf|xsrf|token|secret|passw|authorization|cookie|api[-_]?key|nonce", re.IGNORECASE)


def sent(options: Mapping[str, Any], base_url: str, hidden: Mapping[str, str] | None = None) -> Sent:
    """Of the keyword arguments for werkzeug's client.

    Args:
        base_url: The app's own; another one that was asked for is shown as a Host header.
        hidden: What to write in place of a value, by value (`{"Ij…": "this session's token"}`).
    """
    values = {value: f"<{said}>" for value, said in (hidden or {}).items() if value}

    def shown(name: str, value: Any) -> str:
        if isinstance(value, bytes):  # it may be as large as the app allows
            value = value[: LONGEST + 1].decode("utf-8", "backslashreplace")
        text = str(value)
        if text in values:
            return values[text]
        return "<a value of your own>" if text and _SECRET.search(name) and not _made_up(text) else text

    headers = [(name, shown(name, value)) for name, value in dict(options.get("headers") or {}).items()]
    asked = options.get("base_url")
    if asked and asked != base_url:
        headers.append(("Host", urlsplit(asked).netloc))
    length = (options.get("environ_overrides") or {}).get("CONTENT_LENGTH")
    if length is not None:
        headers.append(("Content-Length", str(length)))
    kind, body = _body(options, shown)
    if kind:
        headers.append(("Content-Type", kind))
    return Sent(tuple(headers), body if len(body) <= LONGEST else f"{body[:LONGEST]}…")


def query(options: Mapping[str, Any], hidden: Mapping[str, str] | None = None) -> str:
    """`?name=value` of the `query_string` option, or empty."""
    known = options.get("query_string")
    if not isinstance(known, Mapping):
        return ""
    values = hidden or {}
    return "?" + "&".join(f"{k}=<{values[v]}>" if v in values else f"{k}={v}" for k, v in known.items())


def _body(options: Mapping[str, Any], shown: Any) -> tuple[str, str]:
    """Content type and text."""
    kind = str(options.get("content_type") or "")
    if options.get("json") is not None:
        known = options["json"]
        if isinstance(known, Mapping):
            known = {name: shown(name, value) if isinstance(value, str) else value for name, value in known.items()}
        return kind or "application/json", json.dumps(known)
    data = options.get("data")
    if isinstance(data, Mapping):
        return kind or _FORM, "&".join(f"{name}={shown(name, value)}" for name, value in data.items())
    return kind, shown("", data) if data is not None else ""


def _made_up(value: str) -> bool:
    """A password of the trial's own is no secret: it is known to be wrong."""
    return value.startswith("not-the-")
