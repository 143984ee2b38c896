"""Stripe behind the payment port: what is sent, what comes back, what goes wrong."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
import stripe

from seatrial.kit.ports import Checkout, EventGone, PaymentError
from seatrial.kit.ports.stripe import StripePayments

SESSIONS = "https://api.stripe.com/v1/checkout/sessions"
EVENT = "https://api.stripe.com/v1/events/evt_1"
THIN = "https://api.stripe.com/v2/core/events/evt_65"
WANTED = Checkout("org_1", "price_team", "https://shop.example/billing", metadata={"plan": "team"})
SENT = {"id": "evt_1", "object": "event", "type": "invoice.paid", "data": {"object": {"id": "in_1", "lines": [1]}}}


@pytest.fixture
def payments() -> StripePayments:
    return StripePayments("sk_test_of_the_tests")


@pytest.fixture
def server() -> Any:
    with responses.RequestsMock() as server:
        yield server


def test_a_checkout_is_asked_for_with_our_key(payments: StripePayments, server: responses.RequestsMock) -> None:
    url = "https://checkout.stripe.com/c/pay/cs_test_1"
    server.post(SESSIONS, json={"id": "cs_test_1", "object": "checkout.session", "url": url})
    assert payments.checkout_url(WANTED, idempotency_key="order:1") == url
    [call] = server.calls
    assert call.request.headers["Idempotency-Key"] == "order:1"
    assert call.request.headers["Authorization"] == "Bearer sk_test_of_the_tests"
    sent = {name: values[0] for name, values in parse_qs(str(call.request.body)).items()}
    assert sent["client_reference_id"] == "org_1"
    assert (sent["mode"], sent["line_items[0][price]"], sent["metadata[plan]"]) == (
        "subscription",
        "price_team",
        "team",
    )


def test_nothing_global_of_the_package_is_touched(payments: StripePayments, server: responses.RequestsMock) -> None:
    before = stripe.api_key
    server.get(EVENT, json=SENT)
    payments.fetch_event("evt_1")
    assert stripe.api_key is before


@pytest.mark.parametrize(
    "url", [None, "http://checkout.stripe.com/x", "https://checkout.stripe.com.evil.example/x", ""]
)
def test_an_address_elsewhere_is_refused(payments: StripePayments, server: responses.RequestsMock, url: Any) -> None:
    server.post(SESSIONS, json={"id": "cs_test_1", "object": "checkout.session", "url": url})
    with pytest.raises(PaymentError, match="no address"):
        payments.checkout_url(WANTED)


def test_an_event_comes_as_plain_data(payments: StripePayments, server: responses.RequestsMock) -> None:
    server.get(EVENT, json=SENT)
    found = payments.fetch_event("evt_1", account="acct_7")
    assert found == SENT
    assert type(found["data"]["object"]) is dict
    assert server.calls[0].request.headers["Stripe-Account"] == "acct_7"


@pytest.mark.skipif(not hasattr(stripe.StripeClient("sk_test_x"), "v2"), reason="this stripe has no API v2")
def test_a_thin_event_is_fetched_from_the_other_api(payments: StripePayments, server: responses.RequestsMock) -> None:
    thin = {"id": "evt_65", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found", "data": {"a": 1}}
    server.get(THIN, json=thin)
    found = payments.fetch_event("evt_65", account="acct_9", thin=True)
    assert (found["id"], found["data"]) == ("evt_65", {"a": 1})
    assert server.calls[0].request.headers["Stripe-Context"] == "acct_9"


def test_an_event_that_is_gone_is_told_from_one_that_cannot_be_had_now(
    payments: StripePayments, server: responses.RequestsMock
) -> None:
    server.get(EVENT, status=404, json={"error": {"type": "invalid_request_error", "message": "No such event"}})
    with pytest.raises(EventGone):
        payments.fetch_event("evt_1")
    server.replace(responses.GET, EVENT, status=500, json={"error": {"type": "api_error", "message": "secret detail"}})
    with pytest.raises(PaymentError) as caught:
        payments.fetch_event("evt_1")
    assert not isinstance(caught.value, EventGone)
    assert "secret detail" not in str(caught.value)
    server.replace(responses.GET, EVENT, body=requests.ConnectionError("refused"))
    with pytest.raises(PaymentError, match="APIConnectionError"):
        payments.fetch_event("evt_1")


def test_one_call_is_one_request(payments: StripePayments, server: responses.RequestsMock) -> None:
    server.get(EVENT, status=500, body=json.dumps({"error": {"type": "api_error"}}))
    with pytest.raises(PaymentError):
        payments.fetch_event("evt_1")
    assert len(server.calls) == 1


def test_without_a_key_nothing_is_sent(server: responses.RequestsMock) -> None:
    with pytest.raises(PaymentError, match="no API key"):
        StripePayments("").fetch_event("evt_1")
