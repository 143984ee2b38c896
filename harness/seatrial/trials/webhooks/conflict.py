"""The same id with another payload: the first one wins, and somebody can see that there was a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seatrial.faults.bench import UncleanError
from seatrial.faults.state import State, calls_of, compare, compare_effects, state_of, work_of
from seatrial.faults.stores import Delta
from seatrial.model.webhooks import Conflict
from seatrial.trials.webhooks.stand import Stand, stand

if TYPE_CHECKING:
    from seatrial.target import Target


def conflict(target: Target, path: str, warm: bool = True) -> Conflict:
    """An event, then its id with another payload; beside it the same with a plain duplicate."""
    subject = f"webhook {path}"
    try:
        found = stand(target, path, warm=warm)
        if found.crowded:
            return Conflict(subject, crowded=found.crowded)
        event = found.events[0]
        reference, _ = found.reference(event)
    except UncleanError as error:
        return Conflict(subject, reason=str(error))
    bench, first = found.bench, found.message(event)
    other = found.sender.other_payload(first)
    plain, plain_told, plain_warnings, _ = _twice(found, event, first)
    changed, told, warnings, answers = _twice(found, event, other)
    bench.keeper.reset()
    effects = [
        compare_effects(reference.effects, type(reference.effects)(tuple(calls_of(t)))) for t in (plain_told, told)
    ]
    rows = [
        compare(
            work_of(reference.state, reference.ledger),
            work_of(_state(found, delta, reference.left_out), reference.ledger),
        )
        for delta in (plain, changed)
    ]
    # With nothing left out but what always varies: a text in `error_message` is the very trace that is looked for.
    seen = [_state(found, delta, reference.volatile) for delta in (plain, changed)]
    traces = {row.table for row in (*(seen[0] - seen[1]), *(seen[1] - seen[0]))}
    recorded = sorted(traces) + ["log"] * (len(warnings) > len(plain_warnings))
    return Conflict(
        subject,
        answers=answers,
        applied=(*rows[1].differences, *effects[1].differences),
        recorded=tuple(recorded),
        duplicates_harmless=not rows[0] and not effects[0],
    )


def _twice(found: Stand, event: str, second: Any) -> tuple[Delta, list[dict[str, Any]], list[str], tuple[int, ...]]:
    found.bench.keeper.reset()
    runs = [found.bench.send(found.work(message)) for message in (found.message(event), second)]
    told = [line for ran in runs for line in ran.told]
    return found.bench.keeper.delta(), told, runs[1].logged, tuple(ran.status for ran in runs)


def _state(found: Stand, delta: Delta, left_out: frozenset[tuple[str, str]]) -> State:
    return state_of(delta, found.bench.schema, left_out)
