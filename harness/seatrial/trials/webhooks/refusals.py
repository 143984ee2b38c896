"""Deliveries that are to be refused: forged ones, and such as no sender would send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from seatrial.faults.bench import Ran, UncleanError
from seatrial.faults.state import calls_of
from seatrial.faults.statements import is_write
from seatrial.model.webhooks import (
    ADVISED,
    FORGED,
    IGNORED,
    MALFORMED,
    NOTED,
    REFUSED,
    SURVIVED,
    TAKEN,
    Refusals,
    Sent,
)
from seatrial.trials.webhooks import library, stripe_events
from seatrial.trials.webhooks.providers import Forgery, Stripe
from seatrial.trials.webhooks.stand import Stand, stand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.target import Target

FORM = "application/x-www-form-urlencoded"
BODIES: tuple[tuple[str, bytes, str], ...] = (
    ("a body that is not UTF-8", b'{"id": "\xff\xfe"}', REFUSED),
    ("a signed body that is no JSON", b"seatrial", REFUSED),
    ("a signed empty body", b"", REFUSED),
    ("a signed list", b"[]", REFUSED),
    ("a signed null", b"null", REFUSED),
    ("a signed object that is no event", b"{}", REFUSED),
)


def refusals(target: Target, path: str, family: str, warm: bool = True) -> Refusals:
    """Every delivery of the family, each to a process of its own; rows are put back where one changed them."""
    subject = f"webhook {path}"
    try:
        found = stand(target, path, warm=warm)
        if found.crowded:
            return Refusals(subject, family, crowded=found.crowded)
        event = found.events[0]
        reference, clean = found.reference(event)
    except UncleanError as error:
        return Refusals(subject, family, reason=str(error))
    cases = _forged(found, event) if family == FORGED else _malformed(found, event)
    sent = []
    found.bench.keeper.reset()
    for case, wanted, ran in cases:
        delta = found.bench.keeper.delta()
        changed = sorted(delta) + ["outbound"] * bool(calls_of(ran.told))
        if delta:
            found.bench.keeper.reset()
        statements = [boundary.detail for boundary in ran.boundaries if boundary.kind == "sql"]
        sent.append(Sent(case, ran.status, tuple(changed), len(statements), sum(map(is_write, statements)), wanted))
    tables = sorted({row.table for row in reference.state}) + ["outbound"] * bool(reference.effects.calls)
    work = tuple(name for name in tables if name not in reference.ledger)
    return Refusals(subject, family, clean=clean.status, clean_changed=tuple(tables), work=work, sent=tuple(sent))


def _forged(found: Stand, event: str) -> Iterator[tuple[str, str, Ran]]:
    message = found.message(event)
    for forgery in found.sender.forgeries(message):
        yield forgery.case, REFUSED, _deliver(found, forgery)
    for rotation in found.sender.rotations(message):
        yield rotation.case, TAKEN, _deliver(found, rotation)
    if isinstance(found.sender, Stripe):
        ahead = found.sender.ahead(message)
        ran = found.bench.send(library.watched(found.work(ahead.message, ahead.headers), warm=found.warmed))
        # Stripe's own library looks back and not ahead: whoever verifies with it has done what there is to do.
        yield ahead.case, SURVIVED if library.verified(ran) else ADVISED, ran
        for misdirected in found.sender.misdirected(event):
            yield misdirected.case, NOTED, _deliver(found, misdirected)


def _malformed(found: Stand, event: str) -> Iterator[tuple[str, str, Ran]]:
    message = found.message(event)
    for oddity in found.sender.oddities(message):
        # The blank after a comma is odd and harmless: whoever takes it is right, too.
        wanted = SURVIVED if oddity.case.startswith("a blank") else REFUSED
        yield oddity.case, wanted, _deliver(found, oddity)
    for case, body, wanted in BODIES:
        yield case, wanted, found.bench.send(found.work(found.sender.raw(body)))
    yield "a body that is sent as a form", SURVIVED, found.bench.send(found.work(message, content_type=FORM))
    if isinstance(found.sender, Stripe):
        thin = stripe_events.written(stripe_events.thin(stripe_events.World("trial")))
        yield "a thin event of API v2", SURVIVED, found.bench.send(found.work(found.sender.raw(thin)))
    unknown = json.loads(message.body)
    unknown |= {"type": "seatrial.unknown", "id": f"{message.id}Unknown"}
    body = found.sender.written(unknown)
    # What a sender of ones own calls a type is not known here: it may be anything.
    wanted = IGNORED if isinstance(found.sender, Stripe) else SURVIVED
    yield "an event of an unknown type", wanted, found.bench.send(found.work(found.sender.raw(body)))
    limit = found.target.app.config.get("MAX_CONTENT_LENGTH")
    if isinstance(limit, int) and limit <= 64 * 1024 * 1024:
        large = found.sender.raw(message.body + b" " * (limit + 1 - len(message.body)))
        yield "a signed body above MAX_CONTENT_LENGTH", REFUSED, found.bench.send(found.work(large))
    yield "a GET", REFUSED, found.bench.send(found.work(message, method="GET"))


def _deliver(found: Stand, forgery: Forgery) -> Ran:
    return found.bench.send(found.work(forgery.message, forgery.headers))


__all__ = ["FORGED", "MALFORMED", "refusals"]
