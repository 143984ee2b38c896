"""A refusal as clients get it: the envelope, and what makes values fit for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, JsonValue, ValidationError

VALIDATION_ERROR = "VALIDATION_ERROR"
DEEPEST = 6
MOST = 100
LONGEST = 500

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
}
MESSAGES = {
    400: "The request could not be understood.",
    401: "Please log in.",
    403: "You may not do this.",
    404: "There is nothing here.",
    405: "This method is not available here.",
    406: "There is no answer of the wanted kind.",
    409: "This is in conflict with what is there already.",
    413: "The request is too large.",
    415: "This kind of content is not accepted.",
    422: "The request could not be processed.",
    429: "Too many requests. Please wait a moment.",
    500: "Something went wrong on our side.",
    503: "This is not available at the moment.",
}


class ErrorBody(BaseModel):
    """What stands in the envelope."""

    code: str
    message: str
    details: dict[str, JsonValue]


class ErrorEnvelope(BaseModel):
    """The body of every error: `{"error": {"code", "message", "details"}}`."""

    error: ErrorBody


@dataclass(frozen=True, slots=True)
class Refusal:
    """What went wrong, before it is decided how it is shown."""

    status: int
    code: str
    message: str
    details: dict[str, JsonValue] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        status: int,
        code: str = "",
        message: str = "",
        details: object = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Refusal:
        """Code and message of the status where none are given; details of any kind."""
        safe = json_safe(details if details is not None else {})
        return cls(
            status,
            code or CODES.get(status, f"HTTP_{status}"),
            message or MESSAGES.get(status, "The request was refused."),
            safe if isinstance(safe, dict) else {"items": safe},
            tuple(headers),
        )

    @property
    def envelope(self) -> ErrorEnvelope:
        return ErrorEnvelope(error=ErrorBody(code=self.code, message=self.message, details=self.details))


def fields(error: ValidationError) -> dict[str, str]:
    """Message by field (`lines.0.quantity`); the values that were sent are left out."""
    found: dict[str, str] = {}
    for row in error.errors(include_url=False, include_context=False, include_input=False)[:MOST]:
        found.setdefault(".".join(map(str, row["loc"]))[:LONGEST] or "body", row["msg"])
    return found


def json_safe(value: Any, depth: int = 0) -> JsonValue:
    """The value as JSON can hold it: an error must not fail while it is told."""
    match value:
        case bool() | int() | None if not isinstance(value, Enum):
            return value if value is None or abs(value) < 2**63 else str(type(value).__name__)
        case Enum():
            return json_safe(value.value, depth + 1) if depth < DEEPEST else value.name
        case str():
            return value[:LONGEST].encode("utf-8", "replace").decode()
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal() | date() | time() | UUID():
            return str(value)
        case _ if depth >= DEEPEST:
            return "…"
        case Mapping():
            pairs = list(value.items())[:MOST]
            return {str(json_safe(str(key))): json_safe(inner, depth + 1) for key, inner in pairs}
        case list() | tuple() | set() | frozenset():
            return [json_safe(inner, depth + 1) for inner in list(value)[:MOST]]
        case _:
            return type(value).__name__  # its text may hold anything
