"""Short makers of findings, checks and tool runs."""

from collections.abc import Iterable

from seatrial.model.findings import Check, Finding, Place
from seatrial.model.outcomes import Level, Outcome, ToolState
from seatrial.model.result import ToolRun
from seatrial.verdict.baseline import Applied, Baseline, Finished, accept, apply


def lint(
    line: int = 10,
    text: str = "eval(user_input)",
    *,
    rule: str = "ruff:S307",
    path: str = "app/views.py",
    subject: str = "",
    level: Level = Level.BLOCK,
    message: str = "use of eval",
    tool: str = "ruff",
) -> Finding:
    """A finding of a tool, on a line."""
    return Finding(
        rule=rule,
        name="eval-used",
        level=level,
        subject=subject or path,
        message=message,
        place=Place(path, line, text),
        tool=tool,
    )


def route(
    subject: str = "GET /items/ items.index [owner]",
    *,
    rule: str = "HDR001",
    level: Level = Level.BLOCK,
    detail: str = "",
    message: str = "no CSP",
    remedy: str = "Send one.",
    place: Place | None = None,
) -> Finding:
    """A finding of ours, on a route."""
    return Finding(
        rule=rule,
        name="csp-missing",
        level=level,
        subject=subject,
        message=message,
        remedy=remedy,
        place=place,
        detail=detail,
    )


def check(rule: str, subject: str, outcome: Outcome = Outcome.FAIL, reason: str = "") -> Check:
    return Check(rule, subject, outcome, reason)


def tool(
    name: str = "ruff", state: ToolState = ToolState.FINDINGS, *, level: str = "block", message: str = ""
) -> ToolRun:
    return ToolRun(name, "1.0", state, 1, 0.5, message, level)


RUFF = Finished.of([], [tool()])
"""ruff ran to its end; nothing else ran."""


def known(findings: Iterable[Finding], finished: Finished = RUFF) -> Baseline:
    """A baseline that covers exactly these findings."""
    found = list(findings)
    return accept(Baseline(), apply(Baseline(), found, finished).judged, finished, all=True, reason="legacy")


def new(applied: Applied) -> list[Finding]:
    return [judged.finding for judged in applied.judged if judged.state == "new"]
