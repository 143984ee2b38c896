"""The verdict in one sentence, and what to do next: pure functions over a result."""

from collections import Counter
from dataclasses import dataclass, replace

from seatrial.model.outcomes import ExitCode, Level, Outcome, State, ToolState
from seatrial.model.result import Judged, Result
from seatrial.verdict.verdict import NOTHING_RAN, nothing_ran

ALL_FROM = 4
"""Blocking rules from which taking them in one by one is no longer sensible advice."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. The command, where there is one, can be pasted as it stands."""

    text: str
    command: str = ""


def title(result: Result) -> str:
    match result.exit_code:
        case ExitCode.PASS:
            return "PASS"
        case ExitCode.BLOCKED:
            return "BLOCKED"
        case ExitCode.CONFIGURATION:
            return "CONFIGURATION"
        case ExitCode.BROKEN:
            return "BROKEN"
        case ExitCode.STALE:
            return "STALE"
        case ExitCode.INTERRUPTED:
            return "INTERRUPTED"
        case _:
            return "INCONCLUSIVE" if result.inconclusive or nothing_ran(result) else "NOT PROVED"


def sentence(result: Result) -> str:
    """Why the verdict is what it is, in at most two clauses."""
    match result.exit_code:
        case ExitCode.PASS:
            return _pass_sentence(result)
        case ExitCode.BLOCKED:
            return _blocking_sentence(result)
        case ExitCode.BROKEN:
            also = f"; besides, {_blocking_sentence(result)}" if _blocking(result) else ""
            return f"{_broken_things(result)} could not finish, and a crash is not clean{also}"
        case ExitCode.STALE:
            return f"{_count(len(result.stale), 'entry', 'entries')} listed as debt that is paid"
        case ExitCode.INCONCLUSIVE if nothing_ran(result) and not result.inconclusive:
            return NOTHING_RAN
        case ExitCode.INCONCLUSIVE if result.inconclusive:
            return "the trial could not be held"
        case ExitCode.INCONCLUSIVE:
            unproved = _count(result.outcomes()[Outcome.NOT_PROVED], "check")
            return f"{unproved} proved nothing, and --strict-proof asks for proof"
        case ExitCode.CONFIGURATION:
            return "the configuration cannot be used"
        case _:
            return "interrupted; what was planned and did not run is not proved"


def next_steps(result: Result, where: str = "") -> list[Step]:
    """One to three steps; none after a pass that leaves nothing to do.

    `where`: the target and the configuration file as they were given, so that a command can be pasted as it stands.
    """
    return [replace(step, command=aimed(step.command, where)) for step in _steps(result)]


def aimed(command: str, where: str) -> str:
    """A command of ours with the target and the configuration file in it."""
    words = command.split(" ")
    if not where or words[0] != "seatrial" or words[1] == "explain":
        return command
    verbs = 3 if words[1] in ("baseline", "budgets") else 2
    return " ".join([*words[:verbs], where, *words[verbs:]])


def _steps(result: Result) -> list[Step]:
    match result.exit_code:
        case ExitCode.PASS:
            return _after_pass(result)
        case ExitCode.BLOCKED:
            return _after_blocked(result)
        case ExitCode.BROKEN:
            return _after_broken(result)
        case ExitCode.STALE:
            return [Step("Take the paid debt off the list, then commit .seatrial/", "seatrial baseline prune")]
        case ExitCode.INCONCLUSIVE if nothing_ran(result) and not result.inconclusive:
            return [Step("See what there is to check, then widen --only, --skip or --route", "seatrial routes")]
        case ExitCode.INCONCLUSIVE if result.inconclusive:
            return [Step("Mend what the report calls inconclusive, then run again", "seatrial check")]
        case ExitCode.INCONCLUSIVE:
            return [
                Step("Give the checks under “Not proved” what their reasons ask for, then run again"),
                Step("Or go on without asking for proof", "seatrial check"),
            ]
        case ExitCode.INTERRUPTED:
            return [Step("Run again", "seatrial check")]
        case _:
            return []


def _after_pass(result: Result) -> list[Step]:
    steps: list[Step] = []
    if result.pruned:
        steps.append(Step("Commit the baseline that just shrank", "git add .seatrial && git commit"))
    if result.outcomes()[Outcome.NOT_PROVED]:
        steps.append(Step("Ask for proof of what is not proved", "seatrial check --strict-proof"))
    if warnings := _new(result, Level.WARN):
        code = _most(warnings)
        steps.append(Step("See what a warning means and how it is mended", _explain(code)))
    return steps[:3]


def _after_blocked(result: Result) -> list[Step]:
    blocking = _blocking(result)
    code = _most(blocking)
    rules = {judged.finding.rule for judged in blocking}
    scope = f"--rule {code}" if len(rules) < ALL_FROM else "--all"
    steps = [
        Step("Mend what blocks, beginning with the first", _explain(code)),
        Step("Legacy debt that must wait", f'seatrial baseline accept {scope} --reason "…"'),
    ]
    if result.stale:
        steps.append(Step("Then take the paid debt off the list", "seatrial baseline prune"))
    return steps


def _after_broken(result: Result) -> list[Step]:
    steps = [
        Step("Mend what is listed under “Broken”, then run again; the baseline was left as it is", "seatrial check")
    ]
    if broken := _broken_tools(result):
        steps.append(Step(f'Not in use here? Set `{broken[0]} = "off"` under [tool.seatrial.gates]'))
    if code := _most(_blocking(result)):
        steps.append(Step("What blocks meanwhile", _explain(code)))
    return steps


def _explain(code: str) -> str:
    """How to read about a code. Only ruff of the external tools explains its own."""
    tool, _, rest = code.partition(":")
    if not rest:
        return f"seatrial explain {code}" if code else ""
    return f"ruff rule {rest}" if tool == "ruff" else f"seatrial check --only {tool}"


def _broken_tools(result: Result) -> list[str]:
    return [tool.name for tool in result.tools if tool.state is ToolState.BROKEN and tool.level != Level.OFF]


def _broken_things(result: Result) -> str:
    checks = result.outcomes()[Outcome.BROKEN]
    things = _broken_tools(result)
    things += [_count(checks, "check")] if checks else []
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things) or "the run"


def _pass_sentence(result: Result) -> str:
    warnings = len(_new(result, Level.WARN))
    known = sum(1 for judged in result.findings if judged.state is State.KNOWN)
    parts = [f"{_count(warnings, 'warning')}"] if warnings else []
    parts += [f"{_count(known, 'known finding')} in the baseline"] if known else []
    return "nothing new that blocks" + (f"; {', '.join(parts)}" if parts else "")


def _blocking_sentence(result: Result) -> str:
    blocking = _blocking(result)
    rules = {judged.finding.rule for judged in blocking}
    verb = "blocks" if len(blocking) == 1 else "block"
    return f"{_count(len(blocking), 'new finding')} of {_count(len(rules), 'rule')} {verb}"


def _blocking(result: Result) -> list[Judged]:
    return [judged for judged in result.findings if judged.blocks]


def _new(result: Result, level: Level) -> list[Judged]:
    return [judged for judged in result.findings if judged.state is State.NEW and judged.finding.level is level]


def _most(findings: list[Judged]) -> str:
    """The code with the most findings, the one a reader sees first; empty where there are none."""
    counts = Counter(judged.finding.rule for judged in findings)
    return min(counts, key=lambda code: (-counts[code], code), default="")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
