"""CFG rules on hand-made facts."""

import pytest
from rules.made import facts, levels, messages

from seatrial.model.evidence import Limits, Protection
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context, Rule
from seatrial.rules import registered
from seatrial.rules.cfg import (
    debug_on,
    monitor_missing,
    no_body_limit,
    protection_off,
    untrusted_host,
    weak_secret_key,
)

PASS, FAIL, NOT_PROVED, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_PROVED, Outcome.SKIPPED
FAMILY = [rule for rule in registered() if rule.family == "CFG"]
CSRF = Protection("csrf", "Flask-WTF 1.2.2", active=True)
NO_CSRF = Protection("csrf", "Flask-WTF 1.2.2", active=False, switched_off_by="WTF_CSRF_ENABLED = False")
NO_LIMITS = Protection("rate-limit", "Flask-Limiter 4.1.1", active=False, switched_off_by="RATELIMIT_ENABLED = False")
NEVER_CALLED = Protection("rate-limit", "Flask-Limiter 4.1.1", active=False, switched_off_by="init_app was not called")
NO_LOGIN = Protection("login", "hand-made", active=False)


@pytest.mark.parametrize("rule", FAMILY, ids=lambda rule: rule.code)
def test_facts_of_another_profile_prove_nothing(rule: Rule) -> None:
    worst = facts(
        profile="sweep", protections=(NO_CSRF,), debug=True, body_limit=None, secret_key_length=None, monitors=()
    )
    judgement = rule(worst)
    assert judgement.outcome is NOT_PROVED
    assert "sweep profile" in judgement.reason


class TestProtectionOff:
    def test_all_on(self) -> None:
        assert protection_off(facts(protections=(CSRF,))).outcome is PASS

    def test_none_known(self) -> None:
        judgement = protection_off(facts(protections=()))
        assert (judgement.outcome, judgement.subject) == (NOT_PROVED, "app")
        assert judgement.reason.startswith("no CSRF, limiter or login library was recognised")

    def test_one_finding_per_protection_under_the_key_that_switches_it_off(self) -> None:
        judgement = protection_off(facts(protections=(NO_CSRF, NO_LIMITS, NEVER_CALLED, NO_LOGIN, CSRF)))
        assert judgement.subject == "app"
        assert [(f.subject, f.detail) for f in judgement.findings] == [
            ("config WTF_CSRF_ENABLED", "csrf"),
            ("config RATELIMIT_ENABLED", "rate-limit"),
            ("app", "rate-limit"),
            ("app", "login"),
        ]
        assert judgement.findings[0].message == (
            "CSRF protection must be on as in production but "
            "Flask-WTF 1.2.2 is switched off by WTF_CSRF_ENABLED = False"
        )
        assert judgement.findings[3].message == "Log-in must be on as in production but hand-made is not active"


class TestDebugOn:
    @pytest.mark.parametrize(
        ("known", "details"),
        [
            ({}, []),
            ({"debug": True}, ["DEBUG"]),
            ({"testing": True}, ["TESTING"]),
            ({"debug": True, "testing": True, "environment": "staging"}, ["DEBUG", "TESTING"]),
        ],
    )
    def test_names_each_switch(self, known: dict[str, object], details: list[str]) -> None:
        judgement = debug_on(facts(**known))
        assert [finding.detail for finding in judgement.findings] == details
        assert judgement.outcome is (FAIL if details else PASS)
        assert {finding.subject for finding in judgement.findings} <= {judgement.subject} == {"config DEBUG"}

    @pytest.mark.parametrize("environment", ["development", "test"])
    def test_is_wanted_while_developing(self, environment: str) -> None:
        assert debug_on(facts(debug=True, environment=environment)).outcome is SKIPPED


@pytest.mark.parametrize(
    ("length", "weakness", "happened"),
    [
        (None, "", "is not set"),
        (0, "", "is not set"),
        (15, "", "has 15"),
        (3, "it is a word that every attacker tries first", "has 3, and it is a word that every attacker tries first"),
        (32, "it has only 2 different characters", "can be guessed: it has only 2 different characters"),
        (16, "", ""),
        (64, "", ""),
    ],
)
def test_weak_secret_key(length: int | None, weakness: str, happened: str) -> None:
    judgement = weak_secret_key(facts(secret_key_length=length, secret_key_weakness=weakness))
    assert judgement.outcome is (FAIL if happened else PASS)
    assert messages(judgement).endswith(happened)


def test_secret_key_limit_is_a_setting() -> None:
    context = Context(Limits(secret_key_bytes=32))
    assert messages(weak_secret_key(facts(secret_key_length=24), context)) == (
        "SECRET_KEY must have 32 unguessable bytes but has 24"
    )


@pytest.mark.parametrize(
    ("limit", "happened"),
    [
        (None, "at most 100 MB but is not set"),
        (100 * 1024 * 1024 + 1, "at most 100 MB but exceeds that by 1 B"),
        (2 * 1024**3, "at most 100 MB but is 2 GB"),
        (100 * 1024 * 1024, ""),
        (0, ""),
    ],
)
def test_no_body_limit(limit: int | None, happened: str) -> None:
    judgement = no_body_limit(facts(body_limit=limit))
    assert judgement.outcome is (FAIL if happened else PASS)
    assert messages(judgement).endswith(happened)
    assert levels(judgement) == (["warn"] if happened else [])


@pytest.mark.parametrize(
    ("answers", "trusted", "server_name", "outcome"),
    [
        ({"localhost": 200, "forged.example": 200}, (), "", FAIL),
        ({"localhost": 200, "forged.example": 302}, (), "", FAIL),
        ({"forged.example": 200}, (), "", FAIL),
        ({"localhost": 404, "forged.example": 200}, (), "", FAIL),
        ({"app.example": 200, "forged.example": 200}, ("app.example",), "", FAIL),
        ({"app.example": 200, "forged.example": 200}, ("app.example",), "app.example", FAIL),
        ({"app.example": 200, "forged.example": 200}, (), "app.example", PASS),
        ({"app.example": 200, "forged.example": 400}, ("app.example",), "", PASS),
        ({"www.app.example": 200, "forged.example": 400}, (".app.example",), "", PASS),
        ({"localhost": 200, "forged.example": 404}, (), "localhost", PASS),
        ({"localhost": 302, "forged.example": 421}, (), "", PASS),
        ({"localhost:5000": 401, "forged.example": 400}, (), "", PASS),
        ({"forged.example": 400}, ("app.example",), "", PASS),
        ({"localhost": 403, "forged.example": 403}, (), "", NOT_PROVED),
        ({"localhost": 404, "forged.example": 404}, (), "", NOT_PROVED),
        ({"localhost": 500, "forged.example": 400}, (), "", NOT_PROVED),
        ({"forged.example": 404}, (), "", NOT_PROVED),
        ({"forged.example": 400}, (), "", NOT_PROVED),
        ({"localhost": 200}, (), "", NOT_PROVED),
        ({}, (), "", NOT_PROVED),
    ],
)
def test_untrusted_host(answers: dict[str, int], trusted: tuple[str, ...], server_name: str, outcome: Outcome) -> None:
    judgement = untrusted_host(facts(host_answers=answers, trusted_hosts=trusted, server_name=server_name))
    assert judgement.outcome is outcome
    assert bool(judgement.reason) is (outcome is NOT_PROVED)


def test_trusted_hosts_that_do_not_work_are_called_so() -> None:
    """Flask before 3.1 does not read TRUSTED_HOSTS."""
    made = facts(host_answers={"app.example": 200, "forged.example": 200})
    assert "TRUSTED_HOSTS is set and 'forged.example' was answered 200 all the same" in messages(untrusted_host(made))


def test_monitor_missing() -> None:
    assert monitor_missing(facts(monitors=("engine listener log_slow",))).outcome is PASS
    assert monitor_missing(facts(monitors=(), has_database=False)).outcome is SKIPPED
    judgement = monitor_missing(facts(monitors=()))
    assert (judgement.outcome, levels(judgement)) == (FAIL, ["info"])
