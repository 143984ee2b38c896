"""WHK: whether an event of a payment provider has its effects once, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.webhooks import (
    HUNG,
    NEVER,
    OBJECT,
    Backoff,
    Broken,
    Conflict,
    Order,
    Pipeline,
    Refusals,
    Step,
    Tried,
)
from seatrial.rules.deliveries import advice, status_of, untaken, wrong
from seatrial.rules.registry import rule

CLEAN = "a clean signed delivery was answered 2xx and changed something"
BUDGET = "give it more time (--time-budget, or `faults_s` under [tool.seatrial.deadlines])"
BUSINESS_KEY = (
    "Give the effect a key of its own (id of the object and what is done), UNIQUE, inserted ON CONFLICT DO NOTHING in "
    "the transaction of the effect."
)
SHOWN = 5
CAP_S = 3 * 86400
"""Stripe itself gives up after three days: who waits longer for one try has no cap."""
GROWTH = 1.5
"""Times by which the longest delay must exceed the first one to be called growing."""


@rule(
    code="WHK001",
    name="signature-not-enforced",
    level=Level.BLOCK,
    claim="Tampered, unsigned, stale and wrongly signed deliveries are answered 4xx and change nothing.",
    control=CLEAN,
    rationale="The endpoint is public: without the signature anybody can tell the app that an invoice was paid.",
    source="stripe-python 16.1 _webhook.py (tolerance 300 s); Standard Webhooks 1.0, Verifying signatures",
    remedy="Verify the raw bytes of the body first (stripe.Webhook.construct_event) and answer every failure with 400.",
)
def signature_not_enforced(rule: Rule, trial: Refusals, _: Context) -> Judgement:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    findings = [*wrong(rule, trial), *untaken(rule, trial), *advice(rule, trial)]
    return rule.failed(trial.subject, *findings) if findings else rule.passed(trial.subject)


@rule(
    code="WHK002",
    name="applied-twice",
    level=Level.BLOCK,
    claim="Three deliveries of an event leave the database and the outbound calls of one.",
    control=CLEAN,
    rationale="Senders promise at least one delivery, not one: the same event comes again after a slow answer.",
    source="Stripe, webhooks, handle duplicate events; dj-stripe #1239; frappe/press#1175",
    remedy="INSERT the event's id first, UNIQUE, in the transaction of the effects: ON CONFLICT DO NOTHING.",
)
def applied_twice(rule: Rule, trial: Broken, _: Context) -> Judgement:
    if trial.family != OBJECT:
        return _judged(rule, trial, "Duplicates must leave what one delivery leaves")
    if (silent := _silent(rule, trial)) is not None:
        return silent
    if not trial.planned:
        return rule.skipped(trial.subject, f"{trial.event} may come more than once for an object, or does no work")
    if trial.convicted:
        claim = "Two events about one object must have their effect once"
        return rule.failed(
            trial.subject,
            _finding(rule, trial, trial.convicted, claim, level=Level.WARN, remedy=BUSINESS_KEY),
        )
    return _passed(rule, trial)


@rule(
    code="WHK003",
    name="event-lost",
    level=Level.BLOCK,
    claim="After a death, an error or a lost acknowledgement anywhere, redelivery reaches the state of one delivery.",
    control=CLEAN,
    rationale="What breaks between two commits is never mended: the sender's retry is taken for a duplicate.",
    source="Stripe, webhooks, retries for up to three days; dj-stripe #832; firezone/firezone#9869",
    remedy="Commit the mark with the effects in one transaction; only a row that says processed is a duplicate.",
)
def event_lost(rule: Rule, trial: Broken, _: Context) -> Judgement:
    return _judged(rule, trial, "An event must have its effects once after a fault")


@rule(
    code="WHK004",
    name="race",
    level=Level.BLOCK,
    claim="No schedule of two deliveries at once leaves anything else than one delivery.",
    control=CLEAN,
    rationale="Senders redeliver while the first delivery is still worked on, and a server has several workers.",
    source="CHESS (OSDI 2008): schedules of up to two preemptions; laravel/cashier-stripe#1759, dj-stripe #409",
    remedy="Let a UNIQUE constraint decide who is first, and change rows by UPDATE … SET x = x + …, or FOR UPDATE.",
)
def race(rule: Rule, trial: Broken, _: Context) -> Judgement:
    return _judged(rule, trial, "Two deliveries at once must leave what one leaves")


@rule(
    code="WHK005",
    name="outbound-repeated",
    level=Level.WARN,
    claim="An outbound call that is made again for the same event carries the same idempotency key.",
    control=CLEAN,
    rationale="Whoever dies after the call and before the commit must call again: only a stable key tells the peer.",
    source="Stripe, idempotent requests; stripe-python adds a random key by itself, which is a new one each time",
    remedy="Send Idempotency-Key: <event id>:<effect>, the same on each try; or an outbox row and a relay.",
)
def outbound_repeated(rule: Rule, trial: Broken, _: Context) -> Judgement:
    if (silent := _silent(rule, trial)) is not None:
        return silent
    if not any(boundary.kind == "http<" for boundary in trial.boundaries):
        return rule.skipped(trial.subject, f"no outbound call is made for {trial.event}")
    repeated = [one for one in trial.convicted if one.only_outbound]
    if repeated:
        return rule.failed(trial.subject, _finding(rule, trial, repeated, "An effect outside must not be repeated"))
    return _passed(rule, trial)


@rule(
    code="WHK006",
    name="acknowledged-before-durable",
    level=Level.BLOCK,
    claim="No delivery is answered 2xx before its effects would survive the death of every process.",
    control=CLEAN,
    rationale="After a 2xx nobody sends the event again: what was not committed by then is gone.",
    source="Stripe, webhooks, 2xx ends the retries; 2witstudios/PageSpace#1588",
    remedy="Answer 200 for a row that says processed, 409 while another delivery works on it; work before the answer.",
)
def acknowledged_before_durable(rule: Rule, trial: Broken, _: Context) -> Judgement:
    return _judged(rule, trial, "A 2xx must mean that the effects are durable")


@rule(
    code="WHK007",
    name="malformed-is-500",
    level=Level.BLOCK,
    claim="Malformed headers and bodies are answered 4xx, and unusual ones never with an error of the server's.",
    control=CLEAN,
    rationale="A 500 is sent again for days and counts as an outage of the endpoint, until the sender switches it off.",
    source="stripe-python 16.1: TypeError for a signature that is not ASCII, AttributeError for a signed list [run]",
    remedy="Catch what verifying and parsing raise (ValueError, TypeError, AttributeError, KeyError) and answer 400.",
)
def malformed_is_500(rule: Rule, trial: Refusals, _: Context) -> Judgement:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    findings = [*wrong(rule, trial), *advice(rule, trial)]
    return rule.failed(trial.subject, *findings) if findings else rule.passed(trial.subject)


@rule(
    code="WHK008",
    name="payload-conflict-applied",
    level=Level.BLOCK,
    claim="The same id with another payload is not applied again, and leaves a trace.",
    control=CLEAN,
    rationale="Events do not change: two payloads under one id are an attack or a defect, and somebody must see it.",
    source="Stripe, event objects are immutable; rocket-rides-atomic (409 for other parameters)",
    remedy="Keep a hash of the payload in the event's row; where it differs, log a warning and record it, and stop.",
)
def payload_conflict_applied(rule: Rule, trial: Conflict, _: Context) -> Judgement:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    if not trial.duplicates_harmless:
        return rule.not_proved(trial.subject, "a plain duplicate is applied again already: see WHK002")
    answered = ", ".join(map(status_of, trial.answers))
    evidence = {"answers": list(trial.answers), "recorded": list(trial.recorded)}
    if trial.applied:
        evidence["differences"] = [one.told for one in trial.applied[:SHOWN]]
        message = f"Another payload under a known id must not be applied but it is ({trial.applied[0].told})"
        return rule.failed(trial.subject, rule.finding(trial.subject, message, detail="applied", evidence=evidence))
    if not trial.recorded:
        message = (
            f"Another payload under a known id must leave a trace but neither a row nor a warning tells of it "
            f"(answered {answered})"
        )
        return rule.failed(trial.subject, rule.finding(trial.subject, message, detail="unrecorded", evidence=evidence))
    return rule.passed(trial.subject)


@rule(
    code="WHK009",
    name="order-dependent",
    level=Level.WARN,
    claim="Related events reach one final state in whatever order they come.",
    control="the events in the order of time were answered 2xx and changed something",
    rationale="Senders do not promise an order: a late update revives a subscription that was cancelled.",
    source="Stripe, webhooks, event ordering; laravel/cashier-stripe#1201; langfuse/langfuse#17388",
    remedy="Keep the time of the last event (`created`) beside the state and ignore older ones, or fetch the object.",
)
def order_dependent(rule: Rule, trial: Order, _: Context) -> Judgement:
    if trial.skipped:
        return rule.skipped(trial.subject, trial.skipped)
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    if not trial.differing:
        return rule.passed(trial.subject)
    first = trial.differing[0]
    told = first.differences[0].told if first.differences else first.verdict
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"Every order must end in one state but {len(trial.differing)} of {trial.orders} end in another one: "
            f"{first.where}, and then {told}",
            evidence={
                "events": list(trial.sequence),
                "orders": [{"id": one.id, "differences": [d.told for d in one.differences]} for one in trial.differing],
            },
        ),
    )


@rule(
    code="WHK010",
    name="no-backoff",
    level=Level.WARN,
    claim="A failed event is tried again with growing, capped delays, and ends as a dead letter that can be seen.",
    control=CLEAN,
    rationale="An event that fails and is not tried again is lost; one that is tried each second holds up the others.",
    source="Standard Webhooks 1.0, retries; buttondown/roadmap#3109",
    remedy="Answer 500; record status, error, attempts and a doubling next_attempt_at with a cap; `dead` at the end.",
)
def no_backoff(rule: Rule, trial: Backoff, _: Context) -> Judgement:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    recorded = [delay for delay in trial.delays_s if delay is not None]
    evidence: dict[str, object] = {
        "event": trial.event,
        "answers": list(trial.answers),
        "delays_s": list(trial.delays_s),
    }
    acknowledged = any(200 <= status < 300 for status in trial.answers)

    def failed(message: str, detail: str) -> Judgement:
        return rule.failed(
            trial.subject, rule.finding(trial.subject, message, detail=f"{trial.event} {detail}", evidence=evidence)
        )

    if acknowledged and not recorded:
        tries = len(trial.answers)
        return failed(
            f"An event that fails must be tried again but {trial.event} is answered {trial.answers[-1]} at delivery "
            f"{tries}, without its effects and without a time for another try",
            "given up",
        )
    if trial.held_up or not 200 <= trial.other < 300:
        evidence["other"] = {"answer": trial.other, "differences": [one.told for one in trial.held_up]}
        told = f" ({trial.held_up[0].told})" if trial.held_up else ""
        return failed(
            f"An event that fails must hold up no other but while {trial.event} fails another one is answered "
            f"{status_of(trial.other)}{told}",
            "holds up",
        )
    if not recorded:
        # Every delivery is answered with an error: the sender tries again, with a backoff of its own.
        if any(trial.states):
            return rule.passed(trial.subject)
        return rule.skipped(trial.subject, "failures leave no record: the sender's own retries are all there is")
    if len(recorded) > 2 and max(recorded) < GROWTH * recorded[0]:
        return failed(
            f"Delays between tries must grow but after {len(recorded)} failures of {trial.event} they are still about "
            f"{recorded[-1]:g} s",
            "constant",
        )
    if max(recorded) > CAP_S:
        return failed(
            f"Delays between tries must be capped but after {len(recorded)} failures of {trial.event} the longest is "
            f"{max(recorded) / 86400:.1f} days",
            "uncapped",
        )
    if trial.delays_s[-1] is not None and len(set(trial.states)) < 2:
        return failed(
            f"An event that fails must end as a dead letter but after {len(trial.answers)} failures {trial.event} is "
            "still to be tried again",
            "no end",
        )
    return rule.passed(trial.subject)


@rule(
    code="WHK011",
    name="pipeline-order",
    level=Level.BLOCK,
    claim="A delivery checks the signature, then the event's id, does its work, and marks it in the work's own commit.",
    control=CLEAN,
    rationale="Each commit between the work and the mark is a point where a death applies the event twice or never.",
    source="measured: the crash points of check, process, commit, mark, commit (docs/webhooks-trials.md)",
    remedy="One transaction: INSERT the id, do the work, mark the row, COMMIT; nothing before the signature.",
)
def pipeline_order(rule: Rule, trial: Pipeline, _: Context) -> Judgement:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    if trial.forged_writes:
        message = "Nothing may be written before the signature is verified but a forged delivery writes"
        return rule.failed(trial.subject, rule.finding(trial.subject, message, detail="signature"))
    if not trial.ledger:
        if trial.duplicates_harmless:
            return rule.skipped(trial.subject, f"{trial.event} leaves no record of its id, and needs none")
        message = f"The event's id must be kept before the work is done but {trial.event} leaves no record of it"
        return rule.failed(
            trial.subject,
            rule.finding(trial.subject, message, detail=f"{trial.event} idempotency", evidence=_steps(trial)),
        )
    if (wrong := _out_of_order(trial.steps)) is None:
        return rule.passed(trial.subject)
    what, step = wrong
    message = f"{what} but {trial.event} does not do so (boundary {step.number})"
    detail = f"{trial.event} {step.what}"
    return rule.failed(trial.subject, rule.finding(trial.subject, message, detail=detail, evidence=_steps(trial)))


def _out_of_order(steps: Sequence[Step]) -> tuple[str, Step] | None:
    """The first step that is in the wrong place."""
    looked = False
    for step in steps:
        looked = looked or step.what in ("look", "mark")
        if step.what in ("work", "call") and not looked:
            return "The event's id must be looked for before the work", step
    marks = [step.number for step in steps if step.what == "mark"]
    commits = [step.number for step in steps if step.what == "commit"]
    if not marks:
        return None
    done = next((commit for commit in commits if commit > marks[-1]), 0)
    for step in steps:
        committed = next((commit for commit in commits if commit > step.number), 0)
        if step.what == "work" and committed < done:
            return "The mark must be committed with the work", step
    return None


# ---------------------------------------------------------------------------------------------------- shared
def _silent(rule: Rule, trial: Broken) -> Judgement | None:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    return None


def _judged(rule: Rule, trial: Broken, claim: str) -> Judgement:
    if (silent := _silent(rule, trial)) is not None:
        return silent
    # What is wrong with calls alone is WHK005's; what hung tells nothing of what would have been left.
    convicted = [one for one in trial.convicted if not one.only_outbound and one.verdict != HUNG]
    certain = [one for one in convicted if not one.only_counters]
    if certain:
        return rule.failed(trial.subject, _finding(rule, trial, certain, claim))
    if convicted:
        one = convicted[0]
        return rule.not_proved(
            trial.subject,
            f"{trial.event}: after {one.id} only {one.differences[0].told} differs: name such columns as bookkeeping "
            "of the webhook if they only record tries",
        )
    return _passed(rule, trial)


def _passed(rule: Rule, trial: Broken) -> Judgement:
    """A pass, unless something was left out."""
    hung = [one for one in trial.convicted if one.verdict == HUNG]
    if hung:
        return rule.not_proved(
            trial.subject,
            f"{trial.event}: {hung[0].where}, and the app did not come back ({hung[0].id}); give its calls and locks "
            "a timeout, or raise `request_s` under [tool.seatrial.deadlines]",
        )
    if trial.left:
        return rule.not_proved(
            trial.subject,
            f"{trial.event}: {trial.left} of {trial.planned} ways ({trial.family}) were left untried: {BUDGET}",
        )
    if not trial.planned:
        return rule.skipped(trial.subject, f"{trial.event} crosses nothing that could be broken so ({trial.family})")
    if trial.blind:
        return rule.not_proved(
            trial.subject, f"{trial.event}: {trial.blind}: use a session or connection of SQLAlchemy's"
        )
    return rule.passed(trial.subject)


def _finding(
    rule: Rule, trial: Broken, convicted: Sequence[Tried], claim: str, *, level: Level | None = None, remedy: str = ""
) -> Finding:
    first = min(convicted, key=lambda one: (one.verdict == NEVER, one.soft))
    told = f" ({first.differences[0].told})" if first.differences else ""
    fault = f"{trial.event}/{first.id}"
    path = trial.subject.removeprefix("webhook ")
    return rule.finding(
        trial.subject,
        f"{claim} but {trial.event} was {_happened(first)} when {first.where}{told}; "
        f"{len(convicted)} of {trial.tried} tried",
        detail=f"{trial.event} {trial.family}",
        level=level,
        remedy=remedy,
        evidence={
            "event": trial.event,
            "family": trial.family,
            "webhook": path,
            "verdict": first.verdict,
            "boundary": first.where,
            "answers": list(first.answers),
            "difference": [one.told for one in first.differences],
            "fault": fault,
            "again": f"seatrial check --only {rule.code} --fault '{fault}'",
            "convicted": [{"id": one.id, "verdict": one.verdict} for one in convicted[:50]],
            "tried": trial.tried,
            "left_untried": trial.left,
            "boundaries": [str(boundary) for boundary in trial.boundaries],
            "left_out": {"volatile": list(trial.volatile), "bookkeeping": list(trial.bookkeeping)},
        },
        requests=first.asked(trial.subject, trial.event),
    )


def _happened(one: Tried) -> str:
    if one.verdict == NEVER:
        return "never answered 2xx again"
    return {
        "partial": "applied in part",
        "outbound-repeated": "sent out twice",
        "outbound-lost": "not sent out",
        "ack-before-durable": "acknowledged and not durable",
    }.get(one.verdict, one.verdict)


def _steps(trial: Pipeline) -> dict[str, object]:
    return {
        "event": trial.event,
        "record": list(trial.ledger),
        "steps": [f"{step.number} {step.what} {step.detail}".rstrip() for step in trial.steps],
    }


OF_A_DELIVERY = (
    signature_not_enforced,
    applied_twice,
    event_lost,
    race,
    outbound_repeated,
    acknowledged_before_durable,
    malformed_is_500,
    payload_conflict_applied,
    order_dependent,
    no_backoff,
    pipeline_order,
)
