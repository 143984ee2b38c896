import base64
import json
import secrets
from urllib.parse import urlencode

import requests
from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask_login import login_user

from stockroom.models import User
from stockroom_legacy.extensions import limiter

bp = Blueprint("oauth", __name__, url_prefix="/auth/oauth")

PENDING_STATES = set()


@bp.route("/start")
@limiter.limit("30 per minute")
def start():
    if not current_app.config["OIDC_ISSUER"]:
        abort(404)
    state = secrets.token_urlsafe(16)
    PENDING_STATES.add(state)
    query = urlencode(
        {
            "response_type": "code",
            "client_id": current_app.config["OIDC_CLIENT_ID"],
            "redirect_uri": url_for("oauth.callback", _external=True),
            "scope": "openid email",
            "state": state,
        }
    )
    return redirect(current_app.config["OIDC_ISSUER"] + "/authorize?" + query)


@bp.route("/callback")
@limiter.limit("30 per minute")
def callback():
    if request.args.get("state") not in PENDING_STATES:
        flash("Please try again.")
        return redirect(url_for("auth.login"))
    answer = requests.post(
        current_app.config["OIDC_ISSUER"] + "/token",
        data={
            "grant_type": "authorization_code",
            "code": request.args.get("code"),
            "redirect_uri": url_for("oauth.callback", _external=True),
            "client_id": current_app.config["OIDC_CLIENT_ID"],
            "client_secret": current_app.config["OIDC_CLIENT_SECRET"],
        },
        timeout=10,
    ).json()
    payload = answer["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    user = User.query.filter_by(email=claims["email"]).first()
    if user is None:
        flash("There is no account for this address.")
        return redirect(url_for("auth.login"))
    login_user(user)
    return redirect(url_for("dashboard.index"))
