"""The pure part: what the rules say of evidence, and how evidence is read."""

import pytest
from rules.made import exchange

from seatrial.model.deployment import Build, CsrfProbe, Expected, LimitProbe, Visit, same_commit
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.rules import smk
from seatrial.smoke import timing
from seatrial.smoke.base import parsed
from seatrial.smoke.plan import attempts
from seatrial.smoke.ready import dug

PASS, FAIL, NOT_PROVED, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_PROVED, Outcome.SKIPPED


@pytest.mark.parametrize(
    ("status", "location", "outcome"),
    [
        (302, "/auth/login?next=/items/", PASS),
        (302, "https://shop.example/auth/login", PASS),
        (302, "/maintenance", FAIL),
        (401, "", PASS),
        (403, "", PASS),
        (200, "", FAIL),
        (429, "", NOT_PROVED),
        (500, "", FAIL),
        (404, "", FAIL),
    ],
)
def test_a_stranger_is_sent_to_the_log_in(status: int, location: str, outcome: Outcome) -> None:
    headers = (("Location", location),) if location else ()
    visit = Visit(exchange(status=status, headers=headers), Expected(turned_away=True, login="/auth/login"))
    assert smk.wrong_status(visit).outcome is outcome


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (404, Expected(200, sample=True), NOT_PROVED),
        (404, Expected(200), FAIL),
        (404, Expected(404), PASS),
        (404, Expected(), FAIL),
        (302, Expected(), PASS),
        (400, Expected(), PASS),
        (503, Expected(), FAIL),
    ],
)
def test_statuses(status: int, expected: Expected, outcome: Outcome) -> None:
    assert smk.wrong_status(Visit(exchange(status=status), expected)).outcome is outcome


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5a1e0c47d9b3", "5a1e0c47d9b35f20", True),
        ("5A1E0C4", "5a1e0c47d9b3", True),
        ("5a1e0c", "5a1e0c47d9b3", False),
        ("v2", "v2", True),
        ("", "", False),
        ("", "5a1e0c47d9b3", False),
    ],
)
def test_commits(one: str, other: str, same: bool) -> None:
    assert same_commit(one, other) is same
    assert same_commit(other, one) is same


def test_one_old_instance_among_ten_is_seen() -> None:
    judgement = smk.wrong_commit(Build("5a1e0c47d9b3", {"5a1e0c47d9b35f20": 45, "0b1d5e7": 5}))
    assert judgement.findings[0].message.endswith("5 of 50 came from '0b1d5e7'")


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        (['sql;dur=12.5;desc="7"'], 7),
        (["cdn-cache; desc=HIT, sql;dur=1;desc=7"], 7),
        (['edge;desc="a, sql;desc=1"', 'SQL; dur=1 ; desc = "0"'], 0),
        (['sql;desc="7 of 9"'], None),
        (['sql;desc="-1"'], None),
        (['sql;desc="٧"'], None),
        (["sql;desc=" + "9" * 5000], None),
        (["sql"], None),
        (["," * 100_000], None),
        (['"' * 100_000], None),
        (["db;dur=3"], None),
        ([], None),
    ],
)
def test_server_timing(sent: list[str], counted: int | None) -> None:
    found, why = timing.statements(sent)
    assert found == counted
    assert bool(why) is (counted is None)


def probe(
    without: int, own: int | None, *, protected: bool = True, differs: bool = True, steady: bool = True
) -> CsrfProbe:
    route = Route("POST", "/login", "log_in", path="/login")
    made = {status: exchange(status=status, route=route) for status in (without, own) if status is not None}
    answered = made[own] if own is not None else None
    return CsrfProbe(
        "POST /login", protected, made[without], made[without], answered, steady, differs, "no token was found"
    )


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (probe(400, 401), PASS),
        (probe(400, 400), PASS),
        (probe(400, 400, differs=False), FAIL),
        (probe(400, 400, differs=False, protected=False), NOT_PROVED),
        (probe(200, 200), FAIL),
        (probe(200, 200, protected=False), NOT_PROVED),
        (probe(302, 400), FAIL),
        (probe(400, 401, steady=False), NOT_PROVED),
        (probe(429, 401), NOT_PROVED),
        (probe(500, 401), NOT_PROVED),
        (probe(400, None), FAIL),
        (probe(400, None, protected=False), NOT_PROVED),
        (CsrfProbe("POST /login", False, unseen="the page answered 404"), NOT_PROVED),
    ],
)
def test_a_form_without_its_token(evidence: CsrfProbe, outcome: Outcome) -> None:
    assert smk.csrf_inactive(evidence).outcome is outcome


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (LimitProbe("s", ("3 per 1 minute",), headers=("X-RateLimit-Limit",)), PASS),
        (LimitProbe("s", ("3 per 1 minute",), ("X-RateLimit-Limit",), (401,) * 4, 4, probed=True), FAIL),
        (LimitProbe("s", ("3 per 1 minute",), attempts=(401, 401, 429), enough=4, refused=True, probed=True), PASS),
        (LimitProbe("s", ("3 per 1 minute",)), NOT_PROVED),
        (LimitProbe("s", ("3 per 1 minute",), attempts=(401,), enough=4, probed=True), NOT_PROVED),
        (LimitProbe("s", ()), SKIPPED),
        (LimitProbe("s", None), NOT_PROVED),
    ],
)
def test_the_limit(evidence: LimitProbe, outcome: Outcome) -> None:
    assert smk.limit_inactive(evidence).outcome is outcome


def test_attempts_of_several_workers() -> None:
    assert attempts(("10 per 1 minute", "100 per 1 hour"), 2) == 21
    assert attempts((), 2) == 0


def test_dotted_keys() -> None:
    document = {"items": [{"name": "rope"}]}
    assert dug(document, "items.0.name") == "rope"
    for key in ("items.1.name", "items.x", "sails", "items.0.name.length"):
        with pytest.raises(LookupError):
            dug(document, key)


def test_addresses_below_a_prefix() -> None:
    base = parsed("https://app.example/shop/")
    assert (base.url, base.port) == ("https://app.example/shop", 443)
    assert base.own(base.leads("/", "/shop/login")) == "/login"
    assert base.own(base.leads("/", "/login")) is None
    assert base.own(base.leads("/", "https://sso.example/shop/login")) is None
