"""Cases of the WHK and IDM rules that the specimens do not show: what is not proved, skipped, or only warned of."""

import pytest

from seatrial.model import webhooks as faults
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.webhooks import (
    Backoff,
    Boundary,
    Broken,
    Conflict,
    Difference,
    Keyed,
    KeyedTrial,
    Order,
    Pipeline,
    Refusals,
    Sent,
    Step,
    Tried,
)
from seatrial.rules import idm, whk

SUBJECT = "webhook /hook"
ROW = Difference("account", "account[1]: credits 200 in place of 100")
CALL = Difference("outbound", "POST https://mail.example/send: 1 more")
CALLING = (Boundary(1, "begin"), Boundary(2, "http<", "POST https://mail.example/send"))


def broken(*convicted: Tried, planned: int = 9, tried: int = 9, **more: object) -> Broken:
    return Broken(SUBJECT, "invoice.paid", faults.DEATH, planned=planned, tried=tried, convicted=convicted, **more)  # type: ignore[arg-type]


def tried(verdict: str, *differences: Difference, counters: bool = False) -> Tried:
    return Tried("death@7", "the process died at boundary 7", (0, 200), verdict, differences, only_counters=counters)


def test_a_pass_is_one_of_everything_that_was_planned() -> None:
    assert whk.event_lost(broken()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (broken(reason="a clean delivery answered 400"), "a clean delivery answered 400"),
        (broken(tried=4), "5 of 9 ways (death) were left untried: give it more time (--time-budget"),
        (broken(tried(faults.HUNG)), "the app did not come back (death@7)"),
        (broken(blind="the app uses raw_connection()"), "the app uses raw_connection(): use a session"),
        (broken(tried(faults.PARTIAL, ROW, counters=True)), "name such columns as bookkeeping"),
    ],
)
def test_what_is_not_proved_says_what_would(evidence: Broken, reason: str) -> None:
    judgement = whk.event_lost(evidence)
    assert judgement.outcome is Outcome.NOT_PROVED
    assert reason in judgement.reason


def test_what_does_not_apply_is_skipped() -> None:
    assert whk.event_lost(broken(planned=0, tried=0)).outcome is Outcome.SKIPPED
    assert whk.outbound_repeated(broken()).outcome is Outcome.SKIPPED


def test_a_conviction_counts_although_time_was_over() -> None:
    judgement = whk.event_lost(broken(tried(faults.DOUBLE, ROW), tried=4))
    assert judgement.outcome is Outcome.FAIL
    evidence = judgement.findings[0].evidence
    assert evidence["fault"] == "invoice.paid/death@7"
    assert evidence["again"] == "seatrial check --only WHK003 --fault 'invoice.paid/death@7'"
    assert evidence["left_untried"] == 5
    assert ROW.told in judgement.findings[0].message


def test_a_call_that_is_repeated_is_one_rules_and_a_row_the_others() -> None:
    calls = broken(tried(faults.OUTBOUND_REPEATED, CALL), boundaries=CALLING)
    assert whk.event_lost(calls).outcome is Outcome.PASS
    assert whk.outbound_repeated(calls).findings[0].level is Level.WARN
    rows = broken(tried(faults.DOUBLE, ROW, CALL), boundaries=CALLING)
    assert whk.event_lost(rows).outcome is Outcome.FAIL
    assert whk.outbound_repeated(rows).outcome is Outcome.PASS


def refusals(*sent: Sent) -> Refusals:
    changed = ("account", "event")
    return Refusals(SUBJECT, faults.FORGED, clean=200, clean_changed=changed, work=("account",), sent=sent)


@pytest.mark.parametrize(
    ("sent", "details"),
    [
        (Sent("no header", 400), []),
        (Sent("no header", 200, ("account",)), ["let in"]),
        (Sent("no header", 302), ["let in"]),
        (Sent("no header", 400, ("account",)), ["let in"]),
        (Sent("no header", 400, ("audit",)), []),
        (Sent("no header", 500), ["error"]),
        (Sent("no header", 0), ["error"]),
        (Sent("a form", 200, ("account",), wanted=faults.SURVIVED), []),
        (Sent("a form", 500, wanted=faults.SURVIVED), ["error"]),
        (Sent("two signatures", 200, wanted=faults.TAKEN), []),
        (Sent("two signatures", 400, wanted=faults.TAKEN), ["rotation"]),
        (Sent("ahead", 400, wanted=faults.ADVISED), []),
        (Sent("ahead", 200, ("account",), wanted=faults.ADVISED), ["ahead"]),
        (Sent("ahead", 500, wanted=faults.ADVISED), ["error"]),
        (Sent("a new type", 200, ("event",), wanted=faults.IGNORED), []),
        (Sent("a new type", 400, wanted=faults.IGNORED), ["a new type refused"]),
        (Sent("a new type", 200, ("account",), wanted=faults.IGNORED), ["a new type applied"]),
        (Sent("a new type", 500, wanted=faults.IGNORED), ["error"]),
        (Sent("live", 200, ("event",), wanted=faults.NOTED), []),
        (Sent("live", 200, ("account", "event"), wanted=faults.NOTED), ["live applied"]),
        (Sent("live", 500, wanted=faults.NOTED), []),
    ],
)
def test_refusals(sent: Sent, details: list[str]) -> None:
    assert [finding.detail for finding in whk.signature_not_enforced(refusals(sent)).findings] == details


def test_a_rotation_that_is_refused_is_a_warning() -> None:
    [finding] = whk.signature_not_enforced(refusals(Sent("two", 400, wanted=faults.TAKEN))).findings
    assert finding.level is Level.WARN


def test_what_the_app_may_decide_never_blocks() -> None:
    found = whk.signature_not_enforced(
        refusals(
            Sent("ahead", 200, wanted=faults.ADVISED),
            Sent("a new type", 404, wanted=faults.IGNORED),
            Sent("a new type", 200, ("account",), wanted=faults.IGNORED),
            Sent("live", 200, ("account",), wanted=faults.NOTED),
        )
    ).findings
    assert [finding.level for finding in found] == [Level.WARN, Level.WARN, Level.INFO, Level.INFO]
    assert len({finding.fingerprint for finding in found}) == 4


def of_object(*convicted: Tried, planned: int = 9) -> Broken:
    return Broken(
        SUBJECT, "invoice.paid", faults.OBJECT, planned=planned, tried=planned, convicted=convicted, boundaries=CALLING
    )


def test_two_events_about_one_object_are_a_warning() -> None:
    twice = Tried("object@twin", "a second event told of the same object", (200, 200), faults.DOUBLE, (ROW,))
    [finding] = whk.applied_twice(of_object(twice)).findings
    assert finding.level is Level.WARN
    assert finding.evidence["again"] == "seatrial check --only WHK002 --fault 'invoice.paid/object@twin'"
    assert [request.case for request in finding.requests][1] == faults.SIBLING
    mailed = Tried("object@twin", "a second event told of it", (200, 200), faults.OUTBOUND_REPEATED, (CALL,))
    assert whk.applied_twice(of_object(mailed)).outcome is Outcome.FAIL
    assert whk.applied_twice(of_object()).outcome is Outcome.PASS
    assert whk.applied_twice(of_object(planned=0)).outcome is Outcome.SKIPPED


def test_a_conflict_is_not_judged_where_duplicates_are_applied_already() -> None:
    judgement = whk.payload_conflict_applied(Conflict(SUBJECT, duplicates_harmless=False))
    assert judgement.outcome is Outcome.NOT_PROVED
    assert "WHK002" in judgement.reason


def test_a_conflict_that_is_applied_is_told_before_one_that_is_not_recorded() -> None:
    assert whk.payload_conflict_applied(Conflict(SUBJECT, applied=(ROW,))).findings[0].detail == "applied"
    assert whk.payload_conflict_applied(Conflict(SUBJECT)).findings[0].detail == "unrecorded"
    assert whk.payload_conflict_applied(Conflict(SUBJECT, recorded=("log",))).outcome is Outcome.PASS


def test_order() -> None:
    assert whk.order_dependent(Order(SUBJECT, skipped="no related events")).outcome is Outcome.SKIPPED
    assert whk.order_dependent(Order(SUBJECT, reason="answered 500")).outcome is Outcome.NOT_PROVED
    assert whk.order_dependent(Order(SUBJECT, orders=1)).outcome is Outcome.PASS
    assert whk.order_dependent(Order(SUBJECT, orders=1, differing=(tried("partial", ROW),))).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("answers", "delays", "states", "outcome", "detail"),
    [
        ((500,) * 4, (60.0, 120.0, 240.0, 480.0), ("failed", "failed", "failed", "dead"), Outcome.PASS, ""),
        ((500,) * 4, (60.0, 120.0, 240.0, None), ("failed",) * 3 + ("dead",), Outcome.PASS, ""),
        ((500,) * 4, (60.0,) * 4, ("failed",) * 4, Outcome.FAIL, "e constant"),
        ((500,) * 4, (60.0, 120.0, 240.0, 480.0), ("failed",) * 4, Outcome.FAIL, "e no end"),
        ((500,) * 4, (60.0, 6e3, 6e4, 6e5), ("failed",) * 3 + ("dead",), Outcome.FAIL, "e uncapped"),
        ((500, 200), (None, None), ("received", "received"), Outcome.FAIL, "e given up"),
        ((500,) * 4, (None,) * 4, ("failed",) * 4, Outcome.PASS, ""),
        ((500,) * 4, (None,) * 4, ("",) * 4, Outcome.SKIPPED, ""),
    ],
)
def test_backoff(
    answers: tuple[int, ...],
    delays: tuple[float | None, ...],
    states: tuple[str, ...],
    outcome: Outcome,
    detail: str,
) -> None:
    judgement = whk.no_backoff(Backoff(SUBJECT, "e", answers=answers, delays_s=delays, states=states))
    assert judgement.outcome is outcome
    assert [finding.detail for finding in judgement.findings] == ([detail] if detail else [])


def test_an_event_that_fails_holds_up_no_other() -> None:
    failing = {"answers": (500,) * 4, "delays_s": (None,) * 4, "states": ("failed",) * 4}
    waits = whk.no_backoff(Backoff(SUBJECT, "e", other=503, **failing))  # type: ignore[arg-type]
    assert waits.findings[0].detail == "e holds up"
    assert "another one is answered 503" in waits.findings[0].message
    lost = whk.no_backoff(Backoff(SUBJECT, "e", held_up=(ROW,), **failing))  # type: ignore[arg-type]
    assert ROW.told in lost.findings[0].message
    assert whk.no_backoff(Backoff(SUBJECT, "e", **failing)).outcome is Outcome.PASS  # type: ignore[arg-type]


def steps(*words: str) -> tuple[Step, ...]:
    return tuple(Step(number, word) for number, word in enumerate(words, 1))


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (steps("mark", "work", "mark", "commit"), Outcome.PASS),
        (steps("look", "work", "mark", "call", "commit"), Outcome.PASS),
        (steps("mark", "work", "commit", "call", "work", "commit"), Outcome.PASS),
        (steps("look", "work", "commit", "mark", "commit"), Outcome.FAIL),
        (steps("mark", "commit", "work", "commit", "mark", "commit"), Outcome.FAIL),
        (steps("work", "mark", "commit"), Outcome.FAIL),
        (steps("call", "mark", "work", "commit"), Outcome.FAIL),
    ],
)
def test_pipeline(found: tuple[Step, ...], outcome: Outcome) -> None:
    assert whk.pipeline_order(Pipeline(SUBJECT, "e", ledger=("event",), steps=found)).outcome is outcome


def test_pipeline_without_a_record() -> None:
    assert whk.pipeline_order(Pipeline(SUBJECT, "e")).outcome is Outcome.SKIPPED
    assert whk.pipeline_order(Pipeline(SUBJECT, "e", duplicates_harmless=False)).outcome is Outcome.FAIL
    assert whk.pipeline_order(Pipeline(SUBJECT, "e", forged_writes=1)).findings[0].detail == "signature"


def test_keys() -> None:
    right = Keyed("replay", 201, "the stored answer")
    assert idm.idempotency_key(KeyedTrial("POST /p", cases=(right,))).outcome is Outcome.PASS
    policy = idm.idempotency_key(KeyedTrial("POST /p", cases=(right,), facts={"answers of 5xx": "are stored"}))
    assert (policy.outcome, policy.reason) == (Outcome.PASS, "answers of 5xx are stored")
    wrong = Keyed("replay", 201, "the stored answer", "it was done again")
    assert idm.idempotency_key(KeyedTrial("POST /p", cases=(right, wrong))).outcome is Outcome.FAIL
    after_a_death = KeyedTrial("POST /p", cases=(right,), broken=(tried(faults.DOUBLE, ROW),), planned=3, tried=3)
    assert idm.idempotency_key(after_a_death).findings[0].detail == "broken"
    left = idm.idempotency_key(KeyedTrial("POST /p", cases=(right,), planned=3, tried=1))
    assert left.outcome is Outcome.NOT_PROVED
    assert "2 of 3 faults were left untried" in left.reason


def test_a_finding_shows_its_deliveries_and_no_secret() -> None:
    [finding] = whk.event_lost(broken(tried(faults.LOST, ROW))).findings
    first, second = finding.requests
    assert (first.method, first.path, first.identity) == ("POST", "/hook", "anonymous")
    assert first.case == "death@7: the process died at boundary 7"
    assert (first.status, first.said) == (None, "the process died")
    assert (second.case, second.status) == (faults.AGAIN, 200)
    assert not first.sent.headers
    assert first.sent.body == "<an event invoice.paid, signed with the secret of the webhook>"


def test_in_a_race_the_other_delivery_comes_at_that_moment() -> None:
    race = Tried("race@3", "one delivery stopped at boundary 3", (200, -1, 200))
    assert [one.said for one in race.asked(SUBJECT, "invoice.paid")] == ["", "no answer came in time", ""]
    assert [one.case for one in race.asked(SUBJECT, "invoice.paid")][1:] == [faults.BESIDE, faults.AGAIN]


def test_a_finding_shows_the_deliveries_it_speaks_of() -> None:
    sent = (Sent("no header", 200, ("account",)), Sent("an empty header", 400), Sent("a header without =", 500))
    refused = Refusals(SUBJECT, faults.FORGED, clean=200, clean_changed=("account",), sent=sent)
    shown = [[(one.case, one.status) for one in f.requests] for f in whk.signature_not_enforced(refused).findings]
    assert shown == [[("no header", 200)], [("a header without =", 500)]]


def test_requests_with_a_key_are_shown_with_what_was_wrong() -> None:
    wrong = Keyed("replay", 201, "the stored answer", "it was done again")
    [finding] = idm.idempotency_key(KeyedTrial("POST /payments payments [owner]", cases=(wrong,))).findings
    [request] = finding.requests
    assert (request.method, request.path, request.identity) == ("POST", "/payments", "owner")
    assert (request.case, request.status, request.said) == ("replay", 201, "it was done again")
