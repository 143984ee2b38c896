"""What is no delivery of ours is answered 400 or 413, never 500, and leaves nothing behind."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from flask import request
from kit.ledger.shop import PATH, SECRET, Shop, body, event, signed
from werkzeug.test import TestResponse

from seatrial.kit.webhooks import Refused, WebhookEvent
from seatrial.kit.webhooks.signature import sign, verify


def untouched(shop: Shop, answer: TestResponse, status: int = 400) -> None:
    assert answer.status_code == status
    assert answer.get_json()["error"]["code"] == "WEBHOOK_REFUSED"
    assert shop.rows() == []
    assert shop.credits() == 100


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "garbage",
        "t=1",
        "v1=00",
        "t=,v1={ours}",
        "t=x,v1={ours}",
        "t={now},v1=é",
        "t={now},v1=",
        "t={now},v0={ours}",
        "t={now},t={now},v1={ours}",
        "t=" + "9" * 400 + ",v1={ours}",
        "t=²,v1={ours}",
        "t={now},v1=" + "0" * 100_000,
        "t={now},v1=" + "0" * 5_000 + ",v1={ours}",
        "=,=,=",
    ],
    ids=lambda header: str(header)[:40],
)
def test_malformed_signatures(small: Shop, header: str | None) -> None:
    ours = signed(body())["Stripe-Signature"]
    now, _, digest = ours.removeprefix("t=").partition(",v1=")
    headers = {}
    if header is not None:
        headers = {"Stripe-Signature": header.format(now=now, ours=digest).encode().decode("latin-1")}
    untouched(small, small.client.post(PATH, data=body(), headers=headers))
    assert small.client.post(PATH, data=body(), headers={"Stripe-Signature": ours}).status_code == 200


def test_tampered_stale_early_and_foreign(small: Shop) -> None:
    untouched(small, small.client.post(PATH, data=body(amount=1), headers=signed(body())))
    untouched(small, small.deliver(body(), age=301))
    untouched(small, small.deliver(body(), age=-301))
    untouched(small, small.deliver(body(), secret="whsec_of_somebody_else"))
    assert small.deliver(body(), age=290).status_code == 200


def test_spaces_and_several_signatures_are_stripe(small: Shop) -> None:
    moment, _, ours = signed(body())["Stripe-Signature"].partition(",")
    header = f"{moment}, v1={'0' * 64}, {ours}, v0=1"
    assert small.client.post(PATH, data=body(), headers={"Stripe-Signature": header}).status_code == 200


def test_secrets_rotate(small: Shop) -> None:
    secrets = [SECRET, "whsec_new"]
    small.service._secrets = lambda: secrets
    assert small.deliver(body("evt_1"), secret="whsec_new").status_code == 200
    assert small.deliver(body("evt_2")).status_code == 200
    secrets.remove(SECRET)
    assert small.deliver(body("evt_3")).status_code == 400
    assert small.deliver(body("evt_3"), secret="whsec_new").status_code == 200


@pytest.mark.parametrize("secret", ["", "   ", []])
def test_without_a_secret_every_delivery_is_refused(small: Shop, secret: Any, caplog: pytest.LogCaptureFixture) -> None:
    small.service._secrets = secret
    with caplog.at_level(logging.ERROR):
        untouched(small, small.deliver(body(), secret=""))
    assert "No webhook secret is configured" in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"evt"',
        b"{",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"id": NaN}',
        b"9" * 5000,
        json.dumps({**event(), "id": 1}).encode(),
        json.dumps({**event(), "id": ""}).encode(),
        json.dumps({**event(), "id": "evt_\0"}).encode(),
        json.dumps({**event(), "id": "evt_\ud800"}).encode(),
        json.dumps({**event(), "id": "e" * 256}).encode(),
        json.dumps({**event(), "type": None}).encode(),
        json.dumps({**event(), "type": "t" * 256}).encode(),
        json.dumps({**event(), "data": None}).encode(),
        json.dumps({**event(), "data": {"object": []}}).encode(),
        body().decode().encode("utf-16"),
    ],
    ids=lambda sent: str(sent)[:40],
)
def test_signed_bodies_that_are_no_events(small: Shop, sent: bytes) -> None:
    untouched(small, small.deliver(sent))


def test_oversized(small: Shop) -> None:
    untouched(small, small.deliver(body(note="x" * 1024 * 1024)), 413)
    chunked: dict[str, Any] = {"environ_overrides": {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}}
    large = small.client.post(PATH, input_stream=io.BytesIO(b"x" * (1024 * 1024 + 1)), **chunked)
    untouched(small, large, 413)
    small.app.config["MAX_CONTENT_LENGTH"] = 100
    assert small.deliver(body()).status_code == 413
    assert small.rows() == []


def test_a_body_that_a_hook_has_read_is_still_there(small: Shop) -> None:
    small.app.before_request(lambda: request.get_json(silent=True) and None)
    assert small.deliver(body()).status_code == 200


def test_a_body_that_a_hook_has_parsed_as_a_form_is_gone(small: Shop) -> None:
    small.app.before_request(lambda: request.form.get("x") and None)
    answer = small.client.post(
        PATH, data=body(), headers=signed(body()), content_type="application/x-www-form-urlencoded"
    )
    untouched(small, answer)


def test_chunked_bodies_are_read(small: Shop) -> None:
    sent = body()
    answer = small.client.post(
        PATH,
        input_stream=io.BytesIO(sent),
        headers=signed(sent),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", None])
def test_the_content_type_is_no_matter(small: Shop, kind: str | None) -> None:
    answer = small.client.post(PATH, data=body(), headers=signed(body()), content_type=kind)
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post(small: Shop, method: str) -> None:
    assert small.client.open(PATH, method=method).status_code == 405


def test_the_signature_is_the_one_of_the_stripe_package() -> None:
    sent, now = body(), datetime.now(UTC)
    header = sign(sent, SECRET, int(now.timestamp()))
    assert stripe.WebhookSignature.verify_header(sent.decode(), header, SECRET, tolerance=300)
    verify(sent, header, [SECRET], clock=lambda: now)
    for moved in (timedelta(hours=1), -timedelta(hours=1)):
        with pytest.raises(Refused):
            verify(sent, header, [SECRET], clock=lambda moved=moved: now + moved)


def test_events_of_the_stripe_package_are_events() -> None:
    made = stripe.Event.construct_from(event(), "sk_test_x")
    found = WebhookEvent.of(made)
    assert (found.id, found.type, found.object["customer"]) == ("evt_1", "checkout.session.completed", "cus_1")
    assert found.payload_hash == WebhookEvent.of(event()).payload_hash
    assert (found.created, found.livemode, found.key("mail")) == (1_700_000_000, False, "evt_1:mail")
