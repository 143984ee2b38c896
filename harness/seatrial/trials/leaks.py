"""Calls a route again and again, and watches the process that holds the app grow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from seatrial.model.inventory import Route
from seatrial.model.leaks import LeakTrial
from seatrial.observe.memory import WARM_UP, WINDOWS, grow
from seatrial.trials.sweep import drive

if TYPE_CHECKING:
    from seatrial.target import Target

FEWEST = 2 * (WARM_UP + sum(WINDOWS[:2]))
"""Calls of both passes where nothing grows."""


class _Stopped(Exception):
    """The calls cannot go on."""


def calls(target: Target, route: Route, identity: str, seconds: float) -> LeakTrial:
    """The route some hundred times as one identity. Its database has to be put back afterwards where it writes."""
    subject = route.subject(identity)
    seen = drive(target, route, identity, route.path, rows=False)
    if not seen.ok:
        return LeakTrial(
            subject, failure=f"answered {seen.failure or seen.status}: only a page that is seen can be tried"
        )
    client, began = target.client(identity), time.perf_counter()
    for _ in range(2):
        target.ask(client, route.method, route.path)
    each = (time.perf_counter() - began) / 2
    if each * FEWEST > seconds:
        return LeakTrial(
            subject,
            failure=f"at {each * 1000:.0f} ms each, {FEWEST} calls take longer than {seconds:g} s: "
            f"raise leak_s under [tool.seatrial.deadlines]",
        )
    until = time.perf_counter() + seconds

    def call() -> None:
        answered = target.ask(client, route.method, route.path)
        if answered != str(seen.status):
            raise _Stopped(f"after a while it answered {answered} in place of {seen.status}: a page must stay the same")
        if time.perf_counter() > until:
            raise _Stopped(f"the calls took longer than {seconds:g} s: raise leak_s under [tool.seatrial.deadlines]")

    try:
        return grow(subject, call, target.sites.at)
    except _Stopped as stopped:
        return LeakTrial(subject, failure=str(stopped))
