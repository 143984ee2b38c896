"""Events of our own are read by stripe-python, in every family and version, and their ids fit together."""

import json
import time

import pytest
import stripe

from seatrial.trials.webhooks import signing, stripe_events
from seatrial.trials.webhooks.stripe_events import NEWEST, World, event, thin, written

VERSIONS = ("2020-08-27", "2023-10-16", "2025-03-31.basil", NEWEST)
SECRET = "whsec_trial"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", stripe_events.KNOWN)
def test_stripe_reads_it(kind: str, version: str) -> None:
    body = event(kind, World("x", version, {"customer": "cus_harbour", "client_reference_id": "7"}))
    read = stripe.Event.construct_from(body, "sk_test_x")
    assert read["type"] == kind
    assert read["api_version"] == version
    subject = read["data"]["object"]
    family = {"checkout": "checkout.session", "customer": "customer"}.get(kind.split(".")[0], kind.split(".")[0])
    assert subject["object"] == ("subscription" if ".subscription." in kind else family)
    assert isinstance(subject, stripe.StripeObject)
    if "customer" in subject:
        assert subject["customer"] == "cus_harbour"
    assert (body["livemode"], subject["livemode"]) == (False, False)
    assert ("previous_attributes" in body["data"]) == kind.endswith(".updated")


@pytest.mark.parametrize("version", VERSIONS)
def test_ids_are_the_same_wherever_they_stand(version: str) -> None:
    world = World("x", version)
    session = event("checkout.session.completed", world)["data"]["object"]
    subscription = event("customer.subscription.created", world)["data"]["object"]
    invoice = event("invoice.paid", world)["data"]["object"]
    intent = event("payment_intent.succeeded", world)["data"]["object"]
    charge = event("charge.succeeded", world)["data"]["object"]
    assert session["subscription"] == subscription["id"]
    assert session["invoice"] == invoice["id"] == subscription["latest_invoice"]
    assert intent["latest_charge"] == charge["id"]
    assert charge["payment_intent"] == intent["id"]
    assert {one["customer"] for one in (session, subscription, invoice, intent, charge)} == {world.customer}


def test_the_shape_follows_the_version() -> None:
    old, new = World("x", "2023-10-16"), World("x", NEWEST)
    assert event("invoice.paid", old)["data"]["object"]["subscription"] == old.subscription
    invoice = event("invoice.paid", new)["data"]["object"]
    assert "subscription" not in invoice
    assert invoice["parent"]["subscription_details"]["subscription"] == new.subscription
    was, now = (event("customer.subscription.updated", w)["data"]["object"] for w in (old, new))
    assert "current_period_end" in was
    assert "current_period_end" not in now
    assert "current_period_end" in now["items"]["data"][0]


def test_the_same_event_is_the_same_each_time_and_another_number_has_another_id() -> None:
    assert event("invoice.paid", World("x")) == event("invoice.paid", World("x"))
    assert event("invoice.paid", World("x"))["id"] != event("invoice.paid", World("x"), number=1)["id"]
    assert event("invoice.paid", World("x"))["id"] != event("invoice.paid", World("y"))["id"]


def test_given_values_stand_in_the_fields_of_their_name_and_in_the_metadata() -> None:
    world = World("x", given={"client_reference_id": 7, "amount_total": 5000, "organization_id": 3})
    subject = event("checkout.session.completed", world)["data"]["object"]
    assert (subject["client_reference_id"], subject["amount_total"]) == (7, 5000)
    assert subject["metadata"]["organization_id"] == "3"


@pytest.mark.skipif(
    not hasattr(stripe.StripeClient, "parse_event_notification"), reason="this release of stripe knows no thin events"
)
def test_a_thin_event_is_none_for_the_old_parser_and_one_for_the_new() -> None:
    body = written(thin(World("x"))).decode()
    header = signing.stripe_header(body.encode(), [SECRET], int(time.time()))
    with pytest.raises(ValueError, match=r"v2\.core\.event|event notification|parse_event_notification"):
        stripe.Webhook.construct_event(body, header, SECRET)


def test_stripe_verifies_our_signatures() -> None:
    body = written(event("invoice.paid", World("x")))
    now = int(time.time())
    header = signing.stripe_header(body, [SECRET], now)
    if theirs := getattr(stripe.WebhookSignature, "generate_signature_header", None):  # newer releases have one
        assert header == theirs(payload=body.decode(), secret=SECRET, timestamp=now)
    assert stripe.Webhook.construct_event(body, header, SECRET)["type"] == "invoice.paid"
    rotated = signing.stripe_header(body, ["whsec_old", SECRET], now)
    assert stripe.Webhook.construct_event(body, rotated, SECRET)["type"] == "invoice.paid"
    for wrong in (
        signing.stripe_header(body, ["whsec_other"], now),
        signing.stripe_header(body, [SECRET], now - 400),
        signing.stripe_header(body, [SECRET], now, scheme="v0"),
    ):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, wrong, SECRET)


def test_a_body_that_was_parsed_and_dumped_again_does_not_verify() -> None:
    body = written(event("invoice.paid", World("x")))
    header = signing.stripe_header(body, [SECRET], int(time.time()))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(json.dumps(json.loads(body)), header, SECRET)


def test_standard_webhooks_sign_id_time_and_body() -> None:
    """The example of the specification, https://github.com/standard-webhooks/standard-webhooks (libraries' tests)."""
    signature = signing.standard_signature(
        b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    )
    assert signature == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_several_secrets_are_several_signatures() -> None:
    headers = signing.standard_headers(b"{}", ["whsec_YQ==", "whsec_Yg=="], "msg_1", 1)
    assert [part[:3] for part in headers["webhook-signature"].split(" ")] == ["v1,", "v1,"]
