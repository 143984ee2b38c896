"""What became of one event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypedDict

Outcome = Literal["processed", "ignored", "duplicate", "conflict", "conflict_open", "in_progress", "failed", "dead"]

STATUS: Mapping[Outcome, int] = {
    "processed": 200,
    "ignored": 200,
    "duplicate": 200,
    "conflict": 200,
    "conflict_open": 409,
    "in_progress": 409,
    "failed": 500,
    "dead": 500,
}
"""The answer to a delivery: 2xx if and only if the event's effects are durable, or it has none."""
MESSAGES: Mapping[Outcome, str] = {
    "processed": "The event was processed.",
    "ignored": "No handler is registered for this type of event.",
    "duplicate": "The event was processed before.",
    "conflict": "The event was processed before, with another payload; this one was recorded and not applied.",
    "conflict_open": "The same id came before with another payload; this one was recorded and not applied.",
    "in_progress": "The event is being processed; please send it again.",
    "failed": "The event was not processed; please send it again.",
    "dead": "The event was not processed, and is not tried again by itself.",
}


class WebhookResult(TypedDict):
    """Of `handle_event`; `http_status` says what to answer."""

    success: bool
    """Its effects are durable, or it has none: nothing is left to do."""
    message: str
    """For people; holds nothing of the payload."""
    processed_at: datetime | None
    """When it was, where it was."""
    outcome: Outcome


def result(outcome: Outcome, processed_at: datetime | None = None) -> WebhookResult:
    return {
        "success": STATUS[outcome] == 200,
        "message": MESSAGES[outcome],
        "processed_at": processed_at,
        "outcome": outcome,
    }


def http_status(result: WebhookResult) -> int:
    """200, 409 or 500."""
    return STATUS[result["outcome"]]
