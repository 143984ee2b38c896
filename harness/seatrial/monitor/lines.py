"""Log lines: one for each slow statement, one for each request over its limits, and no flood of them.

The message is JSON; the same facts are attributes of the record, as `seatrial_<name>`, for formatters that make fields
of them. A line holds the text of a statement with placeholders, and never a parameter, a literal, or a path.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from seatrial.monitor.route_limits import RouteLimits
from seatrial.monitor.tally import SECONDS, TIMES, Described

if TYPE_CHECKING:
    from seatrial.monitor.visit import Visit

LOGGER = logging.getLogger("seatrial.monitor")
LONGEST_SQL = 2000
"""Characters of a statement in a line: collectors cut long lines, and cut JSON is no JSON."""
WINDOW_S = 60.0
KEYS_KEPT = 1000


class Lines:
    """The lines of one app."""

    def __init__(self, app_name: str, limits: RouteLimits, per_minute: int) -> None:
        self._app = app_name
        self._limits = limits
        self._flood = Flood(per_minute)

    def write(self, visit: Visit) -> None:
        """What there is to say about a request that has ended; mostly nothing."""
        tally = visit.tally
        route = f"{visit.method} {visit.rule}"
        limits = self._limits.of(visit.method, visit.rule, visit.endpoint)
        database_ms = tally.seconds * 1000
        over: dict[str, float] = {}
        if limits.statements is not None and tally.count > limits.statements:
            over["statements"] = limits.statements
        if limits.database_ms is not None and database_ms > limits.database_ms:
            over["database_ms"] = limits.database_ms
        if not over and not tally.slow:
            return
        facts = {
            "app": self._app,
            "route": route,
            "endpoint": visit.endpoint,
            "status": visit.status,
            "statements": tally.count,
            "slow_statements": tally.slow_count,
            "database_ms": round(database_ms, 1),
            "total_ms": round(visit.total_s * 1000, 1),
        }
        for slow in tally.slow:
            found = slow.described()
            told = {"statement_ms": round(slow.seconds * 1000, 1), "engine": slow.engine, **_shown(found)}
            self._say("slow-statement", found.fingerprint, {**facts, **told})
        if over:
            leading = tally.leading(TIMES if "statements" in over else SECONDS)
            more: dict[str, Any] = {"over": over}
            if leading is not None:
                more |= {"times": leading[1], **_shown(leading[0])}
            self._say("request-over-limit", "", {**facts, **more})

    def _say(self, event: str, fingerprint: str, facts: dict[str, Any]) -> None:
        suppressed = self._flood.admit((event, facts["route"], fingerprint))
        if suppressed is not None:
            self._emit({"event": event, **facts, "suppressed": suppressed})
        for (of, route, _), count in self._flood.ended():
            # Their minute is over and nothing more came: without this line the count would be lost.
            self._emit({"event": "suppressed", "app": self._app, "of": of, "route": route, "suppressed": count})

    @staticmethod
    def _emit(facts: dict[str, Any]) -> None:
        LOGGER.warning("%s", json.dumps(facts), extra={f"seatrial_{name}": value for name, value in facts.items()})


def _shown(found: Described) -> dict[str, str]:
    sql = found.sql if len(found.sql) <= LONGEST_SQL else found.sql[:LONGEST_SQL] + "…"
    return {"fingerprint": found.fingerprint, "sql": sql}


Key = tuple[str, str, str]
"""Event, route, fingerprint."""
OVERFLOW: Key = ("any", "(other)", "")


class Flood:
    """At most so many lines per key and minute. As many keys are kept as a busy minute may have."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[Key, list[float]] = {}  # end of the window, lines written, lines suppressed

    def admit(self, key: Key) -> int | None:
        """How many lines of this key were suppressed before this one; None: suppress this one as well."""
        with self._lock:
            now = self._clock()
            window = self._windows.get(key)
            if window is None and len(self._windows) >= KEYS_KEPT:
                key = OVERFLOW
                window = self._windows.get(key)
            if window is not None and now < window[0] and window[1] >= self._per_minute:
                window[2] += 1
                return None
            suppressed = 0
            if window is None or now >= window[0]:
                suppressed = int(window[2]) if window is not None else 0
                window = self._windows[key] = [now + WINDOW_S, 0, 0]
            window[1] += 1
            return suppressed

    def ended(self) -> list[tuple[Key, int]]:
        """Forget what has had its minute; those with suppressed lines, once."""
        with self._lock:
            now = self._clock()
            over = [(key, window) for key, window in self._windows.items() if now >= window[0]]
            for key, _ in over:
                del self._windows[key]
        return [(key, int(window[2])) for key, window in over if window[2]]
