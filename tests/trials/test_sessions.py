"""Log-ins and log-outs of real apps in real hosts: sessions in the cookie, and sessions on the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import project

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model.inventory import Inventory, Route
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.profiles import Profile
from seatrial.plugin.aims import log_ins, log_outs
from seatrial.rules import ses
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = '''
    """Keeps its sessions in a dictionary on the server, under an identifier that a log-in may or may not renew."""

    import secrets

    from flask import Flask, redirect, request, session
    from flask.sessions import SessionInterface, SessionMixin

    RENEWED, ENDED = {renewed}, {ended}
    FORM = '<form method="post"><input name="username"><input name="password" type="password"></form>'


    class Stored(dict, SessionMixin):
        identifier = ""


    class OnTheServer(SessionInterface):
        def __init__(self):
            self.kept = {{}}

        def open_session(self, app, request):
            identifier = request.cookies.get("sid", "")
            found = Stored(self.kept.get(identifier, {{}}))
            found.identifier = identifier if identifier in self.kept else secrets.token_hex(16)
            return found

        def save_session(self, app, session, response):
            self.kept[session.identifier] = dict(session)
            response.set_cookie("sid", session.identifier)


    def create_app(config=None):
        app = Flask(__name__)
        app.config.from_mapping(config or {{}})
        app.session_interface = OnTheServer()

        @app.get("/")
        def home():
            return "mine" if session.get("user") == "owner" else redirect("/login")

        @app.get("/login")
        def form():
            return FORM

        @app.post("/login")
        def enter():
            if request.form["password"] != "sea-trial-pass":
                return FORM, 400
            if RENEWED:
                session.clear()
                session.identifier = secrets.token_hex(16)
            session["user"] = "owner"
            return redirect("/")

        @app.route("/logout", methods=["GET", "POST"])
        def leave():
            if ENDED:
                session.clear()
            else:
                session.identifier = secrets.token_hex(16)
                session.clear()
            return redirect("/login")

        return app
'''
OWNER = """
    [[tool.seatrial.identities]]
    name = "owner"
    login = "/login"
    fields = { username = "owner", password = "sea-trial-pass" }
"""


class Shop:
    def __init__(self, pilot: Pilot, inventory: Inventory) -> None:
        self.pilot, self.inventory = pilot, inventory

    @property
    def door(self) -> tuple[Route, str]:
        [aim] = log_ins(self.inventory)
        [member] = aim.members
        return member


@pytest.fixture(params=[(True, True), (False, False)], ids=["renewed", "fixed"], scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, bool]]:
    renewed, ended = request.param
    files = {"shop.py": SHOP.format(renewed=renewed, ended=ended)}
    with open_run(load(project(tmp_path_factory.mktemp("shop") / "app", files, more=OWNER))) as run:
        yield shop_of(run), renewed


def shop_of(run: Run) -> Shop:
    inventory = prepare(run, Profile.PROTECTION)
    return Shop(Pilot(run), inventory)


def test_the_door_is_where_the_form_was_posted_to(shop: tuple[Shop, bool]) -> None:
    route, who = shop[0].door
    assert (route.method, route.rule, who) == ("POST", "/login", "owner")


def test_an_identifier_that_stays_the_same_is_fixation_and_blocks(shop: tuple[Shop, bool]) -> None:
    found, renewed = shop
    evidence = found.pilot.log_in(*found.door)
    assert evidence.works
    assert evidence.planted
    assert evidence.kept == "OnTheServer"
    judgement = ses.session_fixation(evidence)
    if renewed:
        assert judgement.outcome is Outcome.PASS
    else:
        [finding] = judgement.findings
        assert (finding.level, finding.detail) == (Level.BLOCK, "cookie")


def test_every_way_out_is_tried_and_the_server_may_still_know_the_session(shop: tuple[Shop, bool]) -> None:
    found, renewed = shop
    aims = list(log_outs(found.inventory))
    assert [(aim.route.method, aim.identity) for aim in aims if aim.route] == [("GET", "owner"), ("POST", "owner")]
    for aim in aims:
        assert aim.route is not None
        evidence = found.pilot.log_out(aim.route, aim.identity)
        assert (evidence.copy_before, evidence.after) == (200, 302)
        outcome = ses.logout_keeps_session(evidence).outcome
        assert outcome is (Outcome.PASS if renewed else Outcome.FAIL)


def test_without_an_identity_a_log_in_by_name_is_not_proved(tmp_path: Path) -> None:
    files = {"shop.py": SHOP.format(renewed=True, ended=True)}
    with open_run(load(project(tmp_path / "app", files))) as run:
        found = shop_of(run)
        evidence = found.pilot.log_in(*found.door)
        [aim, _] = log_outs(found.inventory)
        assert aim.route is not None
        left = found.pilot.log_out(aim.route, aim.identity)
    for judgement in (ses.session_fixation(evidence), ses.csrf_token_survives_login(evidence)):
        assert judgement.outcome is Outcome.NOT_PROVED
        assert "[[tool.seatrial.identities]]" in judgement.reason
    assert ses.logout_keeps_session(left).outcome is Outcome.NOT_PROVED


ONCE = """
    from flask import Flask, abort, redirect, request, session

    entered = []


    def by_header(client):
        client.environ_base["HTTP_AUTHORIZATION"] = "Bearer x"


    def once(client):
        if client.post("/login", base_url="https://localhost").status_code != 302:
            raise RuntimeError("too many log-ins")


    def create_app(config=None):
        app = Flask(__name__)
        app.config.from_mapping(config or {})

        @app.get("/")
        def home():
            known = session.get("user") or request.headers.get("Authorization") == "Bearer x"
            return "mine" if known else ("", 401)

        @app.post("/login")
        def enter():
            entered.append(1)
            if len(entered) > 1:
                abort(429)
            session["user"] = "owner"
            return redirect("/")

        @app.post("/logout")
        def leave():
            session.clear()
            return redirect("/")

        return app
"""


@pytest.mark.parametrize(
    ("function", "outcome", "reason"),
    [
        ("by_header", Outcome.SKIPPED, "owner is known by its headers and not by a cookie that could be copied"),
        ("once", Outcome.NOT_PROVED, "too many log-ins"),
    ],
)
def test_a_log_out_of_who_has_no_cookie_and_of_who_cannot_log_in_again(
    tmp_path: Path, function: str, outcome: Outcome, reason: str
) -> None:
    owner = f"""
        [[tool.seatrial.identities]]
        name = "owner"
        call = "shop:{function}"
        proof = "/"
    """
    with open_run(load(project(tmp_path / "app", {"shop.py": ONCE}, more=owner))) as run:
        found = shop_of(run)
        aim = next(aim for aim in log_outs(found.inventory) if aim.route and aim.identity == "owner")
        assert aim.route is not None
        judgement = ses.logout_keeps_session(found.pilot.log_out(aim.route, aim.identity))
    assert judgement.outcome is outcome
    assert reason in judgement.reason
