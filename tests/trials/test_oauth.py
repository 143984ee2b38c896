"""A provider that misbehaves, against clients that each leave one check out: a case convicts its own and no other."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import project
from trials.oauth_shop import FLAWS

from seatrial.config import load
from seatrial.model.findings import Judgement
from seatrial.model.inventory import Inventory, OAuthStart, Route
from seatrial.model.oauth import OAuthTrial
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import oau
from seatrial.trials.oauth.cases import cases
from seatrial.trials.oauth.drive import version
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

CONFIG = """
    [tool.seatrial]
    app = "oauth_shop:create_app"
    [tool.seatrial.database]
    url = "sqlite"
    """
OWN = "state of another browser, which is logging in itself"
FOREIGN = {"state of another browser", OWN}
STATES = {"state absent", "state empty", "state random", *FOREIGN}
SIGNATURES = {
    "alg none", "alg none without at_hash", "alg none, discovery lists nothing", "alg none, discovery lists none",
    "HS256 with the client's secret", "HS256 with the public key", "HS256 with the public key, discovery lists it",
    "signed with another key under the same kid", "signed with an unknown kid",
    "signed with the key that it brings itself", "signature stripped", "unknown critical header",
}  # fmt: skip
UNSIGNED = {case for case in SIGNATURES if case.startswith("alg none")}
LET_IN: dict[str, set[str]] = {
    "none": set(),
    # With a log-in of its own the nonce of that refuses the other's code.
    "no-state": STATES - FOREIGN,
    "state-optional": {"state absent", "state empty"},
    "state-any": STATES - {OWN} | {"callback sent twice", "state used again after an error"},
    "state-of-all": FOREIGN,
    "state-kept": {"callback sent twice", "state used again after an error"},
    "state-kept-after-error": {"state used again after an error"},
    "nonce-optional": {"nonce missing from the ID token", "nonce missing, and nonce_supported=false"},
    "nonce-unchecked": {"nonce of another log-in"},
    "nonce-supported": {"nonce missing, and nonce_supported=false"},
    "iss": {"iss of another issuer", "iss with a slash behind it", "iss missing"},
    "iss-slash": {"iss with a slash behind it"},
    "iss-optional": {"iss missing"},
    "aud": {"aud of another client", "aud missing", "aud of another client, azp ours", "aud empty, azp ours"},
    "aud-optional": {"aud missing"},
    "aud-by-azp": {"aud of another client, azp ours", "aud empty, azp ours"},
    "aud-empty": {"aud missing", "aud empty, azp ours"},
    "azp-optional": {"aud ours and another's, azp missing"},
    "azp": {"azp of another client"},
    "exp": {"exp in the past"},
    "exp-optional": {"exp missing"},
    "iat-future": {"iat in the future"},
    "iat-optional": {"iat missing"},
    "iat-old": {"iat a year ago"},
    "nbf": {"nbf in the future"},
    "sub-optional": {"sub missing"},
    "sub-type": {"sub not a string"},
    "sub-empty": {"sub empty"},
    "at-hash": {"at_hash wrong"},
    "metadata-issuer": {"issuer of the discovery document is another"},
    "response-iss": {"iss of the callback is another"},
    "response-iss-optional": {"iss of the callback missing where it is announced"},
    "userinfo": {"userinfo of somebody else"},
    "id-token-optional": {"ID token left out"},
    "alg-none": UNSIGNED,
    "alg-none-listed": {"alg none, discovery lists none"},
    "alg-none-unlisted": {"alg none, discovery lists nothing"},
    "hs256-secret": {"HS256 with the client's secret"},
    "hs256-public": {"HS256 with the public key", "HS256 with the public key, discovery lists it"},
    "hs256-listed": {"HS256 with the public key, discovery lists it"},
    "wrong-key": {"signed with another key under the same kid", "unknown critical header"},
    "unknown-kid": {"signed with an unknown kid"},
    "embedded-key": {"signed with the key that it brings itself"},
    "stripped": {"signature stripped"},
    "crit": {"unknown critical header"},
    "typ": {"an access token (typ at+jwt)"},
    "unverified": SIGNATURES,
    "code-optional": {"code absent"},
    "errors-ignored": {"error and code"},
    "errors-ignored-in-posts": {"POST with error and code"},
    "access-token-optional": {"no access token"},
    "token-type": {"token_type mac"},
}
"""What each client lets in; those that are not named let nothing in."""
# What no standard demands, or what one provider alone cannot make dangerous.
POLICY = {case.name for case in cases() if case.policy}


class Shop:
    """The clients under trial, each driven once."""

    def __init__(self, run: object) -> None:
        self.inventory: Inventory = prepare(run, Profile.PROTECTION)  # type: ignore[arg-type]
        self.pilot = Pilot(run)  # type: ignore[arg-type]

    def start(self, flaw: str) -> Route:
        if flaw.startswith("authlib"):
            route = next(r for r in self.inventory.routes if r.endpoint == "authlib_login")
            callback = OAuthStart(f"/provider/{flaw}/callback", "authlib_callback")
            return replace(route, endpoint=flaw, path=f"/provider/{flaw}/login", oauth=callback)
        return next(r for r in self.inventory.routes if r.endpoint == f"{flaw}_login")

    def tried(self, flaw: str) -> OAuthTrial:
        start = self.start(flaw)
        return replace(self.pilot.oauth(start, []), callback=replace(start, rule="/callback"))

    def beside(self, flaw: str, other: str) -> OAuthTrial:
        """With another provider."""
        return self.pilot.oauth(replace(self.start(flaw), endpoint=f"{flaw}_with_{other}"), [self.start(other)])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = project(tmp_path_factory.mktemp("oauth") / "app", {}, config=CONFIG)
    shutil.copy(Path(__file__).parent / "oauth_shop.py", root)
    with open_run(load(root)) as run:
        yield Shop(run)


def let_in(trial: OAuthTrial) -> set[str]:
    return {attempt.case for attempt in trial.attempts if attempt.logged_in}


def judged(trial: OAuthTrial) -> dict[str, Judgement]:
    return {rule.code: rule(trial) for rule in (*oau.OF_THE_START, *oau.OF_THE_CALLBACK)}


def failed(trial: OAuthTrial) -> set[str]:
    return {code for code, judgement in judged(trial).items() if judgement.outcome is Outcome.FAIL}


def test_every_case_is_let_in_by_a_client() -> None:
    """A case that convicts nobody is no case; that of two providers has a test of its own."""
    known = set().union(*LET_IN.values()) | {"state of one provider at the callback of another"}
    harmless = {case.name for case in cases() if case.response is not None} | {"error=access_denied"}
    assert {case.name for case in cases()} - harmless == known


def sampled() -> list[object]:
    """All that answer, every third of them outside of the matrix."""
    flaws = [flaw for flaw in FLAWS if flaw not in ("broken", "tired")]
    return [pytest.param(flaw, marks=() if n % 3 == 0 else pytest.mark.matrix) for n, flaw in enumerate(flaws)]


@pytest.mark.parametrize("flaw", sampled())
def test_a_client_lets_in_what_it_does_not_check_and_nothing_else(shop: Shop, flaw: str) -> None:
    trial = shop.tried(flaw)
    assert trial.reason == ""
    assert trial.proof == "GET /account"
    assert let_in(trial) == LET_IN.get(flaw, set())


def test_a_careful_client_passes_every_rule(shop: Shop) -> None:
    outcomes = {code: judgement.outcome for code, judgement in judged(shop.tried("none")).items()}
    assert outcomes == dict.fromkeys([f"OAU00{n}" for n in range(1, 8)], Outcome.PASS)


@pytest.mark.parametrize(
    ("flaw", "code", "said"),
    [
        ("no-pkce", "OAU001", "none was sent"),
        ("plain-pkce", "OAU001", "its method is plain"),
        ("constant-pkce", "OAU001", "two log-ins sent the same one"),
        ("short-verifier", "OAU001", "it has 20 characters in place of 43 to 128"),
        ("no-verifier", "OAU001", "none was sent to the token end point"),
        ("wrong-verifier", "OAU001", "it does not belong to the challenge"),
        ("no-state", "OAU002", "none was sent and state absent"),
        ("constant-state", "OAU002", "two log-ins sent the same one"),
        ("state-of-all", "OAU002", "state of another browser"),
        ("constant-nonce", "OAU003", "two log-ins sent the same one"),
        ("nonce-unchecked", "OAU003", "nonce of another log-in logged in"),
        ("iss", "OAU004", "iss of another issuer"),
        ("errors-ignored", "OAU005", "error and code logged in"),
        ("telling", "OAU005", "token end point answers 400 invalid_grant"),
        ("redirect-by-host", "OAU006", "it followed a forged Host"),
        ("redirect-by-proxy", "OAU006", "it followed a forged X-Forwarded-Host"),
        ("redirect-other", "OAU006", "the token end point got another one"),
        ("session-kept", "OAU007", "what was planted before the log-in is still there"),
    ],
)
def test_a_flaw_is_found_by_its_rule_and_no_other(shop: Shop, flaw: str, code: str, said: str) -> None:
    trial = shop.tried(flaw)
    assert failed(trial) == {code}
    [finding] = judged(trial)[code].findings
    assert said in finding.message
    assert finding.level is Level.BLOCK
    assert finding.evidence.get("fault", "the app") == "the app"


@pytest.mark.parametrize("flaw", sorted(flaw for flaw, found in LET_IN.items() if found and found <= POLICY))
def test_what_no_standard_demands_is_information(shop: Shop, flaw: str) -> None:
    trial = shop.tried(flaw)
    [code] = failed(trial)
    [finding] = judged(trial)[code].findings
    assert (finding.level, finding.detail) == (Level.INFO, "policy")


def test_without_a_nonce_pkce_makes_it_a_warning(shop: Shop) -> None:
    levels = {
        flaw: oau.nonce_not_checked(shop.tried(flaw)).findings[0].level for flaw in ("no-nonce", "no-nonce-no-pkce")
    }
    assert levels == {"no-nonce": Level.WARN, "no-nonce-no-pkce": Level.BLOCK}


def test_errors_that_nobody_catches_are_500_pages(shop: Shop) -> None:
    trial = shop.tried("uncaught")
    assert failed(trial) == {"OAU005"}
    crashed = oau.callback_error_handling(trial).findings[0].evidence["answered_500"]
    assert crashed["state random"] == "Refused"
    assert crashed["token end point answers 500"] == "HTTPError"
    assert crashed["token end point answers no JSON"] == "JSONDecodeError"


def test_the_state_of_one_provider_at_the_callback_of_another(shop: Shop) -> None:
    case = "state of one provider at the callback of another"
    assert case in let_in(shop.beside("state-shared", "state-shared-too"))
    assert case not in let_in(shop.beside("none", "iss"))


def test_a_client_that_logs_nobody_in_is_not_proved(shop: Shop) -> None:
    """It refuses every bad case, as it refuses everything."""
    trial = shop.tried("broken")
    assert let_in(trial) == set()
    judgements = judged(trial).values()
    assert {judgement.outcome for judgement in judgements} == {Outcome.NOT_PROVED}
    assert all("[tool.seatrial.oauth]" in judgement.reason for judgement in judgements)


def test_a_client_that_bans_the_trial_is_not_proved(shop: Shop) -> None:
    """From the ban on it refuses what it would let in."""
    judgements = judged(shop.tried("tired")).values()
    assert {judgement.outcome for judgement in judgements} == {Outcome.NOT_PROVED}
    assert all("logged in at first and no more" in judgement.reason for judgement in judgements)


# ---------------------------------------------------------------------------------------------------- Authlib
def by_default(trial: OAuthTrial) -> set[str]:
    found = {attempt.case for attempt in trial.attempts if attempt.by_default and not attempt.undriven}
    # Authlib 1.3 refuses it.
    return found if version(trial.library) > (1, 3) else found - {"alg none, discovery lists none"}


def test_authlib_by_default(shop: Shop) -> None:
    trial = shop.tried("authlib")
    assert trial.library.startswith("Authlib ")
    assert let_in(trial) == by_default(trial)
    finding = oau.token_not_validated(trial).findings[0]
    assert {entry["fault"] for entry in finding.evidence["logged_in"]} == {"default of Authlib"}


def test_authlib_and_userinfo(shop: Shop) -> None:
    trial = shop.tried("authlib-userinfo")
    # it has to ask for userinfo with the token
    assert let_in(trial) == by_default(trial) - {"no access token", "token_type mac"} | {"ID token left out"}
    faults = {e["case"]: e["fault"] for e in oau.token_not_validated(trial).findings[0].evidence["logged_in"]}
    assert faults["userinfo of somebody else"] == "default of Authlib"
    assert faults["ID token left out"] == "the app"


def test_authlib_with_end_points_by_hand_takes_any_issuer(shop: Shop) -> None:
    trial = shop.tried("authlib-static")
    assert {"iss of another issuer", "iss with a slash behind it"} <= let_in(trial)
    assert {a.case for a in trial.attempts if a.undriven} >= {"alg none, discovery lists none"}


@pytest.mark.parametrize("flaw", ["authlib-no-pkce", "authlib-plain"])
def test_authlib_sends_no_challenge_unless_told(shop: Shop, flaw: str) -> None:
    trial = shop.tried(flaw)
    [finding] = oau.pkce_missing(trial).findings
    assert "none was sent" in finding.message
    assert finding.evidence["fault"] == "default of Authlib"


def test_authlib_raises_three_kinds_of_errors(shop: Shop) -> None:
    crashed = oau.callback_error_handling(shop.tried("authlib-uncaught")).findings[0].evidence["answered_500"]
    assert crashed["token end point answers 500"] == "HTTPError"
    assert crashed["token end point answers 400 invalid_grant"] == "OAuthError"
    assert crashed["token end point answers no JSON"] in ("ValueError", "JSONDecodeError")


def test_secrets_stay_in_the_host(shop: Shop) -> None:
    assert "a-secret-of-the-shop" not in repr([shop.tried(flaw) for flaw in ("none", "telling", "authlib")])
