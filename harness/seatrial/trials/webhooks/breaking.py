"""One event of one webhook under one family of faults."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.faults.bench import UncleanError
from seatrial.faults.breaking import Breaker
from seatrial.faults.state import work_of
from seatrial.model.webhooks import OBJECT, PAIR, Broken
from seatrial.trials.webhooks.providers import Message
from seatrial.trials.webhooks.stand import forking_hazards, stand

if TYPE_CHECKING:
    from seatrial.target import Target

ENOUGH = 5
"""Convictions of one family: more tell nothing new, and cost the time of the next one."""


def broken(
    target: Target,
    path: str,
    event: str,
    family: str,
    limit_s: float,
    only: str = "",
    enough: int = ENOUGH,
    warm: bool = True,
) -> Broken:
    """Break a delivery in every way of the family. `only`: the one way with this id; `enough`: see `Breaker.run`.

    Raises BrokenError where the database cannot be put back.
    """
    began = time.monotonic()
    subject = f"webhook {path}"
    try:
        found = stand(target, path, warm=warm)
        if found.crowded:
            return Broken(subject, event, family, crowded=found.crowded)
        pair = family == PAIR
        reference, clean = found.reference(event, pair=pair)
    except UncleanError as error:
        return Broken(subject, event, family, reason=str(error))
    message = found.message(event)
    siblings: dict[str, Message] = {}
    if family == OBJECT:
        reference = replace(reference, only_work=True)
        work = work_of(reference.state, reference.ledger)
        siblings = found.siblings(event) if work or reference.effects.calls else {}
    breaker = Breaker(
        found.bench,
        found.work(message),
        found.twofold(message),
        reference,
        clean,
        found.retry(),
        found.work(found.other(event)) if pair else None,
        {name: found.work(sibling) for name, sibling in siblings.items()},
    )
    outcome = breaker.run(family, limit_s, only, enough)
    notes = forking_hazards()
    return Broken(
        subject,
        event,
        family,
        boundaries=clean.boundaries,
        planned=outcome.planned,
        tried=outcome.tried,
        convicted=tuple(outcome.convicted),
        soft=outcome.soft,
        unheard=outcome.unheard,
        volatile=_listed(reference.volatile - found.bookkeeping),
        bookkeeping=_listed(found.bookkeeping),
        ledger=tuple(sorted(reference.ledger)),
        notes=tuple(notes),
        blind="the app uses raw_connection(), and what it sends there is not seen" if clean.raw else "",
        elapsed_s=round(time.monotonic() - began, 3),
    )


def _listed(columns: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{table}.{column}" for table, column in columns))
