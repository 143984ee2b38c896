"""The kit's log-in against the provider that misbehaves, and what it does to the session."""

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, session
from support import project

from seatrial.config import load
from seatrial.kit.errors import init_errors
from seatrial.kit.oauth import LIFETIME, PENDING, LoginRefused, OpenIdLogin, renew_session
from seatrial.model.oauth import OAuthTrial
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.observe.outbound import Answer, Request, install, responding
from seatrial.rules import oau
from seatrial.trials.oauth.cases import HAPPY
from seatrial.trials.oauth.provider import Provider
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

ISSUER = "https://id.example"
PERSON = {"sub": "u1", "email": "u1@shop.example", "email_verified": True, "name": "One"}
SHOP = """
    from flask import Flask, abort, redirect, request, session

    from seatrial.kit.errors import init_errors
    from seatrial.kit.oauth import LoginRefused, OpenIdLogin

    openid = OpenIdLogin()

    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})
        init_errors(app)
        openid.init_app(
            app, issuer="https://id.example", client_id="shop", client_secret="a-secret-of-the-shop",
            redirect_uri="https://localhost/callback",
        )

        @app.get("/")
        def home():
            return "shop"

        @app.get("/account")
        def account():
            return "yours" if "user_id" in session else abort(401)

        @app.get("/start")
        def start():
            return openid.start()

        @app.route("/callback", methods=["GET", "POST"])
        def callback():
            session["user_id"] = openid.finish().subject
            return redirect("/account")

        return app
    """


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthTrial]:
    root = project(tmp_path_factory.mktemp("kit") / "app", {"shop.py": SHOP})
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.PROTECTION)
        start = next(route for route in inventory.routes if route.oauth is not None)
        yield replace(Pilot(run).oauth(start, ()), callback=inventory.callback_of(start))


def test_no_case_logs_in_and_each_is_answered(trial: OAuthTrial) -> None:
    tried = [attempt for attempt in trial.attempts if not attempt.undriven]
    assert len(tried) > 50
    assert [attempt.case for attempt in tried if attempt.logged_in] == []
    # refused, or (sent twice) a log-in that is over; nobody caught LoginRefused
    assert {attempt.status for attempt in tried} == {401}
    assert {a.case for a in trial.attempts if a.undriven} == {
        "state of one provider at the callback of another",
        "userinfo of somebody else",
    }


@pytest.mark.parametrize("rule", [*oau.OF_THE_START, *oau.OF_THE_CALLBACK], ids=lambda rule: rule.code)
def test_it_passes_every_rule(trial: OAuthTrial, rule: object) -> None:
    judgement = rule(trial)  # type: ignore[operator]
    assert judgement.outcome is Outcome.PASS, judgement


# ------------------------------------------------------------------------------------------------- one app, in process
class Shop:
    """The kit in an app, a browser, and the provider."""

    def __init__(self) -> None:
        self.openid = OpenIdLogin("idp")
        self.app = Flask("shop")
        self.app.config.update(SECRET_KEY="0f9b2c77e1d84a53b6c9d2e8f7a1b0c4", TESTING=True)
        init_errors(self.app)
        self.openid.init_app(
            self.app,
            issuer=ISSUER,
            client_id="shop",
            client_secret="a-secret-of-the-shop",
            redirect_uri="https://localhost/callback",
        )
        self.provider = Provider(PERSON)
        self.browser = self.app.test_client()
        self.app.add_url_rule("/start", "start", self.openid.start)
        self.app.add_url_rule("/callback", "callback", self.callback)

    def callback(self) -> dict[str, object]:
        person = self.openid.finish()
        left = sorted(session)
        session["user_id"] = person.subject
        return {"email": person.email, "verified": person.email_verified, "name": person.name, "left": left}

    def begin(self) -> dict[str, str]:
        flow = self.provider.authorize(self.browser.get("/start").location)
        return {"code": flow.code, "state": flow.asked["state"]}


@pytest.fixture
def shop() -> Iterator[Shop]:
    install()
    found = Shop()
    with responding(found.provider):
        found.provider.play(HAPPY)
        yield found


def test_a_person_and_a_new_session(shop: Shop) -> None:
    with shop.browser.session_transaction() as stored:
        stored["theme"] = "dark"
    answer = shop.browser.get("/callback", query_string=shop.begin())
    assert answer.json == {"email": "u1@shop.example", "verified": True, "name": "One", "left": []}


def test_the_request_is_pinned(shop: Shop) -> None:
    asked = parse_qs(urlsplit(shop.browser.get("/start", headers={"Host": "evil.example"}).location).query)
    assert asked["redirect_uri"] == ["https://localhost/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)


def test_two_tabs_both_work_and_pending_log_ins_are_bounded(shop: Shop) -> None:
    for _ in range(3 * PENDING):
        shop.begin()
    with shop.browser.session_transaction() as stored:
        assert len([key for key in stored if key.startswith("_state_")]) == PENDING
    cookie = shop.browser.get("/start").headers["Set-Cookie"]
    assert len(cookie) < 4096
    first, second = shop.begin(), shop.begin()
    assert shop.browser.get("/callback", query_string=first).status_code == 200
    # the first ended the session in which the second was begun
    assert shop.browser.get("/callback", query_string=second).status_code == 401


def test_a_log_in_that_took_too_long(shop: Shop) -> None:
    sent = shop.begin()
    with shop.browser.session_transaction() as stored:
        [key] = [key for key in stored if key.startswith("_state_")]
        assert stored[key]["exp"] == pytest.approx(time.time() + LIFETIME, abs=60)
        stored[key] = {**stored[key], "exp": time.time() - 1}
    assert shop.browser.get("/callback", query_string=sent).status_code == 401


def test_a_refusal_takes_the_state_with_it_and_tells_nothing(shop: Shop) -> None:
    sent = shop.begin()
    answer = shop.browser.get(
        "/callback",
        query_string={"state": sent["state"], "error": "access_denied", "error_description": "<b>no</b>"},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 401
    assert answer.json == {
        "error": {"code": "UNAUTHORIZED", "message": "This log-in did not work.", "details": {}},
    }
    with shop.browser.session_transaction() as stored:
        assert [key for key in stored if key.startswith("_state_")] == []


def test_a_provider_that_is_away(shop: Shop) -> None:
    def away(request: Request) -> Answer:
        return Answer(503, b"<h1>Away</h1>", "text/html")

    with responding(away):
        assert shop.browser.get("/start").status_code == 401


def test_a_relative_redirect_uri_is_refused() -> None:
    with pytest.raises(ValueError, match="must be absolute"):
        OpenIdLogin().init_app(
            Flask("shop"), issuer=ISSUER, client_id="shop", client_secret="x", redirect_uri="/auth/callback"
        )


def test_configured_for_the_app_that_it_was_bound_to(shop: Shop) -> None:
    with shop.app.app_context():
        assert shop.openid.configured
    with Flask("other").app_context():
        assert not shop.openid.configured


def test_a_session_that_the_server_keeps_gets_another_id() -> None:
    app = Flask("shop")
    app.secret_key = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
    renewed: list[object] = []
    app.session_interface.regenerate = renewed.append  # type: ignore[attr-defined]
    with app.test_request_context():
        session["basket"] = 1
        renew_session()
        assert dict(session) == {}
        assert len(renewed) == 1


def test_the_reason_is_for_the_log_alone() -> None:
    refused = LoginRefused("OAuthError")
    assert (refused.code, refused.reason) == (401, "OAuthError")
    assert "OAuthError" not in str(refused.get_description())
