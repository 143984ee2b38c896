"""From a result to one exit code."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from seatrial.model.findings import Check, Finding
from seatrial.model.outcomes import ExitCode, Level, Outcome, ToolState, worst
from seatrial.model.result import Result

NOTHING_RAN = "nothing was checked: no check was planned and no tool was run"


def decide(result: Result, *, strict_proof: bool) -> ExitCode:
    """The exit code that wins: 2, 3, 1, 5, 4 in this order, else 0. Does not change the result."""
    return worst(codes(result, strict_proof=strict_proof))


def codes(result: Result, *, strict_proof: bool) -> set[ExitCode]:
    """Every exit code that applies. Configuration mistakes never get here: they end the command before."""
    applying = {
        # Whatever the gate's level, unless it is off: a warning that could not be looked for is not "no warning".
        ExitCode.BROKEN: bool(result.broken)
        or any(tool.state is ToolState.BROKEN and tool.level != Level.OFF for tool in result.tools)
        or any(check.outcome is Outcome.BROKEN for check in result.checks),
        ExitCode.BLOCKED: any(judged.blocks for judged in result.findings),
        ExitCode.INCONCLUSIVE: bool(result.inconclusive) or nothing_ran(result) or (strict_proof and unproved(result)),
        ExitCode.STALE: bool(result.stale),
    }
    return {code for code, applies in applying.items() if applies}


def nothing_ran(result: Result) -> bool:
    """A run that looked at nothing (a filter that matches nothing) has earned no pass."""
    return not result.checks and not result.tools and not result.findings


def unproved(result: Result) -> bool:
    return any(check.outcome is Outcome.NOT_PROVED for check in result.checks)


def relevel(findings: Iterable[Finding], levels: Mapping[str, Level]) -> list[Finding]:
    """Findings at the levels that the configuration gives to their rule, else to their tool; `off` drops them.

    Tell `Finished.of` the same levels: a rule that is off must not prove its debt paid.
    """
    releveled: list[Finding] = []
    for finding in findings:
        level = levels.get(finding.rule) or levels.get(finding.tool) or finding.level
        if level is not Level.OFF:
            releveled.append(finding if level is finding.level else replace(finding, level=level))
    return releveled


def reconcile(
    planned: Iterable[tuple[str, str]],
    reported: Iterable[Check],
    *,
    why: str = "the run ended before it reported",
) -> list[Check]:
    """Planned = reported: what was planned as (rule, subject) and left no check is not proved, never absent.

    Returns:
        The reported checks in their order, then the missing ones in the order of the plan. A question planned twice
        (two profiles) must be answered twice.
    """
    checks = list(reported)
    answered = Counter((check.rule, check.subject) for check in checks)
    for rule, subject in planned:
        if answered[rule, subject] > 0:
            answered[rule, subject] -= 1
        else:
            checks.append(Check(rule, subject, Outcome.NOT_PROVED, f"planned, but did not run: {why}"))
    return checks
