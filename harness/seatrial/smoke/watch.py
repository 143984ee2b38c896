"""Smoke again and again, for canaries: until a round fails, the time is up, or somebody has seen enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from seatrial.model.outcomes import ExitCode
from seatrial.model.result import Result
from seatrial.smoke.course import Smoked
from seatrial.smoke.plan import Plan
from seatrial.smoke.run import Said, smoke_all

Round = tuple[list[Smoked], Result]


def watch(
    plans: Sequence[Plan],
    *,
    interval_s: float,
    for_s: float | None,
    result_of: Callable[[Sequence[Smoked]], Result],
    each: Callable[[int, Round], None],
    said: Said,
) -> Round:
    """The last round. The first is a whole smoke; those after it send safe methods alone, and wait for nobody.

    Ctrl-C ends it like the end of the time, once there is a round to report.
    """
    began, number = time.monotonic(), 0
    last: Round | None = None
    try:
        while True:
            started = time.monotonic()
            asked = plans if number == 0 else [replace(p, ready_s=0.0, posts=False, probe_limits=False) for p in plans]
            found = smoke_all(asked, said)
            last = (found, result_of(found))
            number += 1
            each(number, last)
            now = time.monotonic()
            pause = max(0.0, started + interval_s - now)
            over = for_s is not None and now + pause - began >= for_s
            if last[1].exit_code is not ExitCode.PASS or over:
                return last
            time.sleep(pause)
    except KeyboardInterrupt:
        if last is None:
            raise
        return last
