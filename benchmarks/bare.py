"""The requests of a sweep without Seatrial around them; runs inside a host, like a trial."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.target import Target

Planned = list[tuple[str, str, str, dict[str, Any]]]
"""(identity, method, path, request options)."""


def send(target: Target, requests: Planned) -> float:
    """Seconds that the app itself needs for these requests, bodies read; log-ins are not counted."""
    clients = {identity: target.client(identity) for identity in {identity for identity, *_ in requests}}
    started = time.perf_counter()
    for identity, method, path, options in requests:
        response = clients[identity].open(path, method=method, base_url=target.base_url, **options)
        response.get_data()
        response.close()
    return time.perf_counter() - started
