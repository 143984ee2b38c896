"""What an app needs of providers, as interfaces: routes and services depend on these, and providers can be swapped.

from seatrial.kit.ports import MailPort, PaymentPort, Ports, ports
from seatrial.kit.ports.stripe import StripePayments

registry = Ports(app)
registry.provide(PaymentPort, lambda: StripePayments(app.config["STRIPE_SECRET_KEY"]))

ports().get(PaymentPort).checkout_url(...)  # in a service

with registry.swapped(PaymentPort, FakePayments()) as payments:  # in a test
    ...
"""

from seatrial.kit.ports.mail import Mail, MailError, MailPort
from seatrial.kit.ports.oauth import Attempt, Identity, OAuthError, OAuthPort
from seatrial.kit.ports.payments import Checkout, EventGone, PaymentError, PaymentPort
from seatrial.kit.ports.registry import PortMissing, Ports, ports

__all__ = [
    "Attempt",
    "Checkout",
    "EventGone",
    "Identity",
    "Mail",
    "MailError",
    "MailPort",
    "OAuthError",
    "OAuthPort",
    "PaymentError",
    "PaymentPort",
    "PortMissing",
    "Ports",
    "ports",
]
