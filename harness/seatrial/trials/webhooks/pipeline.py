"""The steps of a delivery in the order in which they were recorded: signature, idempotency, process, mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.faults.bench import Ran, UncleanError
from seatrial.faults.state import Reference
from seatrial.faults.statements import is_write, touched, written
from seatrial.faults.wire import BEFORE_CALL, BEFORE_COMMIT, SQL
from seatrial.model.webhooks import Pipeline, Step
from seatrial.trials.webhooks.stand import stand

if TYPE_CHECKING:
    from seatrial.target import Target

LOOK, MARK, WORK, CALL, COMMIT = "look", "mark", "work", "call", "commit"


def pipeline(target: Target, path: str, event: str, warm: bool = True) -> Pipeline:
    """What a clean delivery did, step by step, and what a forged one did at all."""
    subject = f"webhook {path}"
    try:
        found = stand(target, path, warm=warm)
        if found.crowded:
            return Pipeline(subject, event, crowded=found.crowded)
        reference, clean = found.reference(event)
    except UncleanError as error:
        return Pipeline(subject, event, reason=str(error))
    message = found.message(event)
    bench = found.bench
    bench.keeper.reset()
    forgery = found.sender.forgeries(message)[0]
    forged = bench.send(found.work(forgery.message, forgery.headers))
    bench.keeper.reset()
    twice = [line for _ in range(2) for line in bench.send(found.work(message)).told]
    harmless = not bench.compared(reference, twice)
    bench.keeper.reset()
    return Pipeline(
        subject,
        event,
        ledger=tuple(sorted(reference.ledger)),
        steps=tuple(steps(clean, reference)),
        forged_writes=sum(is_write(boundary.detail) for boundary in forged.boundaries if boundary.kind == SQL),
        duplicates_harmless=harmless,
    )


def steps(clean: Ran, reference: Reference) -> list[Step]:
    """The boundaries of a clean delivery that say something about the order."""
    effects = {row.table for row in reference.state} - reference.ledger
    found = []
    for boundary in clean.boundaries:
        if boundary.kind == BEFORE_CALL:
            found.append(Step(boundary.number, CALL, boundary.detail))
        elif boundary.kind == BEFORE_COMMIT:
            found.append(Step(boundary.number, COMMIT))
        elif boundary.kind == SQL:
            writes = written(boundary.detail)
            if writes & reference.ledger:
                found.append(Step(boundary.number, MARK, boundary.detail[:120]))
            elif touched(boundary.detail) & reference.ledger and not writes:
                found.append(Step(boundary.number, LOOK, boundary.detail[:120]))
            elif writes & effects:
                found.append(Step(boundary.number, WORK, boundary.detail[:120]))
    return found
