"""The shape of an error as an API client gets it: `{"error": {"code": …, "message": …}}`, or something else."""

import json
import re
from enum import StrEnum

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_API = re.compile(r"(^|/)api(/|$|[-_.])", re.IGNORECASE)


class Shape(StrEnum):
    """What the body of a 4xx or 5xx answer is."""

    ENVELOPE = "envelope"
    JSON = "json"
    """JSON of another shape."""
    HTML = "html"
    OTHER = "other"
    """Text, nothing at all, a file."""


def shape(content_type: str, body: bytes) -> Shape:
    """Of an error's body, by its media type (lower case, without parameters) and by what it holds."""
    if is_json(content_type):
        try:
            return Shape.ENVELOPE if _is_envelope(json.loads(body)) else Shape.JSON
        except (ValueError, RecursionError):
            return Shape.OTHER  # called JSON, and none: no client can read it
    return Shape.HTML if content_type in _HTML else Shape.OTHER


def is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def from_api_client(rule: str, accept: str, sent: str) -> bool:
    """Whether a request is an API client's: by its URL, by what it accepts (JSON and no HTML), by what it sends.

    `rule` is Flask's rule string or a path, `accept` the Accept header, `sent` the media type of the request's body.
    """
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    asks = any(map(is_json, wanted)) and not wanted & _HTML
    return asks or is_json(sent) or _API.search(rule) is not None


def _is_envelope(value: object) -> bool:
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        return False
    return all(isinstance(error.get(name), str) and error[name].strip() for name in ("code", "message"))
