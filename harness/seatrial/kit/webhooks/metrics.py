"""A Prometheus counter of what became of events; nothing where prometheus-client is not installed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from prometheus_client import Counter

NAME = "seatrial_webhook_events"
OTHER_TYPE = "(other)"
"""Stands for every type without a handler: labels stay bounded."""

_counter: Counter | None = None
_tried = False
_lock = threading.Lock()


def count(source: Literal["delivery", "retry"], event_type: str, outcome: str) -> None:
    """One more in `seatrial_webhook_events_total` of the default registry."""
    counter = _of_process()
    if counter is not None:
        counter.labels(source, event_type, outcome).inc()


def _of_process() -> Counter | None:
    global _counter, _tried
    if not _tried:
        with _lock:
            if not _tried:
                try:
                    from prometheus_client import Counter
                except ImportError:
                    pass
                else:
                    _counter = Counter(NAME, "Webhook events by what became of them.", ("source", "type", "outcome"))
                _tried = True
    return _counter
