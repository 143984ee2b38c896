"""Where a request is broken: children to send it from, a keeper for the database, and what a clean one leaves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.faults.children import Work, children
from seatrial.faults.keeper import Keeper
from seatrial.faults.shapes import Schema
from seatrial.faults.state import (
    Columns,
    Compared,
    Effects,
    Reference,
    calls_of,
    compare,
    compare_effects,
    state_of,
    volatile,
    work_of,
)
from seatrial.faults.stores import Delta
from seatrial.faults.wire import Fault
from seatrial.model.webhooks import NEVER, Boundary, Tried

DIED, HUNG = 0, -1
"""In place of a status."""
REDELIVERIES = 3
LATER_REDELIVERIES = 3
LATER_S = 86400
"""Between the later ones: leases are over, and delays of a backoff."""
LATEST_S = 3 * LATER_S - 3600
"""Until the last delivery that a sender makes: Stripe tries for three days."""
TWIN_GAP_S = 1.05
"""From the end of a clean delivery to the next one, so that times differ by a second: a first delivery that is slow
writes late, and a time of the same second would be taken for one that never differs."""


@dataclass(slots=True)
class Ran:
    """One child and what it told."""

    status: int
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return 200 <= self.status < 300

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        return tuple(Boundary(line["b"], line["k"], line["d"]) for line in self.told if "b" in line)

    @property
    def raw(self) -> bool:
        return any("raw" in line for line in self.told)

    @property
    def logged(self) -> list[str]:
        """Names of the loggers that warned."""
        return [line["name"] for line in self.told if "log" in line]


def status_of(told: list[dict[str, Any]], worker: int = 0) -> int:
    """What the sender got; DIED where it got nothing."""
    return next((line["status"] for line in told if "status" in line and line.get("w", 0) == worker), DIED)


class UncleanError(Exception):
    """The clean delivery did not do what everything else would be compared with; the sentence says why."""


class Bench:
    """One database and the processes around it. Closing leaves neither."""

    def __init__(self, url: str, deadline_s: float) -> None:
        """Raises BrokenError where the rows cannot be copied."""
        self.keeper = Keeper(url)
        self.deadline_s = deadline_s

    @property
    def schema(self) -> Schema:
        return self.keeper.schema

    def close(self) -> None:
        self.keeper.close()

    def send(self, work: Work, fault: Fault | None = None) -> Ran:
        """One child, to its end or its deadline."""
        with children(work, fault) as child:
            child.finish(self.deadline_s)
        status = status_of(child.told)
        return Ran(HUNG if child.hung and status == DIED else status, child.told)

    def reference(self, works: Sequence[Work], remembered: str, bookkeeping: Columns) -> tuple[Reference, Ran]:
        """What one clean delivery (or several, one after the other) leaves, twice: what varies does not count.

        `remembered`: the id that a ledger would hold.

        Raises UncleanError.
        """
        deltas, runs = [], []
        for bump in (False, True):
            if bump:
                time.sleep(TWIN_GAP_S)
            self.keeper.reset(bump=bump)
            told: list[dict[str, Any]] = []
            for work in works:
                ran = self.send(work)
                if not ran.acknowledged:
                    raise UncleanError(_unclean(ran, self.deadline_s))
                told += ran.told
            runs.append(Ran(ran.status, told))
            deltas.append(self.keeper.delta())
        first, second = (calls_of(ran.told) for ran in runs)
        vary = {(c.method, c.url, c.body) for c in first} != {(c.method, c.url, c.body) for c in second}
        effects = Effects(tuple(second), vary)
        if not any(deltas) and not effects.calls:
            raise UncleanError(
                f"a clean delivery answered {runs[0].status} and changed nothing: name events that the app handles "
                "(`events`), and values that exist in its data under [tool.seatrial.arguments]"
            )
        varying = volatile(deltas[0], deltas[1], self.schema)
        left_out = varying | bookkeeping
        states = [state_of(delta, self.schema, left_out) for delta in deltas]
        if states[0] != states[1]:
            raise UncleanError(
                "two clean deliveries leave different numbers of rows: nothing can be compared with them"
            )
        ledger = ledger_of(deltas[1], remembered)
        return Reference(states[1], effects, varying, left_out, ledger, deltas[1]), runs[1]

    def compared(self, reference: Reference, told: list[dict[str, Any]], delta: Delta | None = None) -> Compared:
        """The state of the database and the calls so far, beside the wanted ones."""
        delta = self.keeper.delta() if delta is None else delta
        found = state_of(delta, self.schema, reference.left_out)
        if reference.only_work:
            rows = compare(work_of(reference.state, reference.ledger), work_of(found, reference.ledger))
        else:
            rows = compare(reference.state, found, reference.ledger)
        calls = compare_effects(reference.effects, replace(reference.effects, calls=tuple(calls_of(told))))
        if rows and calls:
            return Compared(rows.verdict, (*rows.differences, *calls.differences))
        return rows or calls

    # ------------------------------------------------------------------ recovering
    def redeliver(self, work: Work, reference: Reference, answers: list[int], told: list[dict[str, Any]]) -> bool:
        """As senders do it: again until 2xx, at last after days. Whether one was given."""
        for attempt in range(REDELIVERIES + LATER_REDELIVERIES):
            if attempt >= REDELIVERIES:
                self.let_time_pass(reference)
            ran = self.send(work)
            answers.append(ran.status)
            told += ran.told
            if ran.acknowledged:
                return True
            if ran.status == HUNG:
                return False
        return False

    def recover(
        self,
        work: Work,
        reference: Reference,
        answers: list[int],
        told: list[dict[str, Any]],
        acknowledged: bool,
        retry: Work | None,
    ) -> tuple[str, Compared]:
        """Redeliver until 2xx, let the app's own retry run, and compare: (verdict or empty, differences)."""
        done = acknowledged or self.redeliver(work, reference, answers, told)
        found = self.compared(reference, told)
        for _ in range(LATER_REDELIVERIES if retry is not None else 0):
            if not found and done:
                break
            assert retry is not None
            self.let_time_pass(reference)
            told += self.send(retry).told
            found = self.compared(reference, told)
            done = done or not found
        if not done:
            return (NEVER, found)
        return found.verdict, found

    def let_time_pass(self, reference: Reference, seconds: int = LATER_S) -> None:
        """A day, or another time, for new and changed rows."""
        self.keeper.age(ageing(self.keeper.delta(), self.schema, reference), seconds)


def ageing(delta: Delta, schema: Schema, reference: Reference) -> list[tuple[str, str]]:
    """Columns of new and changed rows that hold a time of the app's own, not one of the event's."""
    now = time.time()
    found = []
    for name, (added, _) in delta.items():
        of_the_event = {
            column
            for row in reference.delta.get(name, ([], []))[0]
            for column, value in row.items()
            if value is not None and (name, column) not in reference.left_out
        }
        for column, kind in schema[name].types.items():
            values = [row.get(column) for row in added if row.get(column) is not None]
            epoch = kind in ("integer", "number") and values and all(_near(value, now) for value in values)
            if values and column not in of_the_event and (kind == "time" or epoch):
                found.append((name, column))
    return found


def _near(value: Any, now: float) -> bool:
    return isinstance(value, int | float) and abs(value - now) < 400 * LATER_S


def ledger_of(delta: Mapping[str, Any], remembered: str) -> frozenset[str]:
    """Tables with a new row that holds the id."""
    return frozenset(
        name
        for name, (added, _) in delta.items()
        if any(isinstance(value, str) and remembered in value for row in added for value in row.values())
    )


def _unclean(ran: Ran, deadline_s: float) -> str:
    if ran.status == HUNG:
        return (
            f"a clean delivery did not finish within {deadline_s:g} s; raise `request_s` under "
            "[tool.seatrial.deadlines]"
        )
    if ran.status == DIED:
        return "the app's process ended during a clean delivery: see what it wrote with SEATRIAL_DEBUG=1"
    raised = next((line["raised"] for line in ran.told if "raised" in line), "")
    return f"a clean delivery answered {ran.status}" + (f" ({raised})" if raised else "")


def tried(id: str, where: str, answers: list[int], verdict: str, found: Compared, *, soft: bool = False) -> Tried:
    """What one way of breaking it came to."""
    return Tried(id, where, tuple(answers), verdict, found.differences[:20], soft, bool(found) and found.only_counters)
