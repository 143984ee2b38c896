"""What single deliveries of a webhook were answered: findings of WHK001 and WHK007."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seatrial.model.findings import Finding
from seatrial.model.outcomes import Level
from seatrial.model.requests import Request
from seatrial.model.rules import Rule
from seatrial.model.webhooks import ADVISED, IGNORED, NOTED, REFUSED, TAKEN, Refusals, Sent

AHEAD = "Refuse a timestamp that is more than five minutes ahead, as one that is more than five minutes old: abs()."
UNKNOWN = "Answer 2xx for a type that has no handler, and do nothing: what is refused is sent again for days."
ELSEWHERE = (
    "Apply events of your own mode (`livemode`) and accounts (`account`) and answer the others 2xx; where every "
    "endpoint has a secret of its own and none is Connect's, this does not happen."
)


def wrong(rule: Rule, trial: Refusals) -> list[Finding]:
    """One finding for what was let in, one for errors of the server's: each tells the first and counts the rest."""
    judged = [sent for sent in trial.sent if sent.wanted not in (TAKEN, NOTED)]
    errors = [sent for sent in judged if sent.status >= 500 or sent.status <= 0]
    let_in = [
        sent
        for sent in judged
        if sent.wanted == REFUSED and sent not in errors and (_let_in(sent) or _acted(sent, trial))
    ]
    findings = []
    if let_in:
        changed = f" and changed {', '.join(let_in[0].changed)}" if let_in[0].changed else ""
        message = (
            f"A delivery with {let_in[0].case} must be refused but was answered {let_in[0].status}{changed}"
            f"{_more(let_in)}"
        )
        findings.append(_finding(rule, trial, let_in, message, "let in"))
    if errors:
        message = (
            f"A delivery with {errors[0].case} must be answered 4xx but was answered {status_of(errors[0].status)}"
            f"{_more(errors)}"
        )
        findings.append(_finding(rule, trial, errors, message, "error"))
    return findings


def untaken(rule: Rule, trial: Refusals) -> list[Finding]:
    """A warning for what must be taken while a secret is rotated."""
    refused = [sent for sent in trial.sent if sent.wanted == TAKEN and not _taken(sent)]
    if not refused:
        return []
    message = (
        f"A delivery must be taken while a secret is rotated but with {refused[0].case} it is answered "
        f"{status_of(refused[0].status)}"
    )
    remedy = "Compare every v1 signature of the header, not one of them."
    return [_finding(rule, trial, refused, message, "rotation", Level.WARN, remedy)]


def advice(rule: Rule, trial: Refusals) -> list[Finding]:
    """Where the app may decide: a warning for what costs it something, information about the rest."""
    findings = []
    for sent in trial.sent:
        if sent.wanted == ADVISED and _let_in(sent) and sent.status < 500 and sent.status > 0:
            message = f"A delivery with {sent.case} should be refused but was answered {sent.status}"
            findings.append(_finding(rule, trial, [sent], message, sent.case, Level.WARN, AHEAD))
        elif sent.wanted == IGNORED and 300 <= sent.status < 500:
            message = f"{_begun(sent.case)} must be answered 2xx but was answered {sent.status}"
            findings.append(_finding(rule, trial, [sent], message, f"{sent.case} refused", Level.WARN, UNKNOWN))
        elif sent.wanted in (IGNORED, NOTED) and (changed := set(sent.changed) & set(trial.work)):
            what = sent.case if sent.wanted == IGNORED else f"an event of {sent.case}"
            message = f"{_begun(what)} should have no effect but changed {', '.join(sorted(changed))}"
            remedy = UNKNOWN if sent.wanted == IGNORED else ELSEWHERE
            findings.append(_finding(rule, trial, [sent], message, f"{sent.case} applied", Level.INFO, remedy))
    return findings


def status_of(status: int) -> str:
    """As a word in a sentence."""
    return {0: "by the end of the process", -1: "never"}.get(status, str(status))


def _finding(
    rule: Rule,
    trial: Refusals,
    sent: Sequence[Sent],
    message: str,
    detail: str,
    level: Level | None = None,
    remedy: str = "",
) -> Finding:
    return rule.finding(
        trial.subject,
        message,
        detail=detail,
        level=level,
        remedy=remedy,
        evidence={"deliveries": [{"case": o.case, "status": o.status, "changed": list(o.changed)} for o in sent]},
        requests=_asked(trial, sent),
    )


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _taken(sent: Sent) -> bool:
    return 200 <= sent.status < 300


def _let_in(sent: Sent) -> bool:
    return not 400 <= sent.status < 500


def _acted(sent: Sent, trial: Refusals) -> bool:
    """It changed what a clean delivery changes; a row in an audit table of its own is no effect."""
    return bool(set(sent.changed) & set(trial.clean_changed))


def _more(sent: Sequence[Sent]) -> str:
    return f"; so are {len(sent) - 1} more" if len(sent) > 1 else ""


def _asked(trial: Refusals, sent: Sequence[Sent]) -> tuple[Request, ...]:
    return replace(trial, sent=tuple(sent)).asked
