"""An event that fails each time: how often it is tried, how long it waits in between, and where it ends."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

from seatrial.faults.bench import UncleanError
from seatrial.faults.shapes import Table
from seatrial.faults.state import Compared, Reference, State, compare, state_of, work_of
from seatrial.faults.stores import Row
from seatrial.faults.wire import POISON, Fault
from seatrial.model.webhooks import Backoff
from seatrial.trials.webhooks.stand import Stand, stand

if TYPE_CHECKING:
    from seatrial.target import Target

FAILURES = 16
"""How often the event fails; an app that gives up later than that is not seen to."""
SOON_S = 1.0
STEP_S = 5
LONGEST_WORD = 20


def backoff(target: Target, path: str, event: str, warm: bool = True) -> Backoff:
    """Deliver an event whose work always fails in the database, again and again."""
    subject = f"webhook {path}"
    try:
        found = stand(target, path, warm=warm)
        if found.crowded:
            return Backoff(subject, event, crowded=found.crowded)
        reference, _ = found.reference(event)
        other = found.other(event)
        alone, _ = found.bench.reference([found.work(other)], other.id, found.bookkeeping)
    except UncleanError as error:
        return Backoff(subject, event, reason=str(error))
    work = sorted({row.table for row in reference.state} - reference.ledger)
    if not work:
        return Backoff(subject, event, reason="the event changes no table but its own record: its work cannot fail")
    message = found.message(event)
    found.bench.keeper.reset()
    answers, delays, states = [], [], []
    for _ in range(FAILURES):
        ran = found.bench.send(found.work(message), Fault(POISON, table=work[0]))
        answers.append(ran.status)
        delay, state = _record(found, reference.ledger, message.id)
        delays.append(delay)
        states.append(state)
        if ran.acknowledged:
            break
    # One event that fails is no reason for others to wait.
    left = _work(found, alone, reference.ledger)
    beside = found.bench.send(found.work(other))
    held_up = compare(work_of(alone.state, reference.ledger), _work(found, alone, reference.ledger))
    if left:  # what the failures left of their work is no fault of the other event's
        held_up = Compared()
    found.bench.keeper.reset()
    return Backoff(
        subject,
        event,
        answers=tuple(answers),
        delays_s=tuple(delays),
        states=tuple(states),
        other=beside.status,
        held_up=held_up.differences,
    )


def _work(found: Stand, alone: Reference, ledger: frozenset[str]) -> State:
    """What has changed beside the records of events."""
    return work_of(state_of(found.bench.keeper.delta(), found.bench.schema, alone.left_out), ledger)


def _record(found: Stand, ledger: frozenset[str], remembered: str) -> tuple[float | None, str]:
    """(seconds until the next try that is recorded, the words of the record)."""
    for name, (added, _) in found.bench.keeper.delta().items():
        if name in ledger:
            for row in added:
                if any(isinstance(value, str) and remembered in value for value in row.values()):
                    return _delay(found.bench.schema[name], row), _words(found.bench.schema[name], row)
    return None, ""


def _delay(table: Table, row: Row) -> float | None:
    now = time.time()
    moments = [_seconds(row.get(column), kind) for column, kind in table.types.items()]
    later = [moment - now for moment in moments if moment is not None and moment - now > SOON_S]
    # In steps: what a loaded machine adds between writing and reading must not look like a change.
    return float(STEP_S * round(max(later) / STEP_S)) if later else None


def _seconds(value: Any, kind: str) -> float | None:
    """A moment as seconds since 1970; a time without a zone is taken for UTC."""
    if kind == "time" and isinstance(value, str):
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    if kind in ("integer", "number") and isinstance(value, int | float) and 1.5e9 < value < 1e10:
        return float(value)
    return None


def _words(table: Table, row: Row) -> str:
    """Values that look like a status: short words, booleans."""
    found = []
    for column, kind in table.types.items():
        value = row.get(column)
        word = isinstance(value, str) and value.isalpha() and len(value) <= LONGEST_WORD and kind == "text"
        if word or kind == "boolean":
            found.append(f"{column}={value}")
    return " ".join(found)
