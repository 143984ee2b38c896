"""Webhooks: forged and malformed deliveries, and one event broken in every way, each way an item of its own."""

from seatrial.model import webhooks as faults
from seatrial.model.profiles import Profile
from seatrial.plugin.aims import broken_by, keyed_routes, webhook_events, webhooks
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import idm, whk


@guard(over=webhooks, profile=Profile.PROTECTION, rules=[whk.signature_not_enforced])
def test_signature(trial: Trial) -> None:
    trial.judge(whk.signature_not_enforced, trial.refusals(faults.FORGED))


@guard(over=webhooks, profile=Profile.PROTECTION, rules=[whk.malformed_is_500])
def test_malformed(trial: Trial) -> None:
    trial.judge(whk.malformed_is_500, trial.refusals(faults.MALFORMED))


@guard(
    over=broken_by(faults.DUPLICATES),
    profile=Profile.PROTECTION,
    rules=[whk.applied_twice, whk.outbound_repeated],
)
def test_duplicates(trial: Trial) -> None:
    evidence = trial.broken()
    trial.judge(whk.applied_twice, evidence)
    trial.judge(whk.outbound_repeated, evidence)


@guard(over=broken_by(faults.OBJECT), profile=Profile.PROTECTION, rules=[whk.applied_twice])
def test_objects(trial: Trial) -> None:
    trial.judge(whk.applied_twice, trial.broken())


@guard(over=webhook_events, profile=Profile.PROTECTION, rules=[whk.pipeline_order])
def test_pipeline(trial: Trial) -> None:
    trial.judge(whk.pipeline_order, trial.pipeline())


@guard(
    over=broken_by(faults.DEATH, faults.ERRORS, faults.CALLS, faults.RECOVERY),
    profile=Profile.PROTECTION,
    rules=[whk.event_lost, whk.outbound_repeated],
)
def test_crashes(trial: Trial) -> None:
    evidence = trial.broken()
    trial.judge(whk.event_lost, evidence)
    trial.judge(whk.outbound_repeated, evidence)


@guard(over=broken_by(faults.ACKNOWLEDGED), profile=Profile.PROTECTION, rules=[whk.acknowledged_before_durable])
def test_acknowledged(trial: Trial) -> None:
    trial.judge(whk.acknowledged_before_durable, trial.broken())


@guard(
    over=broken_by(faults.RACE, faults.THREADS, faults.PAIR),
    profile=Profile.PROTECTION,
    rules=[whk.race, whk.outbound_repeated],
)
def test_schedules(trial: Trial) -> None:
    evidence = trial.broken()
    trial.judge(whk.race, evidence)
    trial.judge(whk.outbound_repeated, evidence)


@guard(over=webhooks, profile=Profile.PROTECTION, rules=[whk.payload_conflict_applied])
def test_conflict(trial: Trial) -> None:
    trial.judge(whk.payload_conflict_applied, trial.conflict())


@guard(over=webhooks, profile=Profile.PROTECTION, rules=[whk.order_dependent])
def test_order(trial: Trial) -> None:
    trial.judge(whk.order_dependent, trial.order())


@guard(over=webhook_events, profile=Profile.PROTECTION, rules=[whk.no_backoff])
def test_backoff(trial: Trial) -> None:
    trial.judge(whk.no_backoff, trial.backoff())


@guard(over=keyed_routes, rules=[idm.idempotency_key])
def test_idempotency_keys(trial: Trial) -> None:
    trial.judge(idm.idempotency_key, trial.keyed())
