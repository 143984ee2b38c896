"""How many statements a request sent and how long they took: the counting recorder of production.

Why it is not `observe.statements`, measured on a route with ten ORM statements (CPU time, SQLite in memory and in a
file; `python -m benchmarks.monitor --beside`):

| what listens | requests per second |
|---|---|
| a pair of empty cursor-event listeners | −5 to −6 % |
| `observe.statements` | −8 to −9 % |
| the whole monitor with this module | −2 % |

The recorder keeps an entry for every execution, which a request that sends 100,000 statements must not make a worker
do. And the cursor events alone cost more than the 5 % that the monitor may: with any of them, SQLAlchemy prepares its
events around every statement. The execution events of the dialect (`do_execute` and its two siblings) have no such
price. They are made for this: the listener executes the statement itself, with the dialect's own method, and says so
by returning True. Where another listener of that kind is present, it goes first: ours counts and does not time.
"""

import threading
from contextvars import ContextVar
from time import perf_counter
from typing import Any, NamedTuple

from sqlalchemy import event
from sqlalchemy.engine import Engine

from seatrial.model.evidence import Kind
from seatrial.observe.sql import shape
from seatrial.observe.statements import engine_label

DISTINCT_KEPT = 200
"""Different statements of one request that are told apart; more are only counted."""
CHARACTERS_KEPT = 500_000
"""Text of statements held until the request ends, all together."""
SLOW_KEPT = 20
"""Slow statements of one request that are described; more are only counted."""
KINDS_KEPT = 4096

_COUNTED = (Kind.SELECT, Kind.DML)
_Entry = list[Any]
TIMES, SECONDS, COUNTED, BACKSLASHES = range(4)


class Described(NamedTuple):
    """A statement as it may leave the process: no parameters, no literals."""

    sql: str
    fingerprint: str


class Slow(NamedTuple):
    """One execution that took longer than the limit."""

    text: str
    seconds: float
    engine: str
    backslashes: bool

    def described(self) -> Described:
        return _described(self.text, self.backslashes)


class Tally:
    """The statements of one request. Bounded: its size does not depend on how many are sent."""

    __slots__ = (
        "_characters", "_slow_s", "count", "endpoint", "entries", "lost", "open", "rule", "seconds", "slow",
        "slow_count", "stream",
    )  # fmt: skip

    def __init__(self, slow_s: float) -> None:
        self.open = True
        self.lost = 0
        """Executions that could not be counted, because of a mistake in here."""
        self.count = 0
        """Statements that a budget counts as well: reads and writes, no savepoints, PRAGMA or SET."""
        self.seconds = 0.0
        """Time in the driver's execute, of all statements."""
        self.entries: dict[str, _Entry] = {}
        """By text as compiled: [times, seconds, counted, backslashes]."""
        self.slow: list[Slow] = []
        self.slow_count = 0
        self.stream = True
        """The body is made while it is sent, and may send statements; unless the app's response says otherwise."""
        self.rule = ""
        """Of the route that served the request, where one did."""
        self.endpoint = ""
        self._slow_s = slow_s
        self._characters = 0

    def served_by(self, request: Any) -> None:
        """Note the route of Flask's request object, if it has one by now."""
        rule = getattr(request, "url_rule", None)
        if rule is not None:
            self.rule, self.endpoint = rule.rule, rule.endpoint

    def add(self, statement: str, context: Any, seconds: float) -> None:
        """One execution has ended. Never raises: the statement has run, what is lost is one number."""
        try:
            if not self.open:
                return
            compiled = context.compiled
            # What SQLAlchemy compiled, before IN lists were expanded: one text however long they are.
            text = statement if compiled is None else compiled.string
            entry = self.entries.get(text)
            if entry is None:
                entry = self._new(text, context)
            entry[TIMES] += 1
            entry[SECONDS] += seconds
            self.seconds += seconds
            if entry[COUNTED]:
                self.count += 1
            if seconds > self._slow_s:
                self._note_slow(text, context, seconds, entry[BACKSLASHES])
        except Exception:
            self.lost += 1

    def _note_slow(self, text: str, context: Any, seconds: float, backslashes: bool) -> None:
        self.slow_count += 1
        if len(self.slow) < SLOW_KEPT:
            self.slow.append(Slow(text, seconds, engine_label(context.engine), backslashes))

    def _new(self, text: str, context: Any) -> _Entry:
        backslashes = context.dialect.name in ("mysql", "mariadb")
        entry: _Entry = [0, 0.0, is_counted(text, backslashes), backslashes]
        if len(self.entries) < DISTINCT_KEPT and self._characters + len(text) <= CHARACTERS_KEPT:
            self._characters += len(text)
            self.entries[text] = entry
        return entry

    def leading(self, by: int) -> tuple[Described, int] | None:
        """The statement that leads by TIMES or SECONDS, and how often it ran; one shape of hand-written SQL is one."""
        shapes: dict[str, list[Any]] = {}
        # at once: a thread that took the context with it may still be adding
        for text, (times, seconds, _, backslashes) in list(self.entries.items()):
            described = _described(text, backslashes)
            total = shapes.setdefault(described.fingerprint, [0, 0.0, described])
            total[TIMES] += times
            total[SECONDS] += seconds
        if not shapes:
            return None
        best = max(shapes.values(), key=lambda total: total[by])
        return best[2], best[TIMES]


def _described(text: str, backslashes: bool) -> Described:
    # Not the cached form: texts must not outlive the request here, and only requests over a limit come this far.
    found = shape(text, backslashes=backslashes)
    return Described(found.sql, found.fingerprint)


# ---------------------------------------------------------------------------------------------------- what counts
_kinds: dict[int, bool] = {}
_WRITES = ("insert", "update", "delete")


def is_counted(text: str, backslashes: bool = False) -> bool:
    """Whether a budget counts this statement too (`Kind.SELECT`, `Kind.DML`), so that both speak of one number.

    Reading the kind off a statement takes a scan. Hand-written SQL may be new each time, so what is plain to see is
    decided without, and the rest is remembered under the hash of the text: the text itself may hold values.
    """
    word = text[:40].split(None, 1)[:1]
    first = word[0].lower() if word else ""
    if first in _WRITES:
        return True
    if first == "select":
        lower = text.lower()
        if "from" in lower and "into" not in lower and "dual" not in lower:
            return True
    key = hash(text)
    counted = _kinds.get(key)
    if counted is None:
        counted = shape(text, backslashes=backslashes).kind in _COUNTED
        if len(_kinds) >= KINDS_KEPT:
            _kinds.clear()
        _kinds[key] = counted
    return counted


# ---------------------------------------------------------------------------------------------------- listeners
# Written out three times: a common function would cost each statement a call more.
current: ContextVar[Tally | None] = ContextVar("seatrial_tally", default=None)
"""The tally of the request that this thread, task or greenlet serves."""

_installed = False
_install_lock = threading.Lock()


def install() -> None:
    """Listen to every dialect, once and for good. Without an open tally a listener returns at once."""
    global _installed
    with _install_lock:
        if not _installed:
            event.listen(Engine, "do_execute", _execute)
            event.listen(Engine, "do_executemany", _execute_many)
            event.listen(Engine, "do_execute_no_params", _execute_plain)
            _installed = True


def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    tally = current.get()
    if tally is None or not tally.open:
        return False
    dialect = context.dialect
    if len(dialect.dispatch.do_execute) > 1:
        return _count_only(tally, statement, context)
    started = perf_counter()
    try:
        dialect.do_execute(cursor, statement, parameters, context)
    finally:
        tally.add(statement, context, perf_counter() - started)
    return True


def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    tally = current.get()
    if tally is None or not tally.open:
        return False
    dialect = context.dialect
    if len(dialect.dispatch.do_executemany) > 1:
        return _count_only(tally, statement, context)
    started = perf_counter()
    try:
        dialect.do_executemany(cursor, statement, parameters, context)
    finally:
        tally.add(statement, context, perf_counter() - started)
    return True


def _execute_plain(cursor: Any, statement: str, context: Any) -> bool:
    tally = current.get()
    if tally is None or not tally.open:
        return False
    dialect = context.dialect
    if len(dialect.dispatch.do_execute_no_params) > 1:
        return _count_only(tally, statement, context)
    started = perf_counter()
    try:
        dialect.do_execute_no_params(cursor, statement, context)
    finally:
        tally.add(statement, context, perf_counter() - started)
    return True


def _count_only(tally: Tally, statement: str, context: Any) -> bool:
    """Somebody else replaces executions as well; with True we would take theirs away."""
    tally.add(statement, context, 0.0)
    return False
