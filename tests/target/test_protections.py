"""Real extensions, read back: fails when an upgrade moves one of the private attributes."""

import logging
import subprocess
import sys
from collections.abc import Callable

import pytest
from flask import Blueprint, Flask, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_seasurf import SeaSurf
from flask_wtf import CSRFProtect

from seatrial.monitor import Monitor
from seatrial.target import protections


def build(config: dict[str, object], extend: Callable[[Flask], None] = lambda _: None) -> Flask:
    app = Flask(__name__)
    app.config.update({"SECRET_KEY": "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4", **config})
    extend(app)
    return app


def everything(app: Flask) -> None:
    csrf, limiter = CSRFProtect(app), Limiter(get_remote_address, app=app, default_limits=["200/hour"])
    LoginManager(app)
    app.extensions["kept by its module"] = limiter  # as a module-level limiter: the decorators refer to it weakly

    @app.route("/login", methods=["GET", "POST"])
    @limiter.limit("5/minute", methods=["POST"])
    def login() -> str:
        return "login"

    @app.post("/hook")
    @csrf.exempt
    def hook() -> str:
        return "hook"

    api = Blueprint("api", __name__)
    api.add_url_rule("/api", "index", lambda: "api", methods=["POST"])
    csrf.exempt(api)
    app.register_blueprint(api)


def by_name(app: Flask) -> dict[str, tuple[bool, str]]:
    return {found.name: (found.active, found.switched_off_by) for found in protections.protections(app)}


def test_everything_that_is_on() -> None:
    assert by_name(build({}, everything)) == {"csrf": (True, ""), "rate-limit": (True, ""), "login": (True, "")}


@pytest.mark.parametrize(
    ("config", "name", "off"),
    [
        ({"WTF_CSRF_ENABLED": False}, "csrf", "WTF_CSRF_ENABLED = False"),
        ({"WTF_CSRF_CHECK_DEFAULT": False}, "csrf", "WTF_CSRF_CHECK_DEFAULT = False"),
        ({"RATELIMIT_ENABLED": False}, "rate-limit", "RATELIMIT_ENABLED = False"),
        ({"LOGIN_DISABLED": True}, "login", "LOGIN_DISABLED = True"),
    ],
)
def test_what_switches_a_protection_off_is_named(config: dict[str, object], name: str, off: str) -> None:
    assert by_name(build(config, everything))[name] == (False, off)


def test_an_app_without_protections_has_none() -> None:
    # In a process of its own, as in a host: what other tests imported must not count as the app's.
    code = "import flask; from seatrial.target.protections import protections; print(protections(flask.Flask('a')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "()"


def test_limits_are_resolved_per_method() -> None:
    app = build({}, everything)
    assert protections.limits_of(app, "login", "POST") == ("5 per 1 minute",)
    assert protections.limits_of(app, "hook", "POST") == ("200 per 1 hour",)


def test_csrf_by_view_and_blueprint() -> None:
    app = build({}, everything)
    found = {
        (endpoint, method): protections.csrf_of(app, endpoint, method)
        for endpoint, method in [("login", "POST"), ("login", "GET"), ("hook", "POST"), ("api.index", "POST")]
    }
    assert found == {
        ("login", "POST"): "protected",
        ("login", "GET"): "",
        ("hook", "POST"): "exempt",
        ("api.index", "POST"): "exempt",
    }


def test_exempt_names_are_read_back() -> None:
    app = build({}, everything)
    assert protections.csrf_library(app).startswith("Flask-WTF 1.")
    assert protections.csrf_name(app, "hook") == f"{__name__}.hook"
    assert (protections.csrf_name(app, "login"), protections.csrf_name(app, "api.index")) == ("", "")


@pytest.mark.parametrize("library", [CSRFProtect, SeaSurf])
def test_hooks_in_front_of_the_librarys_own(library: Callable[[Flask], object]) -> None:
    def early() -> None: ...

    def late() -> None: ...

    def extend(app: Flask) -> None:
        app.before_request(early)
        library(app)
        app.before_request(late)

    app = build({}, extend)
    assert protections.hooks_before_csrf(app) == [(early, "app")]
    assert protections.csrf_library(app)
    assert protections.hooks_before_csrf(build({}, lambda app: app.before_request(early) and None)) == []


def test_a_token_that_the_library_takes() -> None:
    app = build({}, everything)
    made = protections.new_csrf_token(app, {}, "https://localhost")
    assert made is not None
    field, token, kept = made
    client = app.test_client()
    with client.session_transaction() as session:
        session[field] = kept
    assert client.post("/login").status_code == 400
    assert client.post("/login", data={field: token}).status_code == 200
    assert protections.csrf_check() is not None


def test_resetting_limits_forgets_what_was_counted() -> None:
    app = build({}, everything)
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    assert [client.post("/login").status_code for _ in range(6)][-1] == 429
    protections.reset_limits(app)
    assert client.post("/login").status_code == 200


def test_the_sweep_profile_takes_limits_and_csrf_out_of_the_way() -> None:
    app = build({}, everything)
    protections.apply_sweep(app, {})
    client = app.test_client()
    assert {client.post("/login").status_code for _ in range(8)} == {200}
    assert by_name(app)["csrf"] == (False, "WTF_CSRF_ENABLED = False")


@pytest.mark.parametrize(
    ("key", "weak"),
    [
        ("dev", True),
        ("devkey-please-change-me", True),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", True),
        ("0f9b2c77e1d84a53b6c9d2e8f7a1b0c4", False),
        (b"\x8f\x01\x99\xd3qz\x17\xe2\xb4a\x0c\xfe", False),
    ],
)
def test_weak_secret_keys(key: str | bytes, weak: bool) -> None:
    facts = protections.facts(build({"SECRET_KEY": key}), "protection", "production", {})
    assert bool(facts.secret_key_weakness) is weak
    assert facts.secret_key_length == len(key)
    assert (key.decode("latin-1") if isinstance(key, bytes) else key) not in repr(facts)


@pytest.mark.parametrize(("limit", "seen"), [(100, True), (None, False)])
def test_the_monitor_counts_as_long_as_it_logs(limit: int | None, seen: bool) -> None:
    app = build({"SEATRIAL_SLOW_STATEMENT_MS": limit}, lambda app: Monitor().init_app(app))
    monitors = protections.facts(app, "protection", "production", {}).monitors
    assert ("seatrial.monitor" in monitors) is seen


def test_a_monitor_whose_logger_was_disabled_does_not_count() -> None:
    app = build({}, lambda app: Monitor().init_app(app))
    logger = logging.getLogger("seatrial.monitor")
    logger.disabled = True
    try:
        assert "seatrial.monitor" not in protections.facts(app, "protection", "production", {}).monitors
    finally:
        logger.disabled = False


# ---------------------------------------------------------------------------------------------------- Authlib
def test_authlib_is_read_as_it_was_registered_and_forgets_what_it_learnt() -> None:
    oauth = pytest.importorskip("authlib.integrations.flask_client").OAuth
    app = Flask("shop")
    app.secret_key = "0f9b2c77e1d84a53b6c9d2e8f7a1b0c4"
    assert protections.oauth_clients(app) == {}
    registry = oauth(app)
    client = registry.register(
        "idp", client_id="shop", authorize_url="https://id.example/a", issuer="https://id.example"
    )
    registry.register("other", client_id="shop")
    client.server_metadata.update(issuer="https://learnt.example", jwks={"keys": []})
    registered = protections.oauth_clients(app)
    assert {name: data.get("issuer") for name, data in registered.items()} == {
        "idp": "https://id.example",
        "other": None,
    }
    assert registry.create_client("idp") is client
    protections.forget_oauth(app, registered)
    assert client.server_metadata.get("issuer") == "https://id.example"
    assert "jwks" not in client.server_metadata
    with app.test_request_context("/"):
        client.authorize_redirect("https://localhost/callback", state="s1")
        assert protections.oauth_state_key("idp", "s1") in session
    assert protections.oauth_library(app).startswith("Authlib ")
