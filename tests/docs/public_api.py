"""The public API as an app uses it. Never run: `mypy --strict` reads it (test_api.py), so what stands here is a promise
about types. docs/api.md lists the names."""

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_type

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from sqlalchemy import MetaData, Table
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from werkzeug.wrappers import Response as WsgiResponse

from seatrial.kit.errors import ErrorBody, ErrorEnvelope, Refusal, error_response, init_errors, wants_json
from seatrial.kit.headers import NONCE, PERMISSIONS, POLICY, csp_nonce, init_headers
from seatrial.kit.idempotency import (
    IdempotencyKeys,
    KeyInFlight,
    KeyMalformed,
    KeyMissing,
    KeyReused,
    idempotency_keys_table,
)
from seatrial.kit.migrations import IncludeObject, leave_to_seatrial, together
from seatrial.kit.oauth import LoginRefused, OpenIdLogin, Person, renew_session
from seatrial.kit.ports import (
    Attempt,
    Checkout,
    EventGone,
    Identity,
    Mail,
    MailError,
    MailPort,
    OAuthError,
    OAuthPort,
    PaymentError,
    PaymentPort,
    PortMissing,
    Ports,
    ports,
)
from seatrial.kit.ports.fakes import FakeMail, FakeOAuth, FakePayments
from seatrial.kit.ports.stripe import StripePayments
from seatrial.kit.sanitize import ATTRIBUTES, SCHEMES, TAGS, SafeHtml, clean_html, plain_text
from seatrial.kit.validation import InvalidRequest, read_body, read_form, read_path, read_query, reply
from seatrial.kit.webhooks import (
    Backoff,
    BillingServiceInterface,
    ClaimLost,
    Effects,
    Entry,
    Refused,
    StripeService,
    WebhookError,
    WebhookEvent,
    WebhookLedger,
    WebhookResult,
    answer,
    http_status,
    receive,
    service_of,
    stripe_events_table,
)
from seatrial.monitor import Monitor, MonitorError, limits

app = Flask(__name__)
metadata = MetaData()
session = scoped_session(sessionmaker())


class Adjust(BaseModel):
    quantity: int
    note: SafeHtml = ""


def errors_and_requests() -> ResponseReturnValue:
    init_errors(app, service_errors=[LookupError], rollback=session.rollback, page=lambda refusal: refusal.message)
    init_headers(app, csp={**POLICY, "script-src": f"'nonce-{NONCE}'"}, permissions_policy=PERMISSIONS)
    assert_type(csp_nonce(), str)
    assert_type(Refusal.of(404).envelope, ErrorEnvelope)
    assert_type(Refusal.of(404).envelope.error, ErrorBody)
    assert_type(error_response(Refusal.of(401)), Response)
    assert_type(wants_json(), bool)
    assert_type(read_body(Adjust), Adjust)
    assert_type(read_form(Adjust).note, str)
    assert_type(read_query(Adjust), Adjust)
    assert_type(read_path(Adjust), Adjust)
    if read_body(Adjust).quantity < 0:
        raise InvalidRequest("Too few.", {"quantity": "below zero"})
    return reply([Adjust(quantity=1)], 201)


def markup(text: str) -> str:
    assert_type(plain_text(text), str)
    assert_type(SCHEMES, frozenset[str])
    return clean_html(text, tags=TAGS | {"hr"}, attributes=ATTRIBUTES)


openid = OpenIdLogin()
openid.init_app(
    app, issuer="https://id.example", client_id="shop", client_secret="s", redirect_uri="https://shop.example/callback"
)


def log_in() -> WsgiResponse:
    try:
        assert_type(openid.finish(), Person)
    except LoginRefused as refused:
        assert_type(refused.reason, str)
    renew_session()
    return openid.start()


ledger = WebhookLedger(session, metadata, lease=timedelta(minutes=5), backoff=Backoff(attempts=3))
billing = StripeService(ledger, secrets=lambda: ["whsec_a"], payments=lambda: ports().get(PaymentPort), livemode=True)
effects = Effects(metadata)


@billing.on("invoice.paid")
def invoice_paid(session: Session, event: WebhookEvent) -> None:
    if not effects.first(session, event.key("paid")):
        raise WebhookError("not yet")


def deliver(service: BillingServiceInterface, event: Mapping[str, object]) -> int:
    result = service.handle_webhook_event(event)
    assert_type(result, WebhookResult)
    assert_type(answer(result), Response)
    assert_type(receive(billing), Response)
    assert_type(service_of(app), StripeService)
    assert_type(stripe_events_table(metadata), Table)
    return http_status(result)


WEBHOOK_TYPES: tuple[type[object], ...] = (ClaimLost, Entry, Refused)

keys = IdempotencyKeys(session, metadata, owner=lambda: 7, ttl=timedelta(hours=1))


@keys.protect(required=True)
def pay(order_id: int) -> ResponseReturnValue:
    return {"paid": order_id}


assert_type(pay(7), Response)
assert_type(idempotency_keys_table(metadata), Table)
REFUSALS: tuple[type[Exception], ...] = (KeyInFlight, KeyMalformed, KeyMissing, KeyReused)


class Letters(MailPort):
    def send(self, mail: Mail, *, idempotency_key: str | None = None) -> None:
        if not mail.to:
            raise MailError("to nobody")


def providers() -> str:
    registry = Ports(app)
    registry.provide(MailPort, Letters())
    registry.provide(PaymentPort, lambda: StripePayments("sk_test_x", retries=1))
    with registry.swapped(PaymentPort, FakePayments({"id": "evt_1"})) as payments:
        assert_type(payments, FakePayments)
        assert_type(payments.checkouts, list[Checkout])
    try:
        return registry.get(PaymentPort).checkout_url(Checkout("7", "price_1", "https://shop.example"))
    except (EventGone, PaymentError, PortMissing):
        return ""


FAKES: tuple[MailPort, OAuthPort] = (FakeMail(), FakeOAuth())
OAUTH_TYPES: tuple[type[object], ...] = (Attempt, Identity, OAuthError)

include_object: IncludeObject = together(leave_to_seatrial)


@app.get("/reports")
@limits(statements=200, database_ms=None)
def reports() -> str:
    return "many"


assert_type(reports(), str)
try:
    Monitor(app, slow_statement_ms=50, prometheus=True)
except MonitorError as error:
    print(error)
