"""Log-ins of other shapes: plain OAuth without a page as proof, a provider on this machine, a button that posts."""

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from support import project

from seatrial.config import load
from seatrial.model.oauth import OAuthTrial
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import oau
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

HEAD = """
    import secrets
    from urllib.parse import urlencode

    import httpx
    from flask import Flask, abort, redirect, render_template_string, request, session

    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        begin(app)
        return app
    """
# GitHub's: no ID token, no page that only somebody sees who is logged in; the client is httpx.
PLAIN = """
    def begin(app):
        @app.get("/")
        def home():
            return f"hello {session.get('login', 'stranger')}"

        @app.get("/github")
        def github():
            session["state"] = secrets.token_urlsafe()
            return redirect("https://github.example/login/oauth/authorize?" + urlencode({
                "response_type": "code", "client_id": "shop", "scope": "read:user",
                "redirect_uri": "https://localhost/github/back", "state": session["state"],
            }))

        @app.get("/github/back")
        def back():
            if request.args.get("state") != session.pop("state", None) or "error" in request.args:
                return "no", 400
            token = httpx.post("https://github.example/login/oauth/access_token", json={
                "grant_type": "authorization_code", "code": request.args.get("code"), "client_id": "shop",
                "redirect_uri": "https://localhost/github/back",
            }).json()
            if "access_token" not in token or token.get("token_type") != "Bearer":
                return "no", 400
            headers = {"Authorization": f"token {token['access_token']}"}
            person = httpx.get("https://api.github.example/user", headers=headers).json()
            emails = httpx.get("https://api.github.example/user/emails", headers=headers).json()
            session.clear()
            session["login"], session["email"] = person["login"], emails[0]["email"]
            return redirect("/")
    """
# Keycloak on a developer's machine; one person is let in; the issuer is known by heart.
POSTED = """
    from flask_wtf import CSRFProtect

    WHERE = "http://localhost:9/realms/shop"

    def begin(app):
        CSRFProtect(app)

        @app.get("/account")
        def account():
            return "yours" if session.get("user_id") else abort(401)

        @app.get("/enter")
        def page():
            return render_template_string(
                '<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>'
            )

        @app.post("/enter")
        def enter():
            session["state"] = secrets.token_urlsafe()
            return redirect(f"{WHERE}/protocol/openid-connect/auth?" + urlencode({
                "response_type": "code", "client_id": "shop", "scope": "openid", "state": session["state"],
                "redirect_uri": f"https://{request.host}/entered",
            }))

        @app.get("/entered")
        def entered():
            import base64, json
            if request.args.get("state") != session.pop("state", None) or "code" not in request.args:
                return "no", 400
            token = httpx.post(f"{WHERE}/protocol/openid-connect/token", data={
                "grant_type": "authorization_code", "code": request.args["code"],
            }, auth=("shop", "a-secret-of-the-shop")).json()
            claims = json.loads(base64.urlsafe_b64decode(token["id_token"].split(".")[1] + "=="))
            if claims["iss"] != WHERE or claims["email"] != "owner@shop.example":
                return "no", 400
            session["user_id"] = claims["sub"]
            return redirect("/account")
    """
BY_HEART = """
    [tool.seatrial.oauth]
    login = "/enter"
    callback = "/entered"
    claims = { email = "owner@shop.example" }
    """


def tried(root: Path, text: str, more: str = "") -> OAuthTrial:
    project(root, {"shop.py": "\n".join(map(dedent, (HEAD, text)))}, more=more)
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.PROTECTION)
        [start] = [route for route in inventory.routes if route.oauth is not None]
        return replace(Pilot(run).oauth(start, ()), callback=inventory.callback_of(start))


def test_plain_oauth_is_proved_by_the_session(tmp_path: Path) -> None:
    trial = tried(tmp_path / "app", PLAIN)
    assert (trial.reason, trial.library) == ("", "")
    assert trial.proof == "the session has email, login"
    assert trial.callback is not None
    assert trial.callback.rule == "/github/back"
    assert {a.about for a in trial.attempts} == {"state", "error"}
    outcomes = {rule.code: rule(trial).outcome.value for rule in (*oau.OF_THE_START, *oau.OF_THE_CALLBACK)}
    # nothing else is wrong with it but what was left out, and the errors of httpx that nobody catches
    assert outcomes == {
        "OAU001": "fail", "OAU002": "pass", "OAU003": "skipped", "OAU004": "skipped", "OAU005": "fail",
        "OAU006": "pass", "OAU007": "pass",
    }  # fmt: skip


def test_a_button_that_posts_and_a_provider_on_this_machine(tmp_path: Path) -> None:
    trial = tried(tmp_path / "app", POSTED, BY_HEART)
    assert trial.reason == ""
    assert trial.route is not None
    assert (trial.route.method, trial.route.rule) == ("POST", "/enter")
    assert trial.proof == "GET /account"
    # the token goes along, so that it is not the defence against forged requests that refuses
    assert [(host.header, host.status, host.followed) for host in trial.hosts] == [
        ("Host", 302, True), ("X-Forwarded-Host", 302, False), ("Forwarded", 302, False),
    ]  # fmt: skip
    let_in = {attempt.case for attempt in trial.attempts if attempt.logged_in}
    assert {"alg none", "exp in the past", "HS256 with the client's secret"} <= let_in
    assert not {"iss of another issuer", "state random"} & let_in


def test_nobody_whom_the_app_lets_in(tmp_path: Path) -> None:
    trial = tried(tmp_path / "app", POSTED, BY_HEART.replace("owner@", "somebody@"))
    judgement = oau.state_not_bound(trial)
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "the callback answered 400; say under [tool.seatrial.oauth] who is let in (claims)" in judgement.reason


EMPTY = """
    from authlib.integrations.flask_client import OAuth
    from flask import Flask

    def create_app(config=None):
        app = Flask("shop")
        app.secret_key = "x" * 40
        return app
    """


def test_a_login_key_that_is_no_route_is_told(tmp_path: Path) -> None:
    project(tmp_path, {"shop.py": EMPTY}, more='[tool.seatrial.oauth]\nlogin = "/start"\n')
    with open_run(load(tmp_path)) as run:
        notes = prepare(run, Profile.PROTECTION).notes
    assert "/start is no route of the app: correct login under [tool.seatrial.oauth]" in notes


@pytest.mark.parametrize("registered", [False, True])
def test_an_app_without_a_log_in_by_oauth(tmp_path: Path, registered: bool) -> None:
    text = EMPTY.replace("return app", 'OAuth(app).register("idp", client_id="shop")\n        return app')
    project(tmp_path, {"shop.py": text if registered else EMPTY})
    with open_run(load(tmp_path)) as run:
        inventory, pilot = prepare(run, Profile.PROTECTION), Pilot(run)
        assert [route for route in inventory.routes if route.oauth is not None] == []
        library = [p.library for p in pilot.facts().protections if p.name == "oauth"]
    assert bool(library) is registered
