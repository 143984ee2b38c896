"""Rate limit rules on trials that no specimen shows."""

from dataclasses import replace
from typing import Any

import pytest
from rules.made import messages

from seatrial.model.inventory import Route
from seatrial.model.outcomes import Outcome
from seatrial.model.rates import Attempt, LimiterFacts, RateLimit, RateTrial, guards_accounts
from seatrial.rules import rtl

LOGIN = Route("POST", "/login", "login", path="/login")
LIMIT = RateLimit("2 per 1 minute", 2, 60)
SOUND = RateTrial(
    LOGIN,
    limiter="Flask-Limiter 4.1",
    limits=(LIMIT,),
    allowed=2,
    attempts=(
        Attempt("attempt 1", 400),
        Attempt("attempt 2", 400, entered=True),
        Attempt("attempt 3", 429, retry_after="60"),
    ),
    recovered=True,
    variants=(Attempt("header X-Real-IP", 429),),
    down=(Attempt("attempt 1", 500),),
)
AFTER_RTL002 = (rtl.limit_bypass, rtl.no_retry_after, rtl.limit_fails_open)


def last(**changed: Any) -> RateTrial:
    """The sound trial, but for its last attempt."""
    return replace(SOUND, attempts=(*SOUND.attempts[:-1], replace(SOUND.attempts[-1], **changed)))


@pytest.mark.parametrize(
    ("rule", "guards"),
    [
        ("/login", True),
        ("/users/sign_in", True),
        ("/forgot-password", True),
        ("/password-reset/<token>", True),
        ("/auth/anything", True),
        ("/api/v1/auth", True),
        ("/account/2fa", True),
        ("/authors/", False),
        ("/blog/login-tips", False),
        ("/<login>", False),
        ("/items/", False),
    ],
)
def test_what_guards_accounts(rule: str, guards: bool) -> None:
    assert guards_accounts(replace(LOGIN, rule=rule)) is guards


@pytest.mark.parametrize("rule", rtl.OF_A_ROUTE, ids=lambda rule: rule.code)
def test_a_sound_trial_passes_every_rule(rule: Any) -> None:
    assert rule(SOUND).outcome is Outcome.PASS


@pytest.mark.parametrize("rule", rtl.OF_A_ROUTE, ids=lambda rule: rule.code)
def test_nothing_is_proved_while_the_limiter_is_off(rule: Any) -> None:
    judgement = rule(RateTrial(LOGIN, "Flask-Limiter 4.1", off="RATELIMIT_ENABLED = False"))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert judgement.reason == "the limiter is off (RATELIMIT_ENABLED = False): switch it on, see CFG001"


@pytest.mark.parametrize("rule", [rtl.limit_not_enforced, *AFTER_RTL002], ids=lambda rule: rule.code)
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reachable": False}, "does not answer"),
        ({"limits": (replace(LIMIT, conditional=True),)}, "not every request counts"),
        ({"failure": "did not finish within 10 s"}, "did not finish within 10 s"),
        ({"route": replace(LOGIN, path="", arguments=(("token", "string"),))}, "no sample value for 'token'"),
    ],
)
def test_trials_that_prove_nothing(rule: Any, changed: dict[str, Any], said: str) -> None:
    judgement = rule(replace(SOUND, **changed))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert said in judgement.reason


@pytest.mark.parametrize("rule", AFTER_RTL002, ids=lambda rule: rule.code)
@pytest.mark.parametrize(
    "trial",
    [last(status=400, entered=True), replace(SOUND, recovered=False), replace(SOUND, attempts=SOUND.attempts[2:])],
    ids=["let in", "banned", "refused early"],
)
def test_what_follows_a_refusal_needs_one(rule: Any, trial: RateTrial) -> None:
    assert rule(trial).outcome is Outcome.NOT_PROVED


def test_an_attempt_that_was_let_in() -> None:
    judgement = rtl.limit_not_enforced(last(status=400, entered=True))
    assert messages(judgement) == (
        "Attempt 3 must be refused with 429 under 2 per 1 minute but it reached the view (400)"
    )


def test_a_refusal_with_another_status() -> None:
    assert "was refused with 200" in messages(rtl.limit_not_enforced(last(status=200)))


def test_a_stranger_who_never_reaches_the_view_proves_nothing() -> None:
    turned = tuple(Attempt(f"attempt {number}", 403) for number in (1, 2, 3))
    judgement = rtl.limit_not_enforced(replace(SOUND, attempts=turned))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "answered 403 before the view" in judgement.reason


def test_a_ban_is_no_limit() -> None:
    judgement = rtl.limit_not_enforced(replace(SOUND, recovered=False))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "429 stayed when the window had passed" in judgement.reason


@pytest.mark.parametrize(
    ("variant", "outcome"),
    [
        (Attempt("HEAD", 200, entered=True), Outcome.FAIL),
        (Attempt("HEAD", 400), Outcome.PASS),
        (Attempt("HEAD", 200, entered=True, confirmed=False), Outcome.PASS),
        (Attempt("HEAD", 0, entered=True, failure="did not finish within 10 s"), Outcome.PASS),
    ],
)
def test_what_counts_as_a_way_around(variant: Attempt, outcome: Outcome) -> None:
    assert rtl.limit_bypass(replace(SOUND, variants=(variant,))).outcome is outcome


def test_behind_a_log_in_the_status_tells() -> None:
    """The limit stands in front of a check that turns strangers away: none of them is ever seen in the view."""
    checked = (Attempt("attempt 1", 302), Attempt("attempt 2", 302), SOUND.attempts[2])
    trial = replace(SOUND, attempts=checked, variants=(Attempt("header X-Real-IP", 302),))
    assert rtl.limit_bypass(trial).outcome is Outcome.FAIL
    assert rtl.limit_bypass(replace(trial, variants=(Attempt("the other slash", 404),))).outcome is Outcome.PASS


def test_without_a_limiter_the_attempts_decide() -> None:
    unknown = RateTrial(LOGIN, attempts=(Attempt("attempt 50", 200), Attempt("attempt 51", 200, entered=True)))
    assert rtl.auth_route_unlimited(unknown).outcome is Outcome.FAIL
    assert rtl.auth_route_unlimited(replace(unknown, attempts=(Attempt("attempt 9", 429),))).outcome is Outcome.PASS
    turned_away = replace(unknown, attempts=(Attempt("attempt 51", 403),))
    assert rtl.auth_route_unlimited(turned_away).outcome is Outcome.NOT_PROVED


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (LimiterFacts(), Outcome.SKIPPED),
        (LimiterFacts("Flask-Limiter", "", (("MemoryStorage", True),), 4), Outcome.FAIL),
        (LimiterFacts("Flask-Limiter", "", (("MemoryStorage", True),), 1), Outcome.PASS),
        (LimiterFacts("Flask-Limiter", "", (("RedisStorage", False),), 4), Outcome.PASS),
        (LimiterFacts("Flask-Limiter", "", (("MemoryStorage", True),), 4, "development"), Outcome.SKIPPED),
        (LimiterFacts("Flask-Limiter", "RATELIMIT_ENABLED = False", (), 4), Outcome.NOT_PROVED),
    ],
)
def test_where_workers_count(facts: LimiterFacts, outcome: Outcome) -> None:
    assert rtl.limit_per_process(facts).outcome is outcome


@pytest.mark.parametrize("dead", ["order", "name", "exempt"])
def test_a_dead_limit_is_said_once(dead: str) -> None:
    trial = RateTrial(LOGIN, "Flask-Limiter 4.1", dead=dead)
    assert [rule.code for rule in rtl.OF_A_ROUTE if rule(trial).outcome is Outcome.FAIL] == ["RTL006"]


@pytest.mark.parametrize(
    ("down", "outcome"),
    [
        ((Attempt("1", 200), Attempt("2", 200, entered=True), Attempt("3", 200, entered=True)), Outcome.FAIL),
        ((Attempt("1", 200), Attempt("2", 200, entered=True), Attempt("3", 429)), Outcome.PASS),
        ((Attempt("1", 200), Attempt("2", 500, entered=True)), Outcome.PASS),
        ((Attempt("1", 200),), Outcome.NOT_PROVED),
        ((Attempt("1", 0, failure="did not finish within 10 s"),), Outcome.NOT_PROVED),
    ],
)
def test_without_its_storage(down: tuple[Attempt, ...], outcome: Outcome) -> None:
    assert rtl.limit_fails_open(replace(SOUND, down=down)).outcome is outcome
