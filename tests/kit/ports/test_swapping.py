"""Routes depend on a port; what stands behind it is swapped without them."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask, redirect
from flask.typing import ResponseReturnValue

from seatrial.kit.ports import (
    Attempt,
    Checkout,
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

WANTED = Checkout("org_1", "price_team", "https://shop.example/billing")


class Invoices(PaymentPort):
    """Another provider: it sends a bill, and knows no events."""

    def checkout_url(self, checkout: Checkout, *, idempotency_key: str | None = None) -> str:
        return f"https://invoices.example/{checkout.reference}"

    def fetch_event(self, event_id: str, *, account: str | None = None, thin: bool = False) -> dict[str, object]:
        raise PaymentError("invoices have no events")


@pytest.fixture
def app() -> Iterator[Flask]:
    """One route that pays and one that mails; neither knows a provider."""
    app = Flask("shop")
    registry = Ports(app)
    registry.provide(PaymentPort, FakePayments())
    registry.provide(MailPort, FakeMail)

    @app.post("/checkout")
    def checkout() -> ResponseReturnValue:
        return redirect(ports().get(PaymentPort).checkout_url(WANTED))

    @app.post("/invite")
    def invite() -> ResponseReturnValue:
        ports().get(MailPort).send(Mail("jo@example.com", "Welcome", "Hello"), idempotency_key="invite:jo")
        return "", 204

    return app


def test_the_provider_is_swapped_and_no_route_with_it(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/checkout").location == "https://payments.example/checkout/1"
    ports(app).provide(PaymentPort, Invoices())
    assert client.post("/checkout").location == "https://invoices.example/org_1"


def test_a_swap_ends_with_its_test(app: Flask) -> None:
    client, before = app.test_client(), ports(app).get(PaymentPort)
    with ports(app).swapped(PaymentPort, Invoices()) as invoices:
        assert ports(app).get(PaymentPort) is invoices
        assert client.post("/checkout").location == "https://invoices.example/org_1"
    assert ports(app).get(PaymentPort) is before


def test_a_swap_of_nothing_leaves_nothing(app: Flask) -> None:
    with ports(app).swapped(OAuthPort, FakeOAuth()):
        pass
    with pytest.raises(PortMissing, match="nothing stands behind OAuthPort"):
        ports(app).get(OAuthPort)


def test_a_provider_is_made_once_when_it_is_first_asked_for(app: Flask) -> None:
    made: list[FakeMail] = []

    def make() -> FakeMail:
        made.append(FakeMail())
        return made[-1]

    registry = Ports()
    registry.provide(MailPort, make)
    assert made == []
    threads = [threading.Thread(target=registry.get, args=(MailPort,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert registry.get(MailPort) is made[0]


def test_what_cannot_stand_behind_a_port_is_refused() -> None:
    registry = Ports()
    with pytest.raises(TypeError, match="neither a PaymentPort nor a function"):
        registry.provide(PaymentPort, FakeMail())
    registry.provide(PaymentPort, FakeMail)
    with pytest.raises(TypeError, match="and is none"):
        registry.get(PaymentPort)


def test_an_app_without_ports_is_named() -> None:
    with pytest.raises(PortMissing, match=r"Ports\(app\)"):
        ports(Flask("bare"))


def test_fake_payments_keep_one_checkout_per_key_and_can_be_down() -> None:
    payments = FakePayments()
    urls = {payments.checkout_url(WANTED, idempotency_key="order:1") for _ in range(3)}
    assert len(urls) == 1
    assert payments.checkouts == [WANTED]
    payments.down = True
    with pytest.raises(PaymentError):
        payments.checkout_url(WANTED)


def test_fake_mail_sends_once_per_key_and_can_be_down(app: Flask) -> None:
    for _ in range(3):
        assert app.test_client().post("/invite").status_code == 204
    mail = ports(app).get(MailPort)
    assert isinstance(mail, FakeMail)
    assert [sent.to for sent in mail.sent] == ["jo@example.com"]
    mail.down = True
    with pytest.raises(MailError):
        mail.send(Mail("jo@example.com", "Again", ""))


def test_fake_log_ins_take_a_code_once_and_only_from_who_started() -> None:
    provider = FakeOAuth(abc=Identity("https://id.example", "jo"))
    attempt = Attempt("state", "nonce", "verifier", "https://shop.example/callback")
    with pytest.raises(OAuthError, match="no such attempt"):
        provider.identify(attempt, "abc")
    assert "state=state" in provider.authorization_url(attempt)
    assert provider.identify(attempt, "abc").subject == "jo"
    with pytest.raises(OAuthError, match="no such code"):
        provider.identify(attempt, "abc")
