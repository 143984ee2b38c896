"""Real processes on a real PostgreSQL, at the same time."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from kit.ledger.shop import Shop, body, event, opened
from sqlalchemy.orm import Session

from seatrial.kit.webhooks import WebhookEvent

ROUNDS = 4


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Iterator[Shop]:
    with opened(postgres_url, tmp_path) as shop:
        yield shop


def started(work: Callable[[], int]) -> tuple[int, int]:
    """(pid, pipe): a child that waits for a byte on the pipe, and ends with what `work` gives, as its exit code."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.close(writing)
            os.read(reading, 1)
            code = work()
        finally:
            os._exit(code)
    os.close(reading)
    return child, writing


def delivered(shop: Shop, *about: str, **subject: str) -> int:
    """The class of the answer: an exit code cannot hold the status."""
    return shop.deliver(body(*about, **subject)).status_code // 100


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def together(*works: Callable[[], int]) -> list[int]:
    """What they gave when they were let go at the same time."""
    children = [started(work) for work in works]
    for _, pipe in children:
        os.write(pipe, b"!")
        os.close(pipe)
    return [ended(child) for child, _ in children]


def test_deliveries_of_one_event_at_once_apply_it_once(shop: Shop) -> None:
    for number in range(ROUNDS):
        event_id = f"evt_{number}"
        answers = together(*[partial(delivered, shop, event_id)] * 3)
        assert answers == [2, 2, 2]
        assert shop.credits() == 100 + 10 * (number + 1)
    assert [row["attempts"] for row in shop.rows()] == [1] * ROUNDS
    assert len(shop.rows("purchase")) == ROUNDS


def test_workers_and_a_delivery_at_once_apply_it_once(shop: Shop) -> None:
    def work() -> int:
        with shop.app.app_context():
            return len(shop.service.retry_due())

    for number in range(ROUNDS):
        event_id = f"evt_{number}"
        with shop.engine.begin() as connection:
            connection.execute(sa.text("UPDATE account SET customer = 'away'"))
        assert shop.deliver(body(event_id)).status_code == 500
        with shop.engine.begin() as connection:
            connection.execute(sa.text("UPDATE account SET customer = 'cus_1'"))
        shop.payments.events[event_id] = event(event_id)
        shop.clock.ahead += timedelta(hours=1)
        first, second, answer = together(work, work, partial(delivered, shop, event_id))
        assert first + second <= 1
        assert answer in (2, 4)  # 200, or 409: a worker has it
        assert shop.credits() == 100 + 10 * (number + 1)
        assert shop.rows()[-1]["status"] == "processed"


def test_a_twin_waits_while_the_first_is_unfinished_and_goes_on_when_it_dies(shop: Shop) -> None:
    """No 2xx before the effects are durable: the first holds its transaction open until it is killed."""
    here, there = os.pipe()

    @shop.service.on("invoice.paid")
    def slow(session: Session, event: WebhookEvent) -> None:
        session.execute(sa.text("UPDATE account SET credits = credits + 1"))
        if os.environ.get("SHOP_SLOW"):
            os.write(there, b"!")
            signal.pause()

    def first() -> int:
        os.environ["SHOP_SLOW"] = "1"
        return delivered(shop, "evt_1", "invoice.paid")

    slow_one, go = started(first)
    os.write(go, b"!")
    assert os.read(here, 1) == b"!"
    waiting, go_too = started(partial(delivered, shop, "evt_1", "invoice.paid"))
    os.write(go_too, b"!")
    wait_for(lambda: blocked(shop) == 1)
    assert os.waitpid(waiting, os.WNOHANG) == (0, 0)
    os.kill(slow_one, signal.SIGKILL)
    assert ended(slow_one) == -signal.SIGKILL
    assert ended(waiting) == 2
    assert (shop.credits(), shop.row()["status"], shop.row()["attempts"]) == (101, "processed", 1)
    for pipe in (here, there, go, go_too):
        os.close(pipe)


def test_a_worker_passes_by_an_event_that_is_being_delivered(shop: Shop) -> None:
    """Locked rows are skipped: one slow delivery does not stop the queue."""
    assert shop.deliver(body("evt_1", customer="nobody")).status_code == 500
    assert shop.deliver(body("evt_2", customer="nobody")).status_code == 500
    shop.payments.events = {"evt_1": event("evt_1"), "evt_2": event("evt_2")}
    shop.clock.ahead += timedelta(hours=1)
    with shop.engine.begin() as connection, shop.app.app_context():
        connection.execute(sa.text("UPDATE stripe_events SET status = status WHERE stripe_event_id = 'evt_1'"))
        assert [found[0] for found in shop.service.retry_due()] == ["evt_2"]


def test_two_events_for_one_effect_at_once_cause_it_once(shop: Shop) -> None:
    @shop.service.on("payment_intent.succeeded", "charge.succeeded")
    def fulfil(session: Session, event: WebhookEvent) -> None:
        if shop.effects.first(session, f"{event.object['id']}:fulfil"):
            session.execute(sa.text("UPDATE account SET credits = credits + 50"))

    for number in range(ROUNDS):
        answers = together(
            partial(delivered, shop, f"evt_a{number}", "payment_intent.succeeded", id=f"pi_{number}"),
            partial(delivered, shop, f"evt_b{number}", "charge.succeeded", id=f"pi_{number}"),
        )
        assert answers == [2, 2]
        assert shop.credits() == 100 + 50 * (number + 1)


def blocked(shop: Shop) -> int:
    with shop.engine.connect() as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        return int(connection.execute(sa.text(asked)).scalar_one())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        with contextlib.suppress(InterruptedError):
            time.sleep(0.01)
