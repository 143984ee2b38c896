"""Attributes on the OpenTelemetry span of a request, where the app traces. There is no dependency on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.monitor.visit import Visit


def recording_span() -> Any:
    """The current span, or None. An app that has not imported OpenTelemetry has none."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    span = trace.get_current_span()
    return span if span.is_recording() else None


def describe(span: Any, visit: Visit) -> None:
    if not span.is_recording():  # ended with the request context, while the body was still being sent
        return
    tally = visit.tally
    if visit.endpoint:
        span.set_attribute("http.route", visit.rule)
        span.set_attribute("seatrial.endpoint", visit.endpoint)
    span.set_attribute("seatrial.sql.statements", tally.count)
    span.set_attribute("seatrial.sql.ms", round(tally.seconds * 1000, 3))
    span.set_attribute("seatrial.sql.slow", tally.slow_count)
