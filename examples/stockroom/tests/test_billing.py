from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest
from conftest import WEBHOOK_SECRET
from flask import Flask
from werkzeug.test import TestResponse

from stockroom.extensions import db
from stockroom.models import StripeEvent, Subscription
from stockroom.services import billing

PATH = "/billing/webhooks/stripe"


def event(event_id: str = "evt_1", **changes: object) -> bytes:
    session = {"client_reference_id": "1", "customer": "cus_harbour", "metadata": {"plan": "business"}, **changes}
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
    def broken(event: billing.Event) -> None:
        raise RuntimeError("down")

    with monkeypatch.context() as patch:
        patch.setattr(billing, "_apply", broken)
        assert deliver(app, event()).status_code == 500
    assert credits(app) == 100
    assert deliver(app, event()).status_code == 200
    assert credits(app) == 200
    with app.app_context():
        row = db.session.query(StripeEvent).filter_by(stripe_event_id="evt_1").one()
        assert (row.status, row.attempts, row.error_message) == ("processed", 2, None)


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
