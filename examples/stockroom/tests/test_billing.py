from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from conftest import WEBHOOK_SECRET, Browser
from flask import Flask
from seatrial.kit.ports import PaymentPort, ports
from seatrial.kit.ports.fakes import FakePayments
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from stockroom.extensions import db
from stockroom.models import StripeEvent, Subscription
from stockroom.services import billing

PATH = "/billing/webhooks/stripe"


def event(event_id: str = "evt_1", **changes: object) -> bytes:
    session = {
        "id": "cs_1",
        "client_reference_id": "1",
        "customer": "cus_harbour",
        "metadata": {"plan": "business"},
        **changes,
    }
    body = {"id": event_id, "type": "checkout.session.completed", "created": 1, "data": {"object": session}}
    return json.dumps(body).encode()


def deliver(app: Flask, payload: bytes, secret: str = WEBHOOK_SECRET, age: int = 0) -> TestResponse:
    sent = int(time.time()) - age
    digest = hmac.new(secret.encode(), b"%d." % sent + payload, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={sent},v1={digest}"}
    return app.test_client().post(PATH, data=payload, headers=headers, content_type="application/json")


def credits(app: Flask) -> int:
    with app.app_context():
        return db.session.query(Subscription.credits).filter_by(organization_id=1).scalar()


def test_event_is_applied_once(app: Flask) -> None:
    assert [deliver(app, event()).status_code for _ in range(3)] == [200, 200, 200]
    assert credits(app) == 200


def test_failed_event_can_be_sent_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("down")

    with monkeypatch.context() as patch:
        patch.setattr(billing, "_plan", broken)
        assert deliver(app, event()).status_code == 500
    assert credits(app) == 100
    assert row(app).status == "failed"
    assert deliver(app, event()).status_code == 200
    assert credits(app) == 200
    assert (row(app).status, row(app).attempts, row(app).error_message) == ("processed", 2, None)


def test_a_retry_applies_the_event_as_the_payment_port_gives_it_not_as_it_was_delivered(app: Flask) -> None:
    """The table keeps no payload: the organisation, the plan and the customer are those of the newer object."""
    assert deliver(app, event(client_reference_id="77", metadata={"plan": "business"})).status_code == 500
    newer = event(client_reference_id="1", metadata={"plan": "team"}, customer="cus_newer")
    with app.app_context():
        db.session.execute(update(StripeEvent).values(next_attempt_at=datetime.now(UTC)))
        db.session.commit()
        with ports(app).swapped(PaymentPort, FakePayments(json.loads(newer))) as payments:
            assert billing.retry_failed() == 1
        assert payments.fetched == [("evt_1", None)]
        found = db.session.scalars(select(Subscription).where(Subscription.organization_id == 1)).one()
        assert (found.credits, found.plan, found.stripe_customer_id) == (200, "team", "cus_newer")
    assert (row(app).status, row(app).attempts) == ("processed", 2)


def test_a_retry_that_cannot_fetch_the_event_applies_nothing_and_tries_again_later(app: Flask) -> None:
    assert deliver(app, event(client_reference_id="77")).status_code == 500
    with app.app_context():
        db.session.execute(update(StripeEvent).values(next_attempt_at=datetime.now(UTC)))
        db.session.commit()
        with ports(app).swapped(PaymentPort, FakePayments(json.loads(event()))) as payments:
            payments.down = True
            assert billing.retry_failed() == 1
    assert credits(app) == 100
    assert (row(app).status, row(app).attempts) == ("failed", 2)


@pytest.mark.parametrize("change", [{"livemode": True}, {"account": "acct_1Foreign"}])
def test_an_event_of_live_mode_or_of_another_account_is_recorded_and_not_applied(
    app: Flask, change: dict[str, object]
) -> None:
    body = json.dumps({**json.loads(event()), **change}).encode()
    assert deliver(app, body).status_code == 200
    assert credits(app) == 100
    assert row(app).status == "processed"


def test_two_events_of_one_checkout_are_one_sale(app: Flask) -> None:
    assert [deliver(app, event(name)).status_code for name in ("evt_1", "evt_2")] == [200, 200]
    assert credits(app) == 200


def row(app: Flask) -> StripeEvent:
    with app.app_context():
        return db.session.scalars(select(StripeEvent).where(StripeEvent.stripe_event_id == "evt_1")).one()


def test_other_payload_is_not_applied(app: Flask) -> None:
    deliver(app, event())
    assert deliver(app, event(amount=5)).status_code == 200
    assert credits(app) == 200


@pytest.mark.parametrize("header", [None, "", "garbage", "t=1", "t=x,v1=é", "t=1,v1=00", "v1=00"])
def test_bad_signature(app: Flask, header: str | None) -> None:
    headers = {} if header is None else {"Stripe-Signature": header.encode().decode("latin-1")}
    assert app.test_client().post(PATH, data=event(), headers=headers).status_code == 400


def test_wrong_secret_stale_and_malformed(app: Flask) -> None:
    assert deliver(app, event(), secret="other").status_code == 400
    assert deliver(app, event(), age=301).status_code == 400
    for payload in (b"[]", b"null", b"{", b"\xff", b"{}"):
        assert deliver(app, payload).status_code == 400
    assert credits(app) == 100


def test_the_payment_provider_is_swapped_and_no_route_with_it(app: Flask, owner: Browser) -> None:
    with ports(app).swapped(PaymentPort, FakePayments()) as payments:
        answer = owner.post("/billing/checkout", {"plan": "team"}, page="/billing/")
        assert (answer.status_code, answer.location) == (303, "https://payments.example/checkout/1")
        assert [checkout.metadata for checkout in payments.checkouts] == [{"plan": "team"}]
        payments.down = True
        assert owner.post("/billing/checkout", {"plan": "team"}, page="/billing/").status_code == 503


def test_stock_is_taken_once_per_key(owner: Browser) -> None:
    def use(quantity: int, key: str = '"a"') -> TestResponse:
        headers = {"Referer": "https://localhost/", "X-CSRFToken": owner.token("/team/"), "Idempotency-Key": key}
        path = "/api/v1/items/1/adjust"
        return owner.client.post(path, base_url="https://localhost", json={"use": quantity}, headers=headers)

    left = [use(100).json["on_hand"], use(100).json["on_hand"], use(100, '"b"').json["on_hand"]]
    assert [left[0] - amount for amount in left] == [0, 0, 100]
    assert use(5).status_code == 422
