"""For the team's own tests: response times and leaks of any call. Imported only when one of the fixtures is used."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from seatrial.model.leaks import LeakTrial
from seatrial.model.outcomes import Outcome
from seatrial.observe.callsite import CallSites
from seatrial.observe.memory import WARM_UP, WINDOWS, grow
from seatrial.rules import lat, mem
from seatrial.rules.statements import line_of
from seatrial.stats.quantiles import interval

CALLS = 20
ROUNDS = 3
"""Of so many calls each, pooled until they tell."""


def response_time(call: Callable[[], Any], *, limit_ms: float = 200.0, warm_up: int = 2) -> float:
    """The median of warm calls in milliseconds; fails where its interval lies above the limit.

    Where the limit lies inside the interval even after three rounds, the test is skipped: nothing is proved.
    A response (anything with a `status_code`) must be below 400, else what was timed is not the page.
    """
    __tracebackhide__ = True
    for _ in range(warm_up):
        _answered(call())
    found: list[float] = []
    low = high = 0.0
    for _ in range(ROUNDS):
        gc.collect()
        for _ in range(CALLS):
            began = time.perf_counter()
            answer = call()
            found.append((time.perf_counter() - began) * 1000)
            _answered(answer)
        low, high = interval({ms: found.count(ms) for ms in found}, 0.5, confidence=lat.MEDIAN_CONFIDENCE)
        if high <= limit_ms or low > limit_ms:
            break
    median = statistics.median(found)
    if low > limit_ms:
        pytest.fail(
            f"response time: limited to {limit_ms:g} ms but the median of {len(found)} warm calls was {median:.0f} ms "
            f"({lat.between(low, high)}; a tripwire, no P99)",
            pytrace=False,
        )
    if high > limit_ms:
        pytest.skip(
            f"not proved: the median of {len(found)} calls is {lat.between(low, high)}, the limit {limit_ms:g} ms"
        )
    return median


def _answered(answer: Any) -> None:
    __tracebackhide__ = True
    status = getattr(answer, "status_code", None)
    if isinstance(status, int) and status >= 400:
        pytest.fail(f"not measured: the call answered {status}; measure a call that succeeds", pytrace=False)


class LeakGuard:
    """`leak_guard(call)`: two passes of the call, some hundred times each."""

    def __init__(self, root: Path) -> None:
        self._sites = CallSites(root)

    def __call__(
        self,
        call: Callable[[], Any],
        *,
        warmup: int = WARM_UP,
        windows: Sequence[int] = WINDOWS,
        ignore: Iterable[str] = (),
    ) -> LeakTrial:
        """Returns what was measured; fails where it grows.

        Args:
            call: Made again and again; a response it returns must be below 400.
            warmup: Calls before measuring begins: more of them for a cache that fills slowly.
            windows: Calls per window, growing; two at least.
            ignore: Own lines, as `path/file.py:12`, whose memory is meant to stay.
        """
        __tracebackhide__ = True
        if len(windows) < 2 or min(windows) < 1:
            raise ValueError("leak_guard needs two windows at least: windows=(40, 80)")

        def answered() -> None:
            __tracebackhide__ = True
            _answered(call())

        trial = grow("the call", answered, self._sites.at, warm_up=warmup, windows=tuple(windows), ignored=ignore)
        judgement = mem.leak(trial)
        if judgement.outcome is Outcome.FAIL:
            [finding] = judgement.findings
            lines = [
                f"  {line_of(g.place)} +{g.bytes_per_call:,.0f} B per call: {g.place.text.strip()}" for g in trial.lines
            ]
            told = "\n".join([f"leak: {finding.message}", *lines, f"  {finding.remedy}", LEFT])
            pytest.fail(told, pytrace=False)
        if judgement.outcome is not Outcome.PASS:
            pytest.skip(f"not proved: {judgement.reason}")
        return trial


LEFT = "  A cache that is meant to fill for longer: raise warmup=, or leave its line out with ignore=[…]."
