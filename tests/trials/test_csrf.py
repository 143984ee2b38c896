"""Forged requests against real apps in real hosts: Flask-WTF, forms alone, SeaSurf, and checks by hand."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import project

from seatrial.config import load
from seatrial.model.csrf import FOREIGN, NONE, QUERY, REFERER, TAMPERED, CsrfTrial
from seatrial.model.findings import Judgement
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context
from seatrial.rules import csr
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

FORGED = {NONE, FOREIGN, TAMPERED}


class Shop:
    """A shop under trial."""

    def __init__(self, run: Any) -> None:
        self.inventory = prepare(run, Profile.PROTECTION)
        self.pilot, self.run = Pilot(run), run

    def forged(self, path: str, method: str = "POST", identity: str = ANONYMOUS) -> CsrfTrial:
        route = next(r for r in self.inventory.routes if (r.method, r.rule) == (method, path))
        return self.pilot.forged(route, identity)

    def judged(self, path: str, method: str = "POST", identity: str = ANONYMOUS) -> Judgement:
        trial = self.forged(path, method, identity)
        return csr.unsafe_route_unprotected(trial, Context(facts=self.pilot.facts()))


@contextmanager
def opened(root: Path, factory: str, **options: str) -> Iterator[Shop]:
    project(root, {}, top=options.pop("top", ""), **options)  # type: ignore[arg-type]
    shutil.copy(Path(__file__).parent / "forged_shop.py", root / "shop.py")
    file = root / "seatrial.toml"
    file.write_text(file.read_text().replace("create_app", factory))
    with open_run(load(root)) as run:
        yield Shop(run)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("wtf") / "app", "create_app", more=HOOK) as found:
        yield found


HOOK = """
    [[tool.seatrial.webhooks]]
    path = "/hook"
    provider = "stripe"
    secret_config = "SECRET_KEY"
    events = ["invoice.paid"]
"""
PROTECTED = [("/plain", m) for m in ("POST", "PUT", "PATCH", "DELETE")] + [
    ("/careless", "POST"), ("/json", "POST"), ("/items", "POST"), ("/items", "PUT"), ("/broken", "POST"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "method"), PROTECTED)
def test_protected_routes_pass_and_nothing_happens(shop: Shop, path: str, method: str) -> None:
    trial = shop.forged(path, method)
    assert trial.control.entered
    assert {a.case for a in trial.attempts} == FORGED | {QUERY, REFERER}
    assert [a.case for a in trial.attempts if a.entered] == []
    assert (trial.acted, trial.wrote, trial.token) == ((), False, "a form on /")
    assert shop.judged(path, method).outcome is Outcome.PASS


@pytest.mark.parametrize("path", ["/exempt", "/exempt-json"])
def test_an_exempt_route_is_let_in_and_the_database_is_put_back(shop: Shop, path: str) -> None:
    trial = shop.forged(path)
    assert {a.case for a in trial.attempts if a.entered} >= FORGED
    assert trial.acted[0].changed
    assert trial.wrote
    judgement = shop.judged(path)
    assert judgement.outcome is Outcome.FAIL
    assert "changed something; the view is exempt" in judgement.findings[0].message
    assert Profile.PROTECTION in shop.pilot.asking._dirty
    assert shop.judged("/plain").outcome is Outcome.PASS  # restores first; the session still holds
    assert Profile.PROTECTION not in shop.pilot.asking._dirty


def test_a_check_in_the_body_passes_and_half_a_check_does_not(shop: Shop) -> None:
    trial = shop.forged("/in-body")
    assert {a.case for a in trial.attempts if a.entered} >= FORGED
    assert [(a.status, a.changed > 0) for a in trial.acted] == [(403, False)] * 3 + [(302, True)]
    assert shop.judged("/in-body").outcome is Outcome.PASS
    half = shop.judged("/in-body-half")
    assert half.outcome is Outcome.FAIL
    assert "changed something" in half.findings[0].message


def test_a_route_that_refuses_everybody_is_not_proved(shop: Shop) -> None:
    judgement = shop.judged("/sleepy")
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "the own token (from a form on /) does not enter the body either: answered 400" in judgement.reason


def test_webhooks_and_log_outs_are_left_alone(shop: Shop) -> None:
    trial = shop.forged("/hook")
    assert trial.attempts == ()
    assert shop.judged("/hook").outcome is Outcome.SKIPPED
    route = next(r for r in shop.inventory.routes if (r.method, r.rule) == ("POST", "/logout"))
    assert route.skipped


def test_a_form_that_checks_by_itself(tmp_path: Path) -> None:
    with opened(tmp_path / "app", "create_forms_app") as shop:
        trial = shop.forged("/note")
        assert {a.case for a in trial.attempts if a.entered} >= FORGED
        assert [a.checked for a in trial.acted] == [True] * 4
        assert shop.judged("/note").outcome is Outcome.PASS


def test_seasurf(tmp_path: Path) -> None:
    with opened(tmp_path / "app", "create_seasurf_app") as shop:
        assert shop.judged("/plain").outcome is Outcome.PASS
        assert shop.judged("/exempt").outcome is Outcome.FAIL


def test_checks_by_hand(tmp_path: Path) -> None:
    with opened(tmp_path / "app", "create_handmade_app") as shop:
        assert shop.judged("/form").outcome is Outcome.PASS
        assert [a.case for a in shop.forged("/form").attempts if a.entered] == [REFERER]
        assert shop.judged("/by-origin").outcome is Outcome.PASS
        assert shop.judged("/open").outcome is Outcome.FAIL
        query = shop.judged("/query")
        assert [(f.level, f.detail) for f in query.findings] == [(Level.WARN, QUERY)]


TOKENS = """
    [[tool.seatrial.identities]]
    name = "robot"
    headers = { Authorization = "Bearer x" }
    proof = "/me"
"""
BY_CALL = """
    [[tool.seatrial.identities]]
    name = "robot"
    call = "shop:{function}"
    proof = "{proof}"
"""
OFF = """
    [tool.seatrial.protection.config]
    WTF_CSRF_ENABLED = false
"""


def test_who_is_known_by_a_header_needs_no_token(tmp_path: Path) -> None:
    with opened(tmp_path / "app", "create_app", more=TOKENS) as shop:
        judgement = shop.judged("/exempt", identity="robot")
        assert judgement.outcome is Outcome.SKIPPED
        assert "robot is known by its headers and not by a cookie" in judgement.reason
        assert shop.judged("/exempt").outcome is Outcome.FAIL  # by a stranger's cookie session


@pytest.mark.parametrize(
    ("function", "proof", "outcome"),
    [
        ("with_token", "/me", Outcome.SKIPPED),
        ("with_token_beside_cookies", "/me", Outcome.SKIPPED),
        ("with_cookie_beside_header", "/account", Outcome.FAIL),
    ],
)
def test_a_header_that_a_callable_sets_counts_where_it_opens_the_page(
    tmp_path: Path, function: str, proof: str, outcome: Outcome
) -> None:
    with opened(tmp_path / "app", "create_app", more=BY_CALL.format(function=function, proof=proof)) as shop:
        assert shop.judged("/exempt", identity="robot").outcome is outcome


def test_a_form_that_is_not_for_who_is_logged_in_is_not_proved_by_them(tmp_path: Path) -> None:
    identity = BY_CALL.format(function="with_cookie_beside_header", proof="/account")
    with opened(tmp_path / "app", "create_forms_app", more=identity) as shop:
        sent_away = shop.judged("/enter-by-form", identity="robot")
        assert sent_away.outcome is Outcome.NOT_PROVED
        assert "sends this visitor away (302) before it asks its form" in sent_away.reason
        assert shop.judged("/enter-by-form").outcome is Outcome.PASS
        # no form is seen in the body of this one: what it does is all that is known
        assert shop.judged("/enter", identity="robot").outcome is Outcome.FAIL


def test_a_protection_that_is_off_proves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "app", "create_app", more=OFF) as shop:
        judgement = shop.judged("/plain")
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "WTF_CSRF_ENABLED = False" in judgement.reason


def test_hooks_in_front_of_a_check_that_stands_in_a_blueprint(tmp_path: Path) -> None:
    with opened(tmp_path / "app", "create_blueprint_app") as shop:
        acting = {
            path: {hook.name.rpartition(".")[2]: hook.acts for hook in shop.forged(path).hooks if hook.acts}
            for path in ("/<language>/v1/notes", "/late", "/open")
        }
    theme = "writes 'theme' to the session"
    assert acting == {
        "/<language>/v1/notes": {"remember_theme": theme, "remember_language": "writes 'language' to the session"},
        "/late": {"remember_theme": theme, "count": "sends 1 statement that changes rows"},
        "/open": {},  # nothing checks there: CSR001
    }
