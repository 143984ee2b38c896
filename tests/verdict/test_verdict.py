"""The exit code matrix, levels, and planned = reported."""

from itertools import combinations

import pytest
from verdict.builders import check, lint, route, tool

from seatrial.model.outcomes import ExitCode, Level, Outcome, State, ToolState
from seatrial.model.result import Judged, Result, StaleEntry
from seatrial.verdict.verdict import codes, decide, reconcile, relevel


def passing():
    return Result(checks=[check("HDR001", "GET /", Outcome.PASS)])


def blocked(result):
    result.findings.append(Judged(route(), State.NEW))


def broken(result):
    result.tools.append(tool("mypy", ToolState.BROKEN))


def inconclusive(result):
    result.inconclusive.append("the canary was banned")


def stale(result):
    result.stale.append(StaleEntry("baseline", "HDR001", "GET /", "no longer found"))


MAKERS = {
    ExitCode.BROKEN: broken,
    ExitCode.BLOCKED: blocked,
    ExitCode.INCONCLUSIVE: inconclusive,
    ExitCode.STALE: stale,
}
ORDER = [ExitCode.BROKEN, ExitCode.BLOCKED, ExitCode.INCONCLUSIVE, ExitCode.STALE]


@pytest.mark.parametrize("chosen", [c for size in range(5) for c in combinations(ORDER, size)], ids=repr)
def test_precedence_of_every_combination(chosen):
    result = passing()
    for code in chosen:
        MAKERS[code](result)
    assert set(chosen) == codes(result, strict_proof=False)
    assert decide(result, strict_proof=False) is (chosen[0] if chosen else ExitCode.PASS)


@pytest.mark.parametrize(
    ("level", "state", "code"),
    [
        (Level.BLOCK, State.NEW, ExitCode.BLOCKED),
        (Level.BLOCK, State.KNOWN, ExitCode.PASS),
        (Level.WARN, State.NEW, ExitCode.PASS),
        (Level.INFO, State.NEW, ExitCode.PASS),
    ],
)
def test_findings(level, state, code):
    result = passing()
    result.findings.append(Judged(route(level=level), state))
    assert decide(result, strict_proof=True) is code


@pytest.mark.parametrize(
    ("level", "code"),
    [("block", ExitCode.BROKEN), ("warn", ExitCode.BROKEN), ("info", ExitCode.BROKEN), ("off", ExitCode.PASS)],
)
def test_a_broken_tool_is_broken_whatever_its_level_unless_off(level, code):
    result = passing()
    result.tools.append(tool(state=ToolState.BROKEN, level=level))
    assert decide(result, strict_proof=False) is code


@pytest.mark.parametrize(
    ("outcome", "loose", "strict"),
    [
        (Outcome.PASS, ExitCode.PASS, ExitCode.PASS),
        (Outcome.FAIL, ExitCode.PASS, ExitCode.PASS),
        (Outcome.NOT_PROVED, ExitCode.PASS, ExitCode.INCONCLUSIVE),
        (Outcome.SKIPPED, ExitCode.PASS, ExitCode.PASS),
        (Outcome.BROKEN, ExitCode.BROKEN, ExitCode.BROKEN),
    ],
)
def test_checks(outcome, loose, strict):
    result = Result(checks=[check("HDR001", "GET /", outcome, "why")])
    assert (loose, strict) == (decide(result, strict_proof=False), decide(result, strict_proof=True))


def test_a_broken_harness():
    result = passing()
    result.broken.append("the host ended with signal 11")
    assert decide(result, strict_proof=False) is ExitCode.BROKEN


def test_a_run_that_looked_at_nothing_earned_no_pass():
    assert decide(Result(), strict_proof=False) is ExitCode.INCONCLUSIVE


def test_decide_does_not_change_the_result():
    result = passing()
    blocked(result)
    decide(result, strict_proof=True)
    assert result.exit_code is ExitCode.PASS


def test_relevel_by_rule_then_by_tool_and_off_drops():
    findings = [route(), lint(), lint(rule="ruff:F401"), route(rule="SQL001")]
    levels = {"HDR001": Level.INFO, "ruff": Level.WARN, "ruff:F401": Level.BLOCK, "SQL001": Level.OFF}
    assert [(finding.rule, finding.level) for finding in relevel(findings, levels)] == [
        ("HDR001", "info"),
        ("ruff:S307", "warn"),
        ("ruff:F401", "block"),
    ]
    assert findings == relevel(findings, {})


class TestReconcile:
    PLAN = (("A", "x"), ("B", "x"), ("A", "y"))

    def test_what_was_planned_and_left_nothing_is_not_proved(self):
        checks = reconcile(self.PLAN, [check("B", "x", Outcome.PASS)])
        assert [(one.rule, one.subject, one.outcome) for one in checks] == [
            ("B", "x", "pass"),
            ("A", "x", "not_proved"),
            ("A", "y", "not_proved"),
        ]
        assert checks[1].reason == "planned, but did not run: the run ended before it reported"

    def test_the_reason_says_why(self):
        assert (
            reconcile([("A", "x")], [], why="the time was up")[0].reason == "planned, but did not run: the time was up"
        )

    def test_what_was_not_planned_is_kept(self):
        extra = check("Z", "z", Outcome.FAIL)
        assert [extra] == reconcile([], [extra])

    def test_planned_twice_must_be_answered_twice(self):
        checks = reconcile([("A", "x"), ("A", "x")], [check("A", "x", Outcome.PASS)])
        assert [one.outcome for one in checks] == ["pass", "not_proved"]

    def test_a_complete_run_is_left_alone(self):
        reported = [check(rule, subject, Outcome.PASS) for rule, subject in self.PLAN]
        assert reported == reconcile(iter(self.PLAN), iter(reported))
