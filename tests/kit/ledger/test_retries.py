"""Workers: when they try, what they leave, and that nobody is held up or applied twice. The clock is moved."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kit.ledger.shop import Shop, body, event, opened
from sqlalchemy.orm import Session

from seatrial.kit.webhooks import Backoff, WebhookError, WebhookEvent

HOUR = timedelta(hours=1)


def fail(shop: Shop, *ids: str) -> None:
    """Deliveries that fail, of events that the provider goes on knowing, as it knows them after they are mended."""
    for event_id in ids:
        assert shop.deliver(body(event_id, customer="nobody")).status_code == 500
        shop.payments.events[event_id] = event(event_id)


def retried(shop: Shop) -> list[tuple[str, str]]:
    with shop.app.app_context():
        return [(event_id, result["outcome"]) for event_id, result in shop.service.retry_due()]


def test_a_failed_event_is_fetched_and_applied_when_it_is_due(shop: Shop) -> None:
    fail(shop, "evt_1")
    assert retried(shop) == []
    shop.clock.ahead += timedelta(seconds=29)
    assert retried(shop) == []
    shop.clock.ahead += timedelta(seconds=32)
    assert retried(shop) == [("evt_1", "processed")]
    assert shop.payments.fetched == [("evt_1", None)]
    row = shop.row()
    assert (row["status"], row["attempts"], row["error_message"], row["claim"]) == ("processed", 2, None, None)
    assert shop.credits() == 110
    assert shop.deliver(body("evt_1", customer="nobody")).get_json()["outcome"] == "duplicate"
    assert retried(shop) == []


def test_the_event_of_a_connected_account_is_fetched_there(shop: Shop) -> None:
    sent = {**event("evt_1", customer="nobody"), "account": "acct_7"}
    assert shop.deliver(json.dumps(sent).encode()).status_code == 500
    shop.payments.events["evt_1"] = event("evt_1")
    shop.clock.ahead += HOUR
    assert retried(shop) == [("evt_1", "processed")]
    assert shop.payments.fetched == [("evt_1", "acct_7")]


def test_delays_grow_within_their_bounds_until_the_cap_and_end_in_a_dead_letter(url: str, tmp_path: Path) -> None:
    backoff = Backoff(base=timedelta(seconds=10), cap=timedelta(seconds=60), attempts=6)
    with opened(url, tmp_path, backoff=backoff) as shop:
        shop.deliver(body(customer="nobody"))
        shop.payments.events["evt_1"] = event(customer="nobody")
        seen = []
        for attempt in range(1, 6):
            [row] = shop.rows()
            assert (row["status"], row["attempts"]) == ("failed", attempt)
            due = row["next_attempt_at"].replace(tzinfo=row["next_attempt_at"].tzinfo or UTC)
            seen.append((due - shop.clock()).total_seconds())
            shop.clock.ahead += due - shop.clock() + timedelta(milliseconds=1)
            assert retried(shop) == [("evt_1", "failed" if attempt < 5 else "dead")]
        bounds = [(4, 10), (9, 20), (19, 40), (29, 60), (29, 60)]
        assert all(low <= delay <= high for delay, (low, high) in zip(seen, bounds, strict=True)), seen
        row = shop.row()
        assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("dead", 6, None)
        assert row["error_message"].startswith("NoResultFound")
        shop.clock.ahead += timedelta(days=1)
        assert retried(shop) == []


def test_an_event_that_cannot_be_processed_holds_up_no_other(shop: Shop) -> None:
    fail(shop, "evt_1", "evt_2", "evt_3")
    shop.payments.events["evt_2"] = event("evt_2", customer="nobody")
    shop.clock.ahead += HOUR
    assert sorted(retried(shop)) == [("evt_1", "processed"), ("evt_2", "failed"), ("evt_3", "processed")]


def test_a_provider_that_is_down_costs_an_attempt_and_one_that_forgot_makes_a_dead_letter(shop: Shop) -> None:
    fail(shop, "evt_1")
    shop.payments.down = True
    shop.clock.ahead += HOUR
    assert retried(shop) == [("evt_1", "failed")]
    assert shop.row()["error_message"].startswith("PaymentError")
    shop.payments.down = False
    shop.payments.events.clear()
    shop.clock.ahead += HOUR
    assert retried(shop) == [("evt_1", "dead")]
    assert shop.row()["error_message"].startswith("EventGone")


def test_what_is_fetched_must_be_the_event(shop: Shop) -> None:
    fail(shop, "evt_1")
    shop.payments.events["evt_1"] = event("evt_2")
    shop.clock.ahead += HOUR
    assert retried(shop) == [("evt_1", "failed")]
    assert shop.row()["error_message"] == "WebhookError: the payment port fetched another event"
    shop.payments.events["evt_1"] = {"id": "cs_test_1", "object": "checkout.session"}
    shop.clock.ahead += HOUR
    assert retried(shop) == [("evt_1", "failed")]
    assert shop.row()["error_message"] == "WebhookError: what the payment port fetched is not an event"


def test_an_abandoned_claim_is_taken_again_when_its_lease_is_over(shop: Shop) -> None:
    fail(shop, "evt_1")
    shop.clock.ahead += HOUR
    with shop.app.app_context():
        abandoned = shop.ledger.claim("evt_1")  # its worker dies here
    assert abandoned is not None
    assert (shop.row()["status"], shop.row()["attempts"]) == ("processing", 2)
    assert retried(shop) == []
    assert shop.deliver(body("evt_1", customer="nobody")).status_code == 409
    shop.clock.ahead += shop.ledger._lease + timedelta(seconds=1)
    assert retried(shop) == [("evt_1", "processed")]
    assert (shop.row()["attempts"], shop.credits()) == (3, 110)


def test_a_worker_that_wakes_after_its_lease_changes_nothing(shop: Shop) -> None:

    def empties(session: Session, event: WebhookEvent) -> bool:
        session.execute(sa.text("UPDATE account SET credits = 0"))
        return True

    fail(shop, "evt_1")
    shop.clock.ahead += HOUR
    with shop.app.app_context():
        sleeping = shop.ledger.claim("evt_1")
        assert sleeping is not None
        shop.clock.ahead += shop.ledger._lease + timedelta(seconds=1)
        [(_, result)] = shop.service.retry_due()
        assert result["outcome"] == "processed"
        with pytest.raises(WebhookError, match="another process"):
            shop.ledger.work(sleeping, WebhookEvent.of(event()), empties)
        shop.ledger.release(sleeping, ValueError("late"))
    assert (shop.row()["status"], shop.row()["error_message"], shop.credits()) == ("processed", None, 110)


def test_an_event_that_kills_its_workers_ends_as_a_dead_letter(url: str, tmp_path: Path) -> None:
    with opened(url, tmp_path, backoff=Backoff(attempts=3)) as shop, shop.app.app_context():
        fail(shop, "evt_1")
        for _ in range(2):
            shop.clock.ahead += timedelta(days=1)
            assert shop.ledger.claim("evt_1") is not None
        shop.clock.ahead += timedelta(days=1)
        assert shop.ledger.claim("evt_1") is None
        assert (shop.row()["status"], shop.row()["error_message"]) == ("dead", "abandoned: its worker died")


def test_a_failing_delivery_leaves_a_workers_claim_alone(shop: Shop) -> None:
    """The delivery was under way when the worker took the event: it fails, and the worker goes on."""
    fail(shop, "evt_1")
    shop.clock.ahead += HOUR

    with shop.app.app_context():
        claim = shop.ledger.claim("evt_1")
        assert claim is not None
        late = WebhookEvent.of(event("evt_1", customer="nobody"))
        shop.ledger._record_failed_delivery(shop.session(), late, ValueError("late"))
        assert (shop.row()["status"], shop.row()["claim"]) == ("processing", claim.token)
        assert shop.ledger.work(claim, WebhookEvent.of(event()), shop.service._process)["outcome"] == "processed"


def test_a_failure_that_is_recorded_late_takes_no_processed_row_back(shop: Shop) -> None:
    """The answer of a commit was lost: the work is done, the process believes it failed."""
    shop.deliver(body())
    with shop.app.app_context():
        shop.ledger._record_failed_delivery(shop.session(), WebhookEvent.of(event()), ValueError("late"))
    assert (shop.row()["status"], shop.row()["attempts"]) == ("processed", 1)
    assert shop.deliver(body()).get_json()["outcome"] == "duplicate"


def test_dead_letters_are_listed_requeued_and_tried_with_all_their_attempts(url: str, tmp_path: Path) -> None:
    with opened(url, tmp_path, backoff=Backoff(attempts=1)) as shop, shop.app.app_context():
        fail(shop, "evt_1")
        [entry] = shop.ledger.entries("dead")
        assert (entry.event_id, entry.attempts, entry.status) == ("evt_1", 1, "dead")
        assert shop.ledger.requeue("evt_1") == "dead"
        assert (shop.row()["status"], shop.row()["attempts"]) == ("pending", 0)
        assert retried(shop) == [("evt_1", "processed")]
        assert shop.ledger.requeue("evt_1") == "processed"
        assert shop.row()["status"] == "processed"
        assert shop.ledger.requeue("evt_none") is None
        assert shop.ledger.counts() == {"processed": 1}


def test_thin_events_are_fetched_before_their_handler_sees_them(shop: Shop) -> None:
    kind = "v1.billing.meter.no_meter_found"
    thin = {
        "id": "evt_65",
        "object": "v2.core.event",
        "type": kind,
        "created": "2026-11-01T10:00:00.000Z",
        "context": "acct_9",
        "livemode": False,
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
    }
    seen = []

    @shop.service.on(kind)
    def note(session: Session, event: WebhookEvent) -> None:
        seen.append((event.thin, event.object["id"], event.data["reason"], event.account))
        session.execute(sa.text("UPDATE account SET credits = credits + 1"))

    assert shop.deliver(json.dumps(thin).encode()).status_code == 500
    shop.payments.events["evt_65"] = {**thin, "data": {"reason": "no meter"}}
    assert shop.deliver(json.dumps(thin).encode()).status_code == 200
    assert shop.deliver(json.dumps(thin).encode()).get_json()["outcome"] == "duplicate"
    assert seen == [(True, "mtr_1", "no meter", "acct_9")]
    assert shop.payments.fetched == [("evt_65", "acct_9")] * 2
    assert shop.credits() == 101


def test_a_scheduler_gets_a_job_that_never_raises(shop: Shop) -> None:
    fail(shop, "evt_1")
    shop.clock.ahead += HOUR
    job = shop.service.scheduled(shop.app)
    assert job() == 1
    assert shop.credits() == 110
    shop.metadata.drop_all(shop.engine)
    assert job() == 0


def test_processed_rows_are_purged_and_kept_as_long_as_they_can_come_again(shop: Shop) -> None:
    shop.deliver(body("evt_1"))
    fail(shop, "evt_2")
    with shop.app.app_context():
        with pytest.raises(ValueError, match="30 days"):
            shop.ledger.purge(timedelta(days=29))
        assert shop.ledger.purge(timedelta(days=30)) == 0
        shop.clock.ahead += timedelta(days=31)
        assert shop.ledger.purge(timedelta(days=30)) == 1
    assert [row["stripe_event_id"] for row in shop.rows()] == ["evt_2"]


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_every_delay_is_between_half_and_whole(draw: float) -> None:
    backoff = Backoff(draw=lambda: draw)
    wholes = [min(backoff.cap, backoff.base * 2**number) for number in range(12)]
    delays = [backoff.delay(number + 1) for number in range(12)]
    assert all(whole / 2 <= delay <= whole for whole, delay in zip(wholes, delays, strict=True))
    assert delays == sorted(delays)
    assert backoff.delay(10**9) <= backoff.cap


@pytest.mark.parametrize("wrong", [{"base": timedelta()}, {"cap": timedelta(seconds=1)}, {"attempts": 0}])
def test_a_backoff_that_makes_no_sense_is_refused(wrong: dict[str, timedelta]) -> None:
    with pytest.raises(ValueError, match="needs base"):
        Backoff(**wrong)  # type: ignore[arg-type]


def test_sqlite_times_keep_their_zone(shop: Shop) -> None:
    shop.deliver(body())
    with shop.app.app_context():
        [entry] = shop.ledger.entries("processed")
    assert entry.processed_at is not None
    assert abs(entry.processed_at - datetime.now(UTC)) < HOUR
