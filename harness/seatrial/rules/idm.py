"""IDM: whether a request with an idempotency key is carried out once."""

from __future__ import annotations

from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.webhooks import KeyedTrial
from seatrial.rules.registry import rule
from seatrial.rules.whk import BUDGET

DRAFT = "draft-ietf-httpapi-idempotency-key-header-07"


@rule(
    code="IDM001",
    name="idempotency-key",
    level=Level.WARN,
    claim="A replay gets the stored answer, another body is refused, two at once are one, keys belong to one client.",
    control="the first request with a key was answered 2xx and changed something",
    rationale="A client that saw no answer must ask again: without a key that is honoured it pays, or orders, twice.",
    source=f"{DRAFT}; Stripe, idempotent requests; rocket-rides-atomic",
    remedy="Store key, hash of the body and answer under UNIQUE (client, key), in the transaction of the work.",
)
def idempotency_key(rule: Rule, trial: KeyedTrial, _: Context) -> Judgement:
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    wrong = [case for case in trial.cases if case.wrong]
    if wrong:
        first = wrong[0]
        more = f"; so is {', '.join(case.case for case in wrong[1:])}" if len(wrong) > 1 else ""
        return rule.failed(
            trial.subject,
            rule.finding(
                trial.subject,
                f"A request with {_case(first.case)} must give {first.expected} but {first.wrong}{more}",
                evidence={
                    "cases": [
                        {"case": case.case, "status": case.status, "wanted": case.expected, "wrong": case.wrong}
                        for case in trial.cases
                    ]
                },
            ),
        )
    if trial.broken:
        first_tried = trial.broken[0]
        told = f" ({first_tried.differences[0].told})" if first_tried.differences else ""
        return rule.failed(
            trial.subject,
            rule.finding(
                trial.subject,
                f"A request with a key must be carried out once after a fault but was {first_tried.verdict} when "
                f"{first_tried.where}{told}",
                detail="broken",
                evidence={
                    "tried": trial.tried,
                    "convicted": [
                        {"id": one.id, "verdict": one.verdict, "differences": [d.told for d in one.differences]}
                        for one in trial.broken[:50]
                    ],
                },
            ),
        )
    if trial.planned > trial.tried:
        left = trial.planned - trial.tried
        return rule.not_proved(trial.subject, f"{left} of {trial.planned} faults were left untried: {BUDGET}")
    return rule.passed(trial.subject, "; ".join(f"{what} {policy}" for what, policy in trial.facts.items()))


def _case(name: str) -> str:
    return {"replay": "a key that was used", "two at once": "a key that is in use"}.get(name, name)
