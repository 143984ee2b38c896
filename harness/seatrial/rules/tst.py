"""TST: the team's own tests. Judged in passive mode only (`pytest --seatrial-passive`)."""

from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.suite import Looked, Stray, TestRun
from seatrial.rules.registry import rule


@rule(
    code="TST001",
    name="request-to-nowhere",
    level=Level.BLOCK,
    claim="A passing test does not request a URL that no route serves, unless it expects 404 or 405.",
    control="it was seen what the passing test read of each such answer",
    rationale="A test that asks a URL which was renamed long ago passes for ever, and shows nothing of the app.",
    source="RFC 9110 §15.5.5 (404) and §15.5.6 (405): what they say of a request, held against the test that sent it",
    remedy="Mend the URL or the method; where no route is what the test is about, assert the status it expects.",
    passive=True,
)
def request_to_nowhere(rule: Rule, run: TestRun, _: Context) -> Judgement:
    subject = f"test {run.test}"
    if not run.passed:
        return rule.skipped(subject, "the test did not pass: its own failure comes first")
    ignored = {(stray.method, stray.path): stray for stray in run.strays if stray.looked is Looked.NOTHING}
    if ignored:
        return rule.failed(subject, *(_finding(rule, subject, stray) for stray in ignored.values()))
    for looked, why in (
        (Looked.UNSEEN, "what the test read of it was not seen: send it with app.test_client() and assert its status"),
        (Looked.BODY, "the test looked at the answer and not at its status: assert the status as well"),
    ):
        if stray := next((stray for stray in run.strays if stray.looked is looked), None):
            return rule.not_proved(subject, f"{_told(stray)}, and {why}")
    return rule.passed(subject)


def _finding(rule: Rule, subject: str, stray: Stray) -> Finding:
    return rule.finding(
        subject,
        f"A passing test must request what a route serves but {_told(stray)}, and nobody looked",
        place=stray.place,
        detail=f"{stray.method} {stray.path}",
        evidence={"request": f"{stray.method} {stray.path}", "status": stray.status, "looked_at": stray.looked.value},
    )


def _told(stray: Stray) -> str:
    what = "no route has this path" if stray.status == 404 else "no route has this path with this method"
    return f"{stray.method} {stray.path} was answered {stray.status} ({what})"
