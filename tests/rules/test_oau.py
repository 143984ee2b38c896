"""OAU: what the specimens and the clients of tests/trials do not show."""

from dataclasses import replace
from typing import Any

import pytest

from seatrial.model.findings import Judgement
from seatrial.model.inventory import Inventory, OAuthStart, Route
from seatrial.model.oauth import ERROR, STATE, TOKEN, Attempt, Authorization, Host, OAuthTrial
from seatrial.model.outcomes import Level, Outcome
from seatrial.plugin.aims import oauth_callbacks, oauth_starts
from seatrial.rules import oau

START = Route("GET", "/login", "login", path="/login", oauth=OAuthStart("/callback", "callback"))
CALLBACK = Route("GET", "/callback", "callback", path="/callback")
SOUND = OAuthTrial(
    START,
    CALLBACK,
    proof="GET /account",
    authorization=Authorization("S256", state=True, openid=True, nonce=True),
    attempts=(Attempt("state absent", STATE, "RFC", status=400),),
    hosts=(Host("Host", 400, False),),
    planted=False,
)
RULES = (*oau.OF_THE_START, *oau.OF_THE_CALLBACK)


def outcomes(trial: OAuthTrial) -> set[Outcome]:
    return {rule(trial).outcome for rule in RULES}


def with_attempt(**facts: Any) -> OAuthTrial:
    return replace(SOUND, attempts=(Attempt(**({"case": "a case", "about": TOKEN, "clause": "RFC"} | facts)),))


def test_sound() -> None:
    assert outcomes(SOUND) == {Outcome.PASS}


def test_an_app_without_any_is_skipped() -> None:
    judgements = [rule(OAuthTrial()) for rule in RULES]
    assert {judgement.outcome for judgement in judgements} == {Outcome.SKIPPED}
    assert {judgement.subject for judgement in judgements} == {"app"}


def test_a_library_without_a_route_is_not_proved() -> None:
    judgements = [rule(OAuthTrial(library="Authlib 1.9.9")) for rule in RULES]
    assert {judgement.outcome for judgement in judgements} == {Outcome.NOT_PROVED}
    assert all("name it as login under [tool.seatrial.oauth]" in judgement.reason for judgement in judgements)


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (replace(SOUND, failure="the app's process was killed"), "the app's process was killed"),
        (replace(SOUND, reason="logged in at first and no more"), "logged in at first and no more"),
        (OAuthTrial(START, CALLBACK), "the log-in did not begin"),
    ],
)
def test_without_its_control_nothing_passes(trial: OAuthTrial, said: str) -> None:
    judgements = [rule(trial) for rule in RULES]
    assert {judgement.outcome for judgement in judgements} == {Outcome.NOT_PROVED}
    assert all(said in judgement.reason for judgement in judgements)


def test_plain_oauth_has_no_id_token() -> None:
    trial = replace(SOUND, authorization=Authorization("S256", state=True))
    assert oau.nonce_not_checked(trial).outcome is Outcome.SKIPPED
    assert oau.token_not_validated(trial).outcome is Outcome.SKIPPED
    assert oau.state_not_bound(trial).outcome is Outcome.PASS


def test_a_grave_case_makes_one_finding_with_what_is_information() -> None:
    grave = Attempt("alg none", TOKEN, "RFC 8725", logged_in=True)
    policy = Attempt("iat a year ago", TOKEN, "Core", logged_in=True, policy=True, by_default=True)
    trial = replace(SOUND, library="Authlib 1.9.9", attempts=(policy, grave))
    [finding] = oau.token_not_validated(trial).findings
    assert finding.level is Level.BLOCK
    assert finding.message.endswith("but alg none; iat a year ago logged in")
    assert finding.evidence["logged_in"] == [
        {"case": "alg none", "clause": "RFC 8725", "fault": "the app"},
        {"case": "iat a year ago", "clause": "Core", "fault": "default of Authlib", "policy": True},
    ]


def test_a_default_is_nobody_elses_without_the_library() -> None:
    [finding] = oau.token_not_validated(with_attempt(logged_in=True, by_default=True)).findings
    assert finding.evidence["logged_in"][0]["fault"] == "the app"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"about": ERROR, "logged_in": True}, "a case logged in"),
        ({"about": STATE, "status": 500, "raised": "KeyError"}, "a case was answered 500"),
        ({"about": TOKEN, "status": 400, "leaked": "access_token"}, "a case showed the access_token"),
    ],
)
def test_errors(facts: dict[str, Any], said: str) -> None:
    [finding] = oau.callback_error_handling(with_attempt(**facts)).findings
    assert finding.message.endswith(said)


@pytest.mark.parametrize(
    "facts", [{"failure": "did not finish within 10 s"}, {"undriven": "the time of a trial was over"}]
)
def test_what_had_no_end_is_not_proved(facts: dict[str, Any]) -> None:
    judgement = oau.token_not_validated(with_attempt(**facts))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "[tool.seatrial.deadlines]" in judgement.reason


def test_a_case_that_does_not_apply_is_told() -> None:
    trial = with_attempt(about=STATE, undriven="there is one provider")
    assert oau.state_not_bound(trial).outcome is Outcome.PASS
    let_in = replace(trial, attempts=(*trial.attempts, Attempt("state random", STATE, "RFC", logged_in=True)))
    [finding] = oau.state_not_bound(let_in).findings
    assert finding.evidence["not_tried"] == {"a case": "there is one provider"}


def session(**facts: Any) -> Judgement:
    return oau.session_not_rotated(replace(SOUND, **facts))


def test_session() -> None:
    assert session(planted=None).outcome is Outcome.NOT_PROVED
    assert "the server kept its id" in session(same_id=True).findings[0].message
    assert "still there" in session(planted=True).findings[0].message


def test_aims() -> None:
    other = Route("GET", "/other", "other", path="/other", oauth=OAuthStart("/back", "back"))
    again = replace(START, rule="/again", endpoint="again", path="/again")
    lost = Route("GET", "/lost", "lost", path="/lost", oauth=OAuthStart())
    inventory = Inventory((START, again, other, lost, CALLBACK, Route("GET", "/back", "back", path="/back")))
    assert [aim.id for aim in oauth_starts(inventory)] == [
        f"GET {path} [anonymous]" for path in ("/login", "/again", "/other", "/lost")
    ]
    callbacks = list(oauth_callbacks(inventory))
    # two beginnings come back to one callback; where nobody knows, the beginning stands for it
    assert [aim.subject for aim in callbacks] == [
        "GET /callback callback [anonymous]", "GET /back back [anonymous]", "GET /lost lost [anonymous]",
    ]  # fmt: skip
    assert [route.path for route, _ in callbacks[0].members] == ["/login", "/other", "/lost"]
    assert [aim.subject for aim in (*oauth_starts(Inventory((CALLBACK,))), *oauth_callbacks(Inventory(())))] == [
        "app"
    ] * 2
