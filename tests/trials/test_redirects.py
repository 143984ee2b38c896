"""Parameters that lead on, and forged hosts, on a real app in a real host: the checks that apps really have."""

from collections.abc import Iterator

import pytest
from support import project

from seatrial.config import load
from seatrial.host.run import Run
from seatrial.model.findings import Judgement
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.model.redirects import HostTrial, RedirectTrial
from seatrial.plugin.aims import leading
from seatrial.rules import red
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = '''
    from urllib.parse import urljoin, urlparse

    from flask import Flask, redirect, request, session, url_for
    from werkzeug.middleware.proxy_fix import ProxyFix

    FORM = """<form method="post"><input name="username"><input name="password" type="password">
    <input type="hidden" name="next" value="{next}"></form>"""


    def only_a_slash(target):
        return target.startswith("/")


    def no_netloc(target):
        return urlparse(target).netloc == ""


    def is_safe_url(target):
        here, there = urlparse(request.host_url), urlparse(urljoin(request.host_url, target))
        return there.scheme in ("http", "https") and here.netloc == there.netloc


    def one_slash(target):
        return target.startswith("/") and not target.startswith("//")


    def local(target):
        return target.isascii() and target.isprintable() and target[:1] == "/" and not {"//", "\\\\"} & {
            target[i : i + n] for n in (1, 2) for i in range(len(target))
        }


    def home_or(target, check):
        return redirect(target if target and check(target) else "/")


    def wanted():
        return request.values.get("next", "")


    def create_app(config=None):
        app = Flask(__name__)
        app.config.from_mapping(config or {})
        app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1)

        @app.get("/")
        def home():
            return "mine" if session.get("user") else redirect("/login")

        for check in (only_a_slash, no_netloc, is_safe_url, one_slash, local):

            def view(check=check):
                return home_or(request.args.get("next"), check)

            app.add_url_rule(f"/{check.__name__}", check.__name__, view)

        app.add_url_rule("/none", "none", lambda: redirect("/"))
        app.add_url_rule("/named", "named", lambda: redirect(request.args.get("proceed", "/")))
        app.add_url_rule("/script", "script", lambda: redirect("javascript:" + request.args.get("next", "")))
        app.add_url_rule("/two", "two", lambda: redirect(request.args.get("url") or request.args.get("back") or "/"))
        app.add_url_rule("/echo", "echo", lambda: redirect("/search?next=" + request.args.get("next", "")))

        @app.get("/login")
        def form():
            return FORM.replace("{next}", request.args.get("next", "").replace('"', ""))

        @app.post("/login")
        def enter():
            if request.form["password"] != "sea-trial-pass":
                return FORM, 400
            session["user"] = "owner"
            return redirect(request.form.get("next") or "/")

        @app.post("/theme")
        def theme():
            return redirect(wanted() or "/")

        @app.post("/silent")
        def silent():
            app.config["ASKED"] = True
            return redirect("/")

        @app.route("/logout")
        def leave():
            session.clear()
            return home_or(request.args.get("next"), only_a_slash)

        app.add_url_rule("/asked", "asked", lambda: str(app.config.get("ASKED", False)))
        app.add_url_rule("/canonical", "canonical", lambda: redirect(url_for("home", _external=True)))
        app.add_url_rule("/plain", "plain", lambda: redirect(url_for("home")))

        @app.get("/auth/reset")
        def reset():
            return f'<form action="{url_for("home", _external=True)}">'

        return app
'''
MORE = """
    [[tool.seatrial.identities]]
    name = "owner"
    login = "/login"
    fields = { username = "owner", password = "sea-trial-pass" }
"""


class Shop:
    def __init__(self, run: Run) -> None:
        self.inventory = prepare(run, Profile.PROTECTION)
        self.pilot = Pilot(run)
        self.run = run

    def redirects(self, path: str, method: str = "GET", identity: str = "owner") -> RedirectTrial:
        aims = [a for a in leading(self.inventory) if a.route and (a.route.method, a.route.rule) == (method, path)]
        aim = next(aim for aim in aims if aim.identity == identity)
        assert aim.route is not None
        enters = next((who for _, who in aim.members), "")
        return self.pilot.redirects(aim.route, identity, enters)

    def led_away(self, path: str, method: str = "GET", identity: str = "owner") -> Judgement:
        return red.open_redirect(self.redirects(path, method, identity))

    def hosts(self, path: str) -> HostTrial:
        route = next(r for r in self.inventory.routes if (r.method, r.rule) == ("GET", path))
        return self.pilot.hosts(route, ANONYMOUS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = project(tmp_path_factory.mktemp("shop") / "app", {"shop.py": SHOP}, more=MORE)
    with open_run(load(root)) as run:
        yield Shop(run)


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/only_a_slash", "two slashes"),
        ("/no_netloc", "four slashes"),
        ("/is_safe_url", "four slashes"),
        ("/one_slash", "a tab between two slashes"),
        ("/named", "an absolute URL"),
    ],
)
def test_a_check_that_lets_one_shape_through_is_convicted_by_it(shop: Shop, path: str, payload: str) -> None:
    [finding] = shop.led_away(path).findings
    assert payload in finding.message
    assert finding.evidence["leads_to"].endswith("://seatrial-foreign.example")


def test_a_sound_check_passes_the_whole_matrix(shop: Shop) -> None:
    trial = shop.redirects("/local")
    [parameter] = trial.parameters
    assert len(parameter.landings) > 30
    assert red.open_redirect(trial).outcome is Outcome.PASS


def test_every_parameter_is_found(shop: Shop) -> None:
    assert {f.detail for f in shop.led_away("/two").findings} == {"url", "back"}


@pytest.mark.parametrize("path", ["/none", "/script", "/echo"])
def test_what_does_not_reach_location_as_a_target_is_skipped(shop: Shop, path: str) -> None:
    assert shop.led_away(path).outcome is Outcome.SKIPPED


def test_a_log_in_is_gone_through_with_its_own_form(shop: Shop) -> None:
    [finding] = shop.led_away("/login", "POST", ANONYMOUS).findings
    assert (finding.subject, finding.detail) == ("POST /login enter [anonymous]", "next")


def test_an_unsafe_route_is_asked_only_where_its_code_or_its_helpers_name_a_parameter(shop: Shop) -> None:
    assert shop.led_away("/theme", "POST").outcome is Outcome.FAIL
    trial = shop.redirects("/silent", "POST")
    assert trial.requests == 0
    assert red.open_redirect(trial).outcome is Outcome.SKIPPED
    asked = next(r for r in shop.inventory.routes if r.rule == "/asked")
    assert shop.pilot.look(asked, "owner").body_size == len("False"), "the view must not have run"


def test_a_log_out_is_logged_in_again_for_each_value(shop: Shop) -> None:
    [finding] = shop.led_away("/logout").findings
    assert "two slashes" in finding.message
    assert shop.pilot.look(next(r for r in shop.inventory.routes if r.rule == "/"), "owner").status == 200


def test_absolute_redirects_follow_host_and_what_the_proxy_says(shop: Shop) -> None:
    trial = shop.hosts("/canonical")
    assert [(f.header, f.follows) for f in trial.forgeries] == [
        ("Host", ("Location",)),
        ("X-Forwarded-Host", ("Location",)),
        ("Forwarded", ()),
    ]
    assert red.host_header_poisoning(trial).outcome is Outcome.FAIL


def test_relative_redirects_do_not(shop: Shop) -> None:
    trial = shop.hosts("/plain")
    assert len(trial.forgeries) == 3
    assert red.host_header_poisoning(trial).outcome is Outcome.PASS


def test_links_of_pages_about_accounts_count_and_others_are_not_asked(shop: Shop) -> None:
    assert shop.hosts("/auth/reset").forgeries[0].follows == ("a link in the page",)
    other = shop.hosts("/none")
    assert red.host_header_poisoning(other).outcome is Outcome.PASS
    assert shop.hosts("/asked").needless
