"""What one delivery, and its repetitions, leave behind; on both databases and with every kind of session."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kit.ledger.shop import FLAVOURS, Shop, body, event, opened
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from seatrial.kit.webhooks import Backoff, WebhookError, WebhookEvent, http_status


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_event_is_applied_once_whatever_session_the_app_has(url: str, tmp_path: Path, flavour: str) -> None:
    with opened(url, tmp_path, flavour) as shop:
        answers = [shop.deliver(body()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert [answer.get_json()["outcome"] for answer in answers] == ["processed", "duplicate", "duplicate"]
        assert (shop.credits(), len(shop.rows("purchase"))) == (110, 1)
        row = shop.row()
        assert (row["stripe_event_id"], row["event_type"]) == ("evt_1", "checkout.session.completed")
        assert (row["status"], row["attempts"], row["error_message"], row["claim"]) == ("processed", 1, None, None)
        assert row["processed_at"] is not None
        assert row["next_attempt_at"] is None


def test_the_table_has_the_columns_that_were_planned(shop: Shop) -> None:
    table = shop.ledger.table
    planned = {"stripe_event_id", "event_type", "status", "payload_hash", "processed_at", "error_message", "created_at"}
    assert planned | {"attempts", "next_attempt_at"} <= set(table.c.keys())
    shop.engine.dispose()
    with shop.engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO stripe_events (stripe_event_id, event_type, payload_hash) VALUES ('evt_x', 't', 'h')")
        )
    assert (shop.row()["status"], shop.row()["attempts"]) == ("pending", 0)
    with pytest.raises(IntegrityError), shop.engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO stripe_events (stripe_event_id, event_type, payload_hash) VALUES ('evt_x', 't', 'h')")
        )


def test_the_result_says_what_became_of_the_event(shop: Shop) -> None:
    with shop.app.app_context():
        first = shop.service.handle_webhook_event(event())
        again = shop.service.handle_webhook_event(event())
    assert set(first) == {"success", "message", "processed_at", "outcome"}
    assert (first["success"], first["outcome"], http_status(first)) == (True, "processed", 200)
    assert again["outcome"] == "duplicate"
    assert again["processed_at"] == first["processed_at"] is not None
    assert first["processed_at"].tzinfo is not None


def test_what_fails_is_rolled_back_recorded_and_applied_by_the_next_delivery(shop: Shop) -> None:
    broken = event(customer="cus_unknown")
    answer = shop.deliver(json.dumps(broken).encode())
    assert answer.status_code == 500
    assert answer.get_json()["error"]["code"] == "EVENT_NOT_PROCESSED"
    row = shop.row()
    assert (row["status"], row["attempts"], row["claim"]) == ("failed", 1, None)
    assert row["error_message"].startswith("NoResultFound in complete, shop.py:")
    assert row["next_attempt_at"] is not None
    with shop.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO account (id, customer, credits) VALUES (2, 'cus_unknown', 0)"))
    assert shop.deliver(json.dumps(broken).encode()).status_code == 200
    row = shop.row()
    assert (row["status"], row["attempts"], row["error_message"], row["next_attempt_at"]) == (
        "processed",
        2,
        None,
        None,
    )
    assert [account["credits"] for account in shop.rows("account")] == [100, 10]


def test_a_handler_that_fails_after_its_writes_leaves_none_of_them(shop: Shop) -> None:
    @shop.service.on("invoice.paid")
    def write_and_fail(session: Session, event: WebhookEvent) -> None:
        session.execute(sa.text("UPDATE account SET credits = 0"))
        raise WebhookError("the invoice is not known here yet")

    assert shop.deliver(body("evt_2", "invoice.paid")).status_code == 500
    assert shop.credits() == 100
    assert shop.row()["error_message"] == "WebhookError: the invoice is not known here yet"


def test_an_error_of_a_business_table_is_no_duplicate(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO purchase (account_id, note) VALUES (1, 'evt_1')"))
    assert shop.deliver(body()).status_code == 500
    row = shop.row()
    assert row["status"] == "failed"
    assert row["error_message"].startswith("IntegrityError (")
    assert "cus_1" not in row["error_message"]
    assert shop.credits() == 100


def test_what_is_recorded_of_a_failure_holds_nothing_of_the_payload(shop: Shop) -> None:
    @shop.service.on("customer.updated")
    def leak(session: Session, event: WebhookEvent) -> None:
        int(event.object["customer"])

    assert shop.deliver(body("evt_3", "customer.updated", customer="jane@example.com")).status_code == 500
    assert shop.row()["error_message"].startswith("ValueError in leak, test_delivery.py:")
    assert "jane" not in shop.row()["error_message"]


def test_another_payload_under_a_processed_id_is_recorded_and_not_applied(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.deliver(body())
    before = shop.row()
    with caplog.at_level(logging.WARNING):
        answer = shop.deliver(body(amount=5))
    assert (answer.status_code, answer.get_json()["outcome"]) == (200, "conflict")
    row = shop.row()
    assert (row["conflicts"], row["status"], row["payload_hash"]) == (1, "processed", before["payload_hash"])
    assert row["conflict_hash"] not in (None, row["payload_hash"])
    assert shop.credits() == 110
    assert "another payload" in caplog.text


def test_another_payload_under_a_failed_id_is_not_applied_and_the_first_one_is(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.execute(sa.text("UPDATE account SET customer = 'cus_later'"))
    assert shop.deliver(body()).status_code == 500
    assert shop.deliver(body(customer="cus_later")).status_code == 409
    assert shop.credits() == 100
    with shop.engine.begin() as connection:
        connection.execute(sa.text("UPDATE account SET customer = 'cus_1'"))
    assert shop.deliver(body()).status_code == 200
    row = shop.row()
    assert (row["status"], row["conflicts"], shop.credits()) == ("processed", 1, 110)


def test_the_number_of_waiting_endpoints_is_no_other_payload(shop: Shop) -> None:
    shop.deliver(json.dumps({**event(), "pending_webhooks": 2}).encode())
    answer = shop.deliver(json.dumps(dict(reversed(event().items()))).encode())
    assert answer.get_json()["outcome"] == "duplicate"
    assert shop.row()["conflicts"] == 0


def test_types_without_a_handler_are_recorded_and_answered_200(shop: Shop) -> None:
    answer = shop.deliver(body("evt_9", "radar.early_fraud_warning.created"))
    assert (answer.status_code, answer.get_json()["outcome"]) == (200, "ignored")
    assert shop.row()["status"] == "processed"
    assert shop.credits() == 100


def test_events_of_the_other_mode_are_not_applied(shop: Shop) -> None:
    for livemode in (True, lambda: True):
        shop.service._livemode = livemode
        event_id = f"evt_{callable(livemode)}"
        assert shop.deliver(body(event_id)).get_json()["outcome"] == "ignored"
    assert shop.credits() == 100
    shop.service._livemode = lambda: False
    assert shop.deliver(body("evt_3")).get_json()["outcome"] == "processed"
    assert shop.credits() == 110


def test_of_connected_accounts_those_that_are_named_are_applied(shop: Shop) -> None:
    def delivered(event_id: str, accounts: object) -> str:
        shop.service._accounts = accounts  # type: ignore[assignment]
        sent = json.dumps({**event(event_id), "account": "acct_7"}).encode()
        return str(shop.deliver(sent).get_json()["outcome"])

    given = [(), ("acct_8",), lambda: {"acct_8"}, ("acct_7",), lambda: ["acct_7"], None]
    outcomes = [delivered(f"evt_{number}", accounts) for number, accounts in enumerate(given)]
    assert outcomes == ["ignored"] * 3 + ["processed"] * 3
    assert shop.credits() == 130
    shop.service._accounts = ()
    assert shop.deliver(body("evt_own")).get_json()["outcome"] == "processed"


@pytest.mark.parametrize(("held", "answer", "credits"), [(60, 409, 100), (-60, 200, 110)])
def test_a_claim_holds_a_delivery_off_until_its_lease_is_over(shop: Shop, held: int, answer: int, credits: int) -> None:
    shop.deliver(body(customer="nobody"))
    shop.clock.ahead += shop.ledger._lease  # past every jitter of the first delay
    with shop.app.app_context():
        assert shop.ledger.claim("evt_1") is not None
    shop.clock.ahead += shop.ledger._lease * (1 if held < 0 else 0)
    with shop.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO account (id, customer, credits) VALUES (2, 'nobody', 0)"))
    assert shop.deliver(body(customer="nobody")).status_code == answer
    assert sum(account["credits"] for account in shop.rows("account")) == credits


def test_a_handler_that_commits_by_itself_is_stopped_before_it_does(shop: Shop) -> None:
    @shop.service.on("invoice.paid")
    def commits(session: Session, event: WebhookEvent) -> None:
        session.execute(sa.text("UPDATE account SET credits = 0"))
        session.commit()

    assert shop.deliver(body("evt_2", "invoice.paid")).status_code == 500
    assert shop.credits() == 100
    assert shop.row()["error_message"].startswith("CommitRefused")


def test_a_handler_may_use_savepoints(shop: Shop) -> None:
    @shop.service.on("invoice.paid")
    def tries(session: Session, event: WebhookEvent) -> None:
        with session.begin_nested():
            session.execute(sa.text("UPDATE account SET credits = 7"))
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(sa.text("INSERT INTO account (id, customer, credits) VALUES (1, 'twice', 0)"))

    assert shop.deliver(body("evt_2", "invoice.paid")).status_code == 200
    assert shop.credits() == 7


def test_a_handler_that_rolls_back_by_itself_is_not_taken_for_done(shop: Shop) -> None:
    @shop.service.on("invoice.paid")
    def rolls_back(session: Session, event: WebhookEvent) -> None:
        session.rollback()
        session.execute(sa.text("UPDATE account SET credits = 0"))

    assert shop.deliver(body("evt_2", "invoice.paid")).status_code == 500
    assert shop.credits() == 100
    assert shop.row()["error_message"].startswith("ClaimLost")


def test_the_last_failure_makes_a_dead_letter_and_a_delivery_revives_it(url: str, tmp_path: Path) -> None:
    with opened(url, tmp_path, backoff=Backoff(attempts=2)) as shop:
        refused = body(customer="later")
        assert [shop.deliver(refused).status_code for _ in range(2)] == [500, 500]
        assert (shop.row()["status"], shop.row()["next_attempt_at"]) == ("dead", None)
        with shop.engine.begin() as connection:
            connection.execute(sa.text("UPDATE account SET customer = 'later'"))
        assert shop.deliver(refused).status_code == 200
        assert (shop.row()["status"], shop.credits()) == ("processed", 110)


def test_one_effect_for_two_events_of_one_object(shop: Shop) -> None:
    def fulfil(session: Session, event: WebhookEvent) -> None:
        if shop.effects.first(session, f"{event.object['id']}:fulfil"):
            session.execute(sa.text("UPDATE account SET credits = credits + 50"))

    shop.service.on("checkout.session.async_payment_succeeded", "payment_intent.succeeded")(fulfil)
    kinds = ["checkout.session.async_payment_succeeded", "payment_intent.succeeded", "payment_intent.succeeded"]
    answers = [shop.deliver(body(f"evt_{number}", kind)) for number, kind in enumerate(kinds)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert shop.credits() == 150
    with shop.app.app_context(), pytest.raises(ValueError, match="1 to 255"):
        shop.effects.first(shop.session(), "x" * 256)


def test_one_effect_also_where_the_database_returns_nothing_of_an_insert(shop: Shop) -> None:
    """SQLite before 3.35."""
    if shop.engine.dialect.name == "sqlite":
        shop.engine.dialect.insert_returning = False
        with shop.app.app_context():
            assert [shop.effects.first(shop.session(), key) for key in ("a", "a", "b")] == [True, False, True]
    assert shop.deliver(body()).status_code == 200


def test_an_effect_of_a_delivery_that_failed_is_still_to_be_caused(shop: Shop) -> None:
    failing = [True, False]

    @shop.service.on("payment_intent.succeeded")
    def fulfil(session: Session, event: WebhookEvent) -> None:
        if shop.effects.first(session, "pi_1:fulfil"):
            session.execute(sa.text("UPDATE account SET credits = credits + 50"))
        if failing.pop(0):
            raise WebhookError("not yet")

    assert [shop.deliver(body(kind="payment_intent.succeeded")).status_code for _ in range(2)] == [500, 200]
    assert shop.credits() == 150


def test_a_type_has_one_handler(small: Shop) -> None:
    with pytest.raises(ValueError, match="has a handler already"):
        small.service.on("checkout.session.completed")(lambda session, event: None)


def test_another_database_is_named_with_the_way_out() -> None:
    from sqlalchemy.dialects import mysql

    from seatrial.kit.transactions import UnsupportedDatabase, insert

    class Elsewhere:
        dialect = mysql.dialect()

    class Bound(Session):
        def get_bind(self, *args: Any, **kwargs: Any) -> Any:
            return Elsewhere()

    with pytest.raises(UnsupportedDatabase, match="PostgreSQL or SQLite, not on mysql"):
        insert(Bound(), sa.Table("t", sa.MetaData()))
