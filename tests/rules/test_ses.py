"""Cases of the SES rules that the specimens do not show."""

from dataclasses import replace

import pytest

from seatrial.model.findings import Judgement
from seatrial.model.inventory import BUILT_IN_SKIP, Route
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.sessions import LogIn, LogOut, logs_in, logs_out
from seatrial.rules import ses

DOOR = Route("POST", "/login", "log_in", path="/login", module_path="app.py", line=7)
EXIT = Route("POST", "/logout", "log_out", path="/logout", skipped=BUILT_IN_SKIP)
ENTERED = LogIn(
    DOOR,
    "owner",
    kept="the cookie",
    proof="/me",
    closed_before=True,
    answered=200,
    planted=True,
    old_cookie=302,
    token="a form on /login",
    token_route="POST /notes",
)
LEFT = LogOut(EXIT, "owner", kept="the cookie", proof="/me", copy_before=200, answered=302, after=302, copy_after=302)


def fixation(**changes: object) -> Judgement:
    return ses.session_fixation(replace(ENTERED, **changes))  # type: ignore[arg-type]


def log_out(**changes: object) -> Judgement:
    return ses.logout_keeps_session(replace(LEFT, **changes))  # type: ignore[arg-type]


def token(**changes: object) -> Judgement:
    return ses.csrf_token_survives_login(replace(ENTERED, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("judgement", "outcome"),
    [
        (fixation(), Outcome.PASS),
        (fixation(survived=("seatrial_planted",)), Outcome.FAIL),
        (fixation(old_cookie=200), Outcome.FAIL),
        (fixation(planted=False, old_cookie=0), Outcome.SKIPPED),
        (fixation(planted=False), Outcome.NOT_PROVED),
        (fixation(planted=False, old_cookie=200), Outcome.FAIL),
        (fixation(answered=302, failure="POST /login answered 400"), Outcome.NOT_PROVED),
        (fixation(closed_before=False), Outcome.NOT_PROVED),
        (fixation(identity="", proof="", closed_before=False), Outcome.NOT_PROVED),
        (token(), Outcome.PASS),
        (token(old_token_enters=True), Outcome.FAIL),
        (token(token=""), Outcome.SKIPPED),
        (token(token_route=""), Outcome.NOT_PROVED),
        (token(answered=401), Outcome.NOT_PROVED),
        (log_out(), Outcome.PASS),
        (log_out(copy_after=200), Outcome.FAIL),
        (log_out(copy_after=200, after=200), Outcome.NOT_PROVED),
        (log_out(copy_before=302), Outcome.NOT_PROVED),
        (log_out(proof="", copy_before=0), Outcome.NOT_PROVED),
        (log_out(failure="did not finish within 10 s"), Outcome.NOT_PROVED),
        (log_out(route=replace(EXIT, skipped="skip = '/logout'")), Outcome.SKIPPED),
    ],
)
def test_outcomes(judgement: Judgement, outcome: Outcome) -> None:
    assert judgement.outcome is outcome, judgement.reason


def test_a_cookie_from_before_that_is_logged_in_blocks_and_the_rest_warns() -> None:
    [fixed] = fixation(old_cookie=200, survived=("seatrial_planted",)).findings
    [kept] = fixation(survived=("seatrial_planted",)).findings
    assert (fixed.level, kept.level) == (Level.BLOCK, Level.WARN)
    assert fixed.detail != kept.detail
    assert fixed.place is not None
    assert fixed.place.line == 7


def test_a_log_out_says_where_the_session_is_kept() -> None:
    [cookie] = log_out(copy_after=200).findings
    [server] = log_out(copy_after=200, kept="FileSystemSessionInterface").findings
    assert "in the cookie alone" in cookie.message
    assert "FileSystemSessionInterface still knows it" in server.message
    assert cookie.remedy != server.remedy


@pytest.mark.parametrize(
    ("rule", "endpoint", "enters", "leaves"),
    [
        ("/auth/login", "auth.login", True, False),
        ("/sign-in", "sign_in", True, False),
        ("/session", "auth.log_in", True, False),
        ("/auth/logout", "auth.logout", False, True),
        ("/signout", "x", False, True),
        ("/log-off", "x", False, True),
        ("/blog/input", "blog.input", False, False),
        ("/catalogue/online", "shop.catalog_index", False, False),
        ("/catalogout", "x", False, False),
    ],
)
def test_log_ins_and_log_outs_are_known_by_name(rule: str, endpoint: str, enters: bool, leaves: bool) -> None:
    route = Route("POST", rule, endpoint)
    assert (logs_in(route), logs_out(route)) == (enters, leaves)
