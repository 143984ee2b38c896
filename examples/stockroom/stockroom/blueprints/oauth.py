"""Log in with OpenID Connect: state, PKCE and nonce by Authlib, issuer and audience pinned here."""

from __future__ import annotations

import logging
from typing import Any

from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, abort, current_app, flash, redirect, session, url_for
from flask.typing import ResponseReturnValue

from stockroom import web
from stockroom.blueprints.auth import start_session
from stockroom.extensions import limiter
from stockroom.services import accounts

log = logging.getLogger(__name__)

bp = Blueprint("oauth", __name__, url_prefix="/auth/oauth")
limiter.limit("30 per minute")(bp)


class OpenIdClient:
    """The one provider, described by configuration; nothing is fetched before a log-in starts."""

    def __init__(self) -> None:
        self._oauth = OAuth()

    def init_app(self, app: Flask) -> None:
        self._oauth = OAuth(app)
        issuer = str(app.config["OIDC_ISSUER"]).rstrip("/")
        if issuer:
            self._oauth.register(
                "oidc",
                client_id=app.config["OIDC_CLIENT_ID"],
                client_secret=app.config["OIDC_CLIENT_SECRET"],
                issuer=issuer,
                authorize_url=f"{issuer}/authorize",
                access_token_url=f"{issuer}/token",
                jwks_uri=f"{issuer}/jwks",
                id_token_signing_alg_values_supported=["RS256"],
                client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10},
            )

    def client(self) -> Any:
        return self._oauth.create_client("oidc")


oauth = OpenIdClient()


@bp.get("/start")
@limiter.limit("30 per minute")
def start() -> ResponseReturnValue:
    client = oauth.client()
    if client is None:
        abort(404)
    forget_pending()
    answer: ResponseReturnValue = client.authorize_redirect(web.public_url("oauth.callback"))
    return answer


@bp.get("/callback")
@limiter.limit("30 per minute")
def callback() -> ResponseReturnValue:
    client = oauth.client()
    if client is None:
        abort(404)
    claims = verified_claims(client)
    forget_pending()
    if claims is not None:
        user = accounts.user_of_identity(
            claims["iss"],
            claims["sub"],
            str(claims.get("email") or ""),
            email_verified=claims.get("email_verified") is True,
        )
        if user is not None:
            start_session(user)
            return redirect(url_for("dashboard.index"))
    flash("This log-in did not work.")
    return redirect(url_for("auth.login"))


def verified_claims(client: Any) -> dict[str, Any] | None:
    """The claims of the ID token of this very log-in, or None."""
    config = current_app.config
    try:
        token = client.authorize_access_token(
            claims_options={
                "iss": {"essential": True, "value": str(config["OIDC_ISSUER"]).rstrip("/")},
                "aud": {"essential": True, "values": [config["OIDC_CLIENT_ID"]]},
                "sub": {"essential": True},
            }
        )
    except Exception as error:
        # The library raises its own, requests', joserfc's and plain ValueErrors for what a provider may answer.
        log.warning("OpenID log-in refused: %s", type(error).__name__)
        return None
    claims = token.get("userinfo") if isinstance(token, dict) and token.get("id_token") else None
    if not token.get("access_token") or not claims or not isinstance(claims.get("sub"), str) or not claims["sub"]:
        return None
    return dict(claims)


def forget_pending() -> None:
    for key in [key for key in session if key.startswith("_state_")]:
        session.pop(key)
