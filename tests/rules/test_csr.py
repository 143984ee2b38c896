"""Cases of the CSR rules that the specimens do not show, and the forms of a page."""

from collections.abc import Iterable

import pytest

from seatrial.model.csrf import FOREIGN, NONE, OWN, TAMPERED, Attempt, CsrfTrial, Hook
from seatrial.model.evidence import AppFacts, Exchange, Protection
from seatrial.model.findings import Judgement, Place
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules import csr
from seatrial.target.forms import post_forms

ROUTE = Route("POST", "/notes", "notes", path="/notes", csrf="protected")
LET_IN = tuple(Attempt(case, entered=True) for case in (NONE, FOREIGN, TAMPERED))
REFUSED = tuple(Attempt(case, status=400) for case in (NONE, FOREIGN, TAMPERED))
ENTERED = Attempt(OWN, entered=True)


def trial(
    attempts: Iterable[Attempt] = REFUSED,
    acted: Iterable[Attempt] = (),
    control: Attempt = ENTERED,
    *,
    csrf: str = "protected",
    status: int = 0,
    token: str = "a form on /",
    protection: str = "Flask-WTF 1.3.0",
    hooks: tuple[Hook, ...] = (),
    unseen: str = "",
) -> CsrfTrial:
    route = Route("POST", "/notes", "notes", path="/notes", csrf=csrf)
    answer = Exchange(route, "owner", "/notes", status)
    return CsrfTrial(answer, protection, control, tuple(attempts), tuple(acted), token, hooks=hooks, unseen=unseen)


def judged(found: CsrfTrial, facts: AppFacts | None = None) -> Judgement:
    return csr.unsafe_route_unprotected(found, Context(facts=facts))


def acted(forged: int, own: int, *, changed: int = 0, checked: bool = False, own_changed: int = 0) -> list[Attempt]:
    return [
        Attempt(NONE, True, status=forged, changed=changed, checked=checked),
        Attempt(OWN, True, status=own, changed=own_changed),
    ]


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (trial(), Outcome.PASS),
        (trial(LET_IN, acted(302, 302, changed=1)), Outcome.FAIL),
        (trial(LET_IN, acted(302, 302)), Outcome.FAIL),
        (trial(LET_IN, acted(500, 302, own_changed=1)), Outcome.FAIL),
        (trial(LET_IN, acted(403, 302, own_changed=1)), Outcome.PASS),
        (trial(LET_IN, acted(403, 302, changed=1, own_changed=1)), Outcome.FAIL),
        (trial(LET_IN, acted(403, 403)), Outcome.NOT_PROVED),
        (trial(LET_IN, acted(403, 403), csrf="exempt"), Outcome.FAIL),
        (trial(LET_IN, acted(200, 200, checked=True)), Outcome.NOT_PROVED),
        (trial(LET_IN, acted(200, 302, checked=True, own_changed=1)), Outcome.PASS),
        (trial(control=Attempt(OWN, status=404), status=404), Outcome.NOT_PROVED),
        (trial(REFUSED[:1]), Outcome.NOT_PROVED),
        (trial((Attempt(NONE, status=200, changed=2), *REFUSED[1:])), Outcome.FAIL),
        (trial((Attempt(NONE, status=403, changed=2), *REFUSED[1:])), Outcome.PASS),
        (trial((Attempt(NONE, failure="did not finish within 10 s"), *REFUSED[1:])), Outcome.NOT_PROVED),
        (trial((), unseen="the view is a builtin, which has no Python code"), Outcome.NOT_PROVED),
    ],
)
def test_csr001(found: CsrfTrial, outcome: Outcome) -> None:
    judgement = judged(found)
    assert judgement.outcome is outcome, judgement
    assert outcome is not Outcome.NOT_PROVED or judgement.reason


def test_a_token_that_is_nowhere_says_what_to_do() -> None:
    found = trial(control=Attempt(OWN, status=400), status=400, token="")
    assert "no token was found on any page (answered 400 without one): render one" in judged(found).reason


def test_protection_that_is_off_is_cfg001s() -> None:
    off = AppFacts("protection", "production", (Protection("csrf", "Flask-WTF", False, "WTF_CSRF_ENABLED = False"),))
    judgement = judged(trial(LET_IN, acted(302, 302, changed=1)), off)
    assert (judgement.outcome, judgement.reason) == (
        Outcome.NOT_PROVED,
        "switched off by WTF_CSRF_ENABLED = False: see CFG001",
    )


def test_csr004_names_each_hook_that_acts() -> None:
    place = Place("app.py", 3, "def a():")
    hooks = (Hook("a", place, "writes 'theme' to the session"), Hook("b"), Hook("c", place, "sends 1 statement"))
    judgement = csr.hook_before_protection(trial(hooks=hooks))
    assert [finding.detail for finding in judgement.findings] == ["a", "c"]
    assert csr.hook_before_protection(trial(hooks=hooks[1:2])).outcome is Outcome.PASS
    assert csr.hook_before_protection(trial(hooks=hooks, protection="")).outcome is Outcome.SKIPPED


FORM = '<form method="POST" action="{}"><input name="{}" value="{}"></form>'


@pytest.mark.parametrize(
    ("page", "lines"),
    [
        (FORM.format("/a", "csrf_token", "x"), "+ /a"),
        (FORM.format("/a", "_csrf_token", "x"), "+ /a"),
        (FORM.format("/a", "authenticity_token", "x"), "+ /a"),
        (FORM.format("/a", "csrf_token", ""), "- /a"),
        (FORM.format("/a?secret=1", "name", "x"), "- /a"),
        (FORM.format("", "name", "x"), "-"),
        (FORM.format("https://shop.example/a", "name", "x"), "- /a"),
        (FORM.format("//shop.example/a", "name", "x"), "- /a"),
        (FORM.format("https://pay.example/a", "name", "x"), ""),
        (FORM.format("mailto:a@b", "name", "x"), ""),
        (FORM.format("http://[", "name", "x"), ""),
        ('<form action="/a"><input name="q"></form>', ""),
        ("<form method=post action=/a><![x <form method=post action=/b>", "- /a"),
        ("<form method=post", ""),
        ("<p>no form", ""),
    ],
)
def test_forms_of_a_page(page: str, lines: str) -> None:
    assert post_forms(page, "shop.example") == lines


@pytest.mark.parametrize(
    ("status", "kind", "forms", "outcome"),
    [
        (200, "text/html", "- /a\n+ /b", Outcome.FAIL),
        (200, "text/html", "+ /b", Outcome.PASS),
        (200, "text/html", "", Outcome.SKIPPED),
        (200, "application/json", "", Outcome.SKIPPED),
        (404, "text/html", "- /a", Outcome.NOT_PROVED),
        (401, "text/html", "- /a", Outcome.NOT_PROVED),
    ],
)
def test_csr002(status: int, kind: str, forms: str, outcome: Outcome) -> None:
    exchange = Exchange(
        Route("GET", "/", "home", path="/"),
        "owner",
        "/",
        status,
        content_type=kind,
        body_size=9,
        marks={"forms": forms},
    )
    assert csr.form_without_token(exchange).outcome is outcome
