"""Between HTTP and the services: who asks, which page, which body."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, abort, current_app, redirect, request, url_for
from flask_login import current_user
from seatrial.kit.ports import PaymentPort, Ports
from seatrial.kit.ports.stripe import StripePayments
from werkzeug.routing import IntegerConverter
from werkzeug.routing import ValidationError as NoMatch
from werkzeug.wrappers import Response

from stockroom.gateways.mail import LogMailer, SmtpMailer
from stockroom.models import User
from stockroom.services.errors import InvalidInput
from stockroom.services.paging import Slice
from stockroom.services.ports import Mailer

P = ParamSpec("P")
R = TypeVar("R")

LARGEST_ID = 2**31 - 1


class IdConverter(IntegerConverter):
    """An integer that fits the column behind it; anything else is simply not a page of ours."""

    def to_python(self, value: str) -> int:
        if len(value) > 10 or int(value) > LARGEST_ID:
            raise NoMatch
        return int(value)


def user() -> User:
    return cast(User, current_user._get_current_object())


def organization_id() -> int:
    return user().organization_id


def needs(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The role of the user has this permission; stands below `login_required`."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not getattr(user().role, permission):
                abort(403)
            return view(*args, **kwargs)

        return checked

    return decorate


def wanted_slice() -> Slice:
    return Slice(page=query_int("page", 1, 1, 100_000), per_page=query_int("per_page", 25, 1, 100))


def query_int(name: str, default: int, low: int, high: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
        raise InvalidInput(f"{name} must be a number from {low} to {high}.", {name: "Not in range."})
    return int(text)


def query_text(name: str) -> str:
    return request.args.get(name, "").strip()[:100]


def local_target(target: str | None) -> str:
    """A path on this site: where `next` may lead to."""
    if target and len(target) < 500 and target.isascii() and target.isprintable():
        second = target[1:2]
        if target[0] == "/" and second not in ("/", "\\") and "\\" not in target and "//" not in target:
            return target
    return url_for("dashboard.index")


def login_redirect() -> Response:
    wanted = request.path if request.method == "GET" else None
    return redirect(url_for("auth.login", next=wanted))


def public_url(endpoint: str, **values: Any) -> str:
    """An absolute address that does not depend on the Host header."""
    return str(current_app.config["PUBLIC_BASE_URL"]).rstrip("/") + url_for(endpoint, **values)


def mailer() -> Mailer:
    return cast(Mailer, current_app.extensions["mailer"])


def hash_method() -> str:
    return str(current_app.config["PASSWORD_HASH_METHOD"])


def refuse_nul() -> None:
    """PostgreSQL text has no NUL, so no value of ours has."""
    values = [*request.args.values(), *(request.view_args or {}).values()]
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data") and request.endpoint != (
        "billing.stripe_webhook"
    ):
        values += request.form.values()
    if any("\0" in str(value) for value in values):
        abort(400)


def init_app(app: Flask) -> None:
    app.url_map.converters["int"] = IdConverter
    app.before_request(refuse_nul)
    config = app.config
    app.extensions["mailer"] = (
        SmtpMailer(config["SMTP_HOST"], config["SMTP_PORT"], config["MAIL_SENDER"])
        if config["SMTP_HOST"]
        else LogMailer()
    )
    Ports(app).provide(PaymentPort, lambda: StripePayments(config["STRIPE_SECRET_KEY"]))
