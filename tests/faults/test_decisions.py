"""What an app may decide, and what it may not: one handler, each time with one thing decided otherwise."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faults.matrix import broken, trial_of
from support import project

from seatrial.config import load
from seatrial.model import webhooks as faults
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.profiles import Profile
from seatrial.rules import idm, whk
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

APP = Path(__file__).parent / "decisions.py"
CONFIG = """
    [tool.seatrial]
    app = "decisions:create_app"
    seed = "decisions:seed"
    environment = "production"
    [tool.seatrial.database]
    url = "sqlite"
    [tool.seatrial.env]
    DECIDES = "{decides}"
    [tool.seatrial.config]
    SQLALCHEMY_DATABASE_URI = "{{database_url}}"
    [[tool.seatrial.webhooks]]
    path = "/webhook"
    provider = "stripe"
    secret_config = "STRIPE_WEBHOOK_SECRET"
    events = ["{event}"]
    [[tool.seatrial.idempotency]]
    route = "POST /payments"
    json = {{ amount = 100 }}
"""
Finding = tuple[str, Level]


@contextmanager
def deciding(decides: str, event: str = "invoice.paid", profile: Profile = Profile.PROTECTION) -> Iterator[Pilot]:
    with tempfile.TemporaryDirectory() as folder:
        root = project(Path(folder) / "app", {}, config=CONFIG.format(decides=decides, event=event))
        shutil.copy(APP, root)
        with open_run(load(root)) as run:
            prepare(run, profile)
            yield Pilot(run)


def found(judgement: Judgement) -> list[Finding]:
    assert judgement.outcome in (Outcome.PASS, Outcome.FAIL), judgement.reason
    return [(finding.detail, finding.level) for finding in judgement.findings]


@pytest.mark.parametrize(
    ("decides", "family", "findings"),
    [
        ("", faults.FORGED, []),
        pytest.param(*("", faults.MALFORMED, []), marks=pytest.mark.matrix),
        ("looks_back_only", faults.FORGED, [("a signature of ten years ahead", Level.WARN)]),
        pytest.param(
            *("takes_any_mode", faults.FORGED, [("the other livemode applied", Level.INFO)]), marks=pytest.mark.matrix
        ),
        pytest.param(
            *("takes_any_account", faults.FORGED, [("another account applied", Level.INFO)]),
            marks=pytest.mark.matrix,
        ),
        pytest.param(
            *("refuses_types", faults.MALFORMED, [("an event of an unknown type refused", Level.WARN)]),
            marks=pytest.mark.matrix,
        ),
        pytest.param(
            *("takes_any_type", faults.MALFORMED, [("an event of an unknown type applied", Level.INFO)]),
            marks=pytest.mark.matrix,
        ),
    ],
)
def test_single_deliveries(decides: str, family: str, findings: list[Finding]) -> None:
    rule = whk.signature_not_enforced if family == faults.FORGED else whk.malformed_is_500
    with deciding(decides) as pilot:
        assert found(rule(pilot.faults.refusals("/webhook", family))) == findings


@pytest.mark.matrix
def test_stripes_own_library_looks_back_only_and_that_is_no_fault_of_the_app() -> None:
    pytest.importorskip("stripe")
    with deciding("library") as pilot:
        evidence = pilot.faults.refusals("/webhook", faults.FORGED)
    assert not evidence.reason
    [ahead] = [sent for sent in evidence.sent if sent.case == "a signature of ten years ahead"]
    assert (ahead.status, ahead.wanted) == (200, faults.SURVIVED)
    assert found(whk.signature_not_enforced(evidence)) == []


@pytest.mark.parametrize(
    ("decides", "convicted"),
    [
        pytest.param("", [], marks=pytest.mark.matrix),
        ("drops_the_same_second", ["order@same-second"]),
    ],
)
def test_events_of_the_same_second(decides: str, convicted: list[str]) -> None:
    with deciding(decides, "customer.subscription.updated") as pilot:
        evidence = pilot.faults.order("/webhook")
        again = pilot.faults.order("/webhook", "order@same-second")
    assert not evidence.reason
    assert [one.id for one in evidence.differing] == [one.id for one in again.differing] == convicted
    assert found(whk.order_dependent(evidence)) == [("", Level.WARN)] * len(convicted)


@pytest.mark.parametrize(
    ("decides", "details"),
    [
        pytest.param("", [], marks=pytest.mark.matrix),
        ("one_failure_stops_all", ["invoice.paid holds up"]),
    ],
)
def test_an_event_that_fails_beside_another_one(decides: str, details: list[str]) -> None:
    with deciding(decides) as pilot:
        judgement = whk.no_backoff(pilot.faults.backoff("/webhook", "invoice.paid"))
    assert [detail for detail, _ in found(judgement)] == details


@pytest.mark.parametrize(
    ("decides", "policy", "wrong"),
    [
        pytest.param(
            "",
            "are not stored: the request is carried out when it comes again",
            set(),
            marks=pytest.mark.matrix,
        ),
        pytest.param("stores_errors", "are stored and given again", set(), marks=pytest.mark.matrix),
        ("key_expected", "are not stored: the request is carried out when it comes again", {"no key"}),
        pytest.param(
            "stuck",
            "are not stored: the request is carried out when it comes again",
            {"a key whose request failed"},
            marks=pytest.mark.matrix,
        ),
    ],
)
def test_answers_of_5xx_and_requests_without_a_key(decides: str, policy: str, wrong: set[str]) -> None:
    with deciding(decides, profile=Profile.SWEEP) as pilot:
        evidence = pilot.faults.keyed("POST /payments")
    assert not evidence.reason
    assert evidence.facts == {"answers of 5xx": policy}
    assert {case.case for case in evidence.cases if case.wrong} == wrong
    judgement = idm.idempotency_key(evidence)
    if wrong:
        assert judgement.outcome is Outcome.FAIL
    else:
        assert (judgement.outcome, judgement.reason) == (Outcome.PASS, f"answers of 5xx {policy}")


@pytest.mark.parametrize("database", ["sqlite", pytest.param("embedded", marks=pytest.mark.matrix)])
@pytest.mark.parametrize(
    ("variant", "twice"), [("on_conflict_first", True), pytest.param("business_key", False, marks=pytest.mark.matrix)]
)
def test_two_events_about_one_object(variant: str, database: str, twice: bool) -> None:
    with trial_of(variant, database) as run:
        evidence = broken(run, faults.OBJECT)
        again = broken(run, faults.OBJECT, only="object@twin")
    assert not evidence.reason
    assert evidence.tried == evidence.planned > 5
    assert {one.verdict for one in evidence.convicted} == ({faults.DOUBLE} if twice else set())
    assert [one.id for one in again.convicted] == ["object@twin"] * twice
    judgement = whk.applied_twice(evidence)
    assert found(judgement) == [("invoice.paid object", Level.WARN)] * twice


@pytest.mark.matrix
def test_what_may_happen_to_an_object_again_is_not_tried_so() -> None:
    with deciding("", "customer.subscription.updated") as pilot:
        judgement = whk.applied_twice(pilot.faults.broken("/webhook", "customer.subscription.updated", faults.OBJECT))
    assert judgement.outcome is Outcome.SKIPPED
    assert "may come more than once for an object" in judgement.reason


def told(judge: Callable[[], Judgement]) -> list[str]:
    return [finding.message for finding in judge().findings]


@pytest.mark.matrix
def test_what_is_forgotten_before_the_sender_gives_up_is_applied_again() -> None:
    with trial_of("short_memory", "sqlite") as run:
        evidence = broken(run, faults.DUPLICATES)
    assert [one.id for one in evidence.convicted] == ["duplicates@late"]
    [message] = told(lambda: whk.applied_twice(evidence))
    assert "double-applied when it was delivered again after almost three days" in message


@pytest.mark.matrix
def test_a_row_that_a_constraint_refuses_is_no_duplicate_of_the_event() -> None:
    with trial_of("any_integrity_error", "sqlite") as run:
        evidence = broken(run, faults.ERRORS)
    assert evidence.convicted
    assert {one.id.partition("@")[0] for one in evidence.convicted} == {"constraint"}
    [message] = told(lambda: whk.event_lost(evidence))
    assert "was lost when a constraint refused a row at boundary" in message
