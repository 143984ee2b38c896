"""Related events in every order: senders do not promise one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.faults.bench import TWIN_GAP_S, UncleanError, ledger_of, tried
from seatrial.faults.state import Columns, State, compare, state_of, volatile
from seatrial.faults.stores import Delta
from seatrial.model.webhooks import Order, Tried
from seatrial.trials.webhooks.providers import Message
from seatrial.trials.webhooks.stand import Stand, stand
from seatrial.trials.webhooks.stripe_events import CREATED

if TYPE_CHECKING:
    from seatrial.target import Target

ROUNDS = 3
"""How often an event that is not answered 2xx comes again."""
SUBSCRIPTION = "customer.subscription."
GAP_S = 60
SAME_SECOND = "order@same-second"
_PAIRS = (
    ("checkout.session.completed", "checkout.session.async_payment_succeeded"),
    ("invoice.payment_failed", "invoice.paid"),
    ("payment_intent.payment_failed", "payment_intent.succeeded"),
)


def order(target: Target, path: str, only: str = "", warm: bool = True) -> Order:
    """Every order of the related events that the webhook is configured with, compared with the order of time."""
    subject = f"webhook {path}"
    try:
        found = stand(target, path, warm=warm)
        if found.crowded:
            return Order(subject, crowded=found.crowded)
        messages = sequence(found)
        if not messages:
            return Order(
                subject,
                skipped="no related events are configured (`events`): customer.subscription.updated and the like",
            )
        for event in found.events[:1]:
            found.reference(event)
        return _orders(found, subject, messages, only)
    except UncleanError as error:
        return Order(subject, reason=str(error))


def sequence(found: Stand, *, before: int | None = None, lasting: bool = False) -> list[Message]:
    """Events of one object in the order of time; empty where fewer than two are configured.

    `before`: seconds by which all but the last are older than it, in place of a minute from one to the next.
    `lasting`: without the deletion, after which nothing that came before it can be seen.
    """
    planned = _planned(found, lasting)
    messages = []
    for one in planned:
        created = one.created if before is None or one is planned[-1] else planned[-1].created - before
        messages.append(
            found.sender.message(one.kind, "order", number=one.number, created=created, changes=one.changes)
        )
    return messages


@dataclass(frozen=True, slots=True)
class _Planned:
    kind: str
    created: int
    number: int = 0
    changes: Mapping[str, Any] | None = None


def _planned(found: Stand, lasting: bool) -> list[_Planned]:
    names = {event.partition("@")[0] for event in found.events}
    if found.hook.provider != "stripe":
        return []
    made: list[_Planned] = []
    if any(name.startswith(SUBSCRIPTION) for name in names):
        if f"{SUBSCRIPTION}created" in names:
            made.append(_Planned(f"{SUBSCRIPTION}created", CREATED))
        if f"{SUBSCRIPTION}updated" in names:
            # Two updates with different outcomes: the earlier one must not win because it came later.
            for number, status in enumerate(("past_due", "unpaid"), 1):
                moment = CREATED + number * GAP_S
                made.append(_Planned(f"{SUBSCRIPTION}updated", moment, number, {"status": status}))
        if f"{SUBSCRIPTION}deleted" in names and not lasting:
            made.append(_Planned(f"{SUBSCRIPTION}deleted", CREATED + 3 * GAP_S))
        if len(made) > 1:
            return made
    for first, second in _PAIRS:
        if {first, second} <= names:
            return [_Planned(first, CREATED), _Planned(second, CREATED + GAP_S)]
    return []


def _orders(found: Stand, subject: str, messages: Sequence[Message], only: str) -> Order:
    names = tuple(message.type for message in messages)
    first = _final(found, messages)
    time.sleep(TWIN_GAP_S)
    second = _final(found, messages)
    left_out: Columns = volatile(first[0], second[0], found.bench.schema) | found.bookkeeping
    wanted = _state(found, second[0], left_out)
    if not wanted:
        return Order(
            subject, names, reason="the events in the order of time change nothing: set values under arguments"
        )
    records = {table for message in messages for table in ledger_of(second[0], message.id)}
    if not any(row.table not in records for row in wanted):
        return Order(subject, names, skipped="the related events change nothing but their own records")
    if not all(200 <= status < 300 for status in second[1]):
        return Order(subject, names, reason=f"the events in the order of time are answered {second[1]}")
    differing: list[Tried] = []
    orders = list(itertools.permutations(range(len(messages))))[1:]
    for indexes in orders:
        name = "order@" + ".".join(str(index + 1) for index in indexes)
        if only and only != name:
            continue
        delta, answers = _final(found, [messages[index] for index in indexes])
        difference = compare(wanted, _state(found, delta, left_out))
        if difference:
            where = "the events came as " + ", ".join(f"{names[index]} ({index + 1})" for index in indexes)
            differing.append(tried(name, where, answers, difference.verdict, difference))
    if not only or only == SAME_SECOND:
        differing += _same_second(found, left_out)
    found.bench.keeper.reset()
    return Order(subject, names, orders=len(orders) + 1, differing=tuple(differing))


def _same_second(found: Stand, left_out: Columns) -> list[Tried]:
    """In the order of time, all within the second of the last: a time that is not older is not too old.

    What an app keeps of the earlier events' times differs by right: columns that hold it are found by moving those
    events further into the past, and left out.
    """
    near, far, at_once = (sequence(found, before=seconds, lasting=True) for seconds in (GAP_S, 2 * GAP_S, 0))
    if len(near) < 2:
        return []
    one, other = _final(found, near)[0], _final(found, far)[0]
    left_out = left_out | volatile(one, other, found.bench.schema)
    delta, answers = _final(found, at_once)
    difference = compare(_state(found, one, left_out), _state(found, delta, left_out))
    where = f"{', '.join(message.type for message in near)} came in this order and bore the same second"
    return [tried(SAME_SECOND, where, answers, difference.verdict, difference)] if difference else []


def _final(found: Stand, messages: Sequence[Message]) -> tuple[Delta, list[int]]:
    """What is left once every event was answered 2xx, or has come often enough."""
    found.bench.keeper.reset()
    answers = {}
    waiting = list(messages)
    for _ in range(ROUNDS):
        again = []
        for message in waiting:
            ran = found.bench.send(found.work(message))
            answers[message.id] = ran.status
            if not ran.acknowledged:
                again.append(message)
        waiting = again
    return found.bench.keeper.delta(), [answers[message.id] for message in messages]


def _state(found: Stand, delta: Delta, left_out: Columns) -> State:
    return state_of(delta, found.bench.schema, left_out)
