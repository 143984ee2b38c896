"""Times a route, warm, alone, in process."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seatrial.model.inventory import Route
from seatrial.model.latency import Timings
from seatrial.trials.sweep import drive

if TYPE_CHECKING:
    from seatrial.target import Target

CALLS = 20
WARM = 2
"""Calls of which the time is not kept: templates, mappers and pools are made by the first."""
FEWEST = 6
"""Calls that are made however long they take: with fewer nothing is known of a median, and the slowest page is the one
that must not go unproved."""


def time_calls(target: Target, route: Route, identity: str, seconds: float, calls: int = CALLS) -> Timings:
    """A recorded call, then `FEWEST` of which nothing is recorded, and up to `calls` while `seconds` last."""
    seen = drive(target, route, identity, route.path, rows=True)
    if not seen.ok:
        return Timings(seen)
    client, until = target.client(identity), time.perf_counter() + seconds
    found: list[float] = []
    gc.collect()
    for number in range(WARM + calls):
        began = time.perf_counter()
        answered = target.ask(client, route.method, route.path)
        ended = time.perf_counter()
        if answered != str(seen.status):
            return Timings(seen, tuple(found), unlike=answered)
        if number >= WARM:
            found.append(round((ended - began) * 1000, 3))
        if ended > until and len(found) >= FEWEST:
            break
    return Timings(seen, tuple(found))


def burst(target: Target, route: Route, identity: str, seconds: float, calls: int, turn: int) -> tuple[float, ...]:
    """Milliseconds of a few calls that answered 2xx; empty where one did not, or they took longer than `seconds`.

    `turn` chooses the processor: two processes that are compared must share what else happens on it.
    """
    client, until = target.client(identity), time.perf_counter() + seconds
    found: list[float] = []
    with _on_one_processor(turn):
        for _ in range(calls):
            began = time.perf_counter()
            answered = target.ask(client, route.method, route.path)
            ended = time.perf_counter()
            if not answered.startswith("2"):
                return ()
            found.append((ended - began) * 1000)
            if ended > until:
                break
    return tuple(found)


@contextmanager
def _on_one_processor(turn: int) -> Iterator[None]:
    """This thread, for a while. Where the system cannot do that, on any."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[turn % len(allowed)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
