"""After any crash point, redelivery or retry reaches the state of one clean delivery: every point is tried."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kit.ledger.faults import Kind, Told, forked
from kit.ledger.shop import Shop, body, event, opened

LATER = timedelta(hours=7)
"""Past every delay and every lease."""


def deliver(shop: Shop) -> Any:
    return shop.deliver(body()).status_code


def redelivered(shop: Shop) -> None:
    """As Stripe does: until 2xx, signed anew."""
    for _ in range(5):
        if forked(shop, lambda: deliver(shop)).answer == 200:
            return
    pytest.fail("it never answered 2xx")


def retry(shop: Shop) -> Any:
    with shop.app.app_context():
        return [result["outcome"] for _, result in shop.service.retry_due()]


def clean_delivery(shop: Shop) -> tuple[Told, Any]:
    told = forked(shop, lambda: deliver(shop))
    assert told.answer == 200
    state = shop.state()
    shop.reset()
    return told, state


def test_the_boundaries_of_a_clean_delivery(shop: Shop) -> None:
    told, (data, done, effects) = clean_delivery(shop)
    # insert, claim, the handler's three, mark; nothing is committed before the end
    assert told.crossed == [*["statement"] * 5, "mail", "mail", "statement", "commit", "committed", "answer"]
    assert (data["account"][0]["credits"], len(data["purchase"]), done) == (110, 1, [True])
    assert effects == {"evt_1:mail thanks"}


@pytest.mark.parametrize("kind", ["kill", pytest.param("error", marks=pytest.mark.matrix)])
def test_after_any_fault_redelivery_reaches_the_state_of_one_delivery(shop: Shop, kind: Kind) -> None:
    every_fault(shop, kind)


@pytest.mark.matrix
def test_the_same_with_a_session_for_every_delivery(url: str, tmp_path: Path) -> None:
    with opened(url, tmp_path, "sessionmaker") as shop:
        every_fault(shop, "kill")


def every_fault(shop: Shop, kind: Kind) -> None:
    told, clean = clean_delivery(shop)
    for point in range(1, len(told.crossed) + 1):
        hit = forked(shop, lambda: deliver(shop), kind, {point})
        assert hit.answer in ((None,) if kind == "kill" else (200, 500))
        if hit.answer == 200:
            assert shop.state() == clean, f"2xx before the effects were durable: point {point}"
        redelivered(shop)
        assert shop.state() == clean, f"point {point}, {told.crossed[point - 1]}"
        shop.reset()


@pytest.mark.matrix
def test_a_second_fault_during_the_recovery_changes_nothing(shop: Shop) -> None:
    told, clean = clean_delivery(shop)
    points = len(told.crossed)
    for first, second in [(point, other) for point in range(1, points, 4) for other in range(2, points, 4)]:
        forked(shop, lambda: deliver(shop), "error", {first})
        forked(shop, lambda: deliver(shop), "kill", {second})
        redelivered(shop)
        assert shop.state() == clean, (first, second)
        shop.reset()


def test_a_database_that_is_down_for_the_whole_delivery(shop: Shop) -> None:
    _, clean = clean_delivery(shop)
    hit = forked(shop, lambda: deliver(shop), "error", set(range(1, 100)))
    assert hit.answer == 500
    assert shop.outbox.effects() == set()
    redelivered(shop)
    assert shop.state() == clean


def failed(shop: Shop) -> None:
    """An event that failed and is due, and that the provider knows."""
    shop.clock.ahead = timedelta()
    assert shop.deliver(body(customer="nobody")).status_code == 500
    shop.clock.ahead += LATER
    shop.payments.events["evt_1"] = event()


@pytest.mark.parametrize("kind", ["kill", pytest.param("error", marks=pytest.mark.matrix)])
def test_after_any_fault_of_a_worker_the_next_one_reaches_the_same_state(shop: Shop, kind: Kind) -> None:
    failed(shop)
    told = forked(shop, lambda: retry(shop))
    assert told.answer == ["processed"]
    clean = shop.state()
    for point in range(1, len(told.crossed) + 1):
        shop.reset()
        failed(shop)
        forked(shop, lambda: retry(shop), kind, {point})
        for _ in range(3):
            shop.clock.ahead += LATER
            if forked(shop, lambda: retry(shop)).answer == ["processed"]:
                break
        assert shop.state() == clean, f"point {point}, {told.crossed[point - 1]}"
