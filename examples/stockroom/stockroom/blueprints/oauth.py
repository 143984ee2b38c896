"""Log in with OpenID Connect, by Seatrial's kit; which account it is, is ours to say."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from seatrial.kit.oauth import LoginRefused, OpenIdLogin

from stockroom.blueprints.auth import start_session
from stockroom.extensions import limiter
from stockroom.services import accounts

bp = Blueprint("oauth", __name__, url_prefix="/auth/oauth")
limiter.limit("30 per minute")(bp)
openid = OpenIdLogin("oidc")


def init_app(app: Flask) -> None:
    """Nothing is fetched before a log-in starts; without an issuer there is no such log-in."""
    config = app.config
    issuer = str(config["OIDC_ISSUER"]).rstrip("/")
    if issuer:
        openid.init_app(
            app,
            issuer=issuer,
            client_id=config["OIDC_CLIENT_ID"],
            client_secret=config["OIDC_CLIENT_SECRET"],
            redirect_uri=str(config["PUBLIC_BASE_URL"]).rstrip("/") + "/auth/oauth/callback",
        )


@bp.get("/start")
@limiter.limit("30 per minute")
def start() -> ResponseReturnValue:
    if not openid.configured:
        abort(404)
    try:
        return openid.start()
    except LoginRefused:
        return refused()


@bp.get("/callback")
@limiter.limit("30 per minute")
def callback() -> ResponseReturnValue:
    if not openid.configured:
        abort(404)
    try:
        person = openid.finish()
    except LoginRefused:
        return refused()
    user = accounts.user_of_identity(person.issuer, person.subject, person.email, email_verified=person.email_verified)
    if user is None:
        return refused()
    start_session(user)
    return redirect(url_for("dashboard.index"))


def refused() -> ResponseReturnValue:
    flash("This log-in did not work.")
    return redirect(url_for("auth.login"))
