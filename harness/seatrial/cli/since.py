"""`seatrial check --since REV`: only what that revision did not have is new.

The base is tried after the head, and with those rules and tools alone that found something new: a clean head costs
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seatrial.cli.selection import Selection
from seatrial.compare import revisions
from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError
from seatrial.model.findings import Finding
from seatrial.model.outcomes import State, ToolState
from seatrial.model.result import Result
from seatrial.verdict.baseline import OURS
from seatrial.verdict.outcome import Collected
from seatrial.verdict.renames import renames
from seatrial.verdict.since import known_there
from seatrial.verdict.verdict import decide, relevel

Try = Callable[[Settings, Selection], Collected]


def forgive(
    settings: Settings,
    revision: str,
    config_file: Path | None,
    result: Result,
    collect: Try,
    *,
    static: bool,
    strict_proof: bool,
) -> None:
    """Make known in `result` what the base has as well, and decide again.

    Args:
        collect: Runs guards and tools on a project, as it was run on the head.

    Raises:
        ConfigurationError: There is no such revision, or it does not hold the project.
    """
    with revisions.checked_out(settings.root, revision, "--since") as (folder, commit):
        base = f"{revision} ({commit[:12]})"
        new = sorted({_name(judged.finding) for judged in result.findings if judged.state is State.NEW})
        if not new:
            result.notes.append(f"nothing is new, so {base} was not tried")
            return
        before, note = revisions.settings_at(folder, settings, config_file)
        before = before.model_copy(update={"rules": settings.rules, "gates": settings.gates})
        result.notes += [note] if note else []
        try:
            there = collect(before, Selection.parse(",".join(new), "", before, static=static))
        except ConfigurationError as error:
            result.notes.append(f"{base} cannot be tried, so nothing is taken for older: {error.mistakes[0]}")
            return
    unfinished = [tool.name for tool in there.tools if tool.state is ToolState.BROKEN]
    if unfinished or there.broken:
        what = ", ".join(unfinished) or "a guard"
        result.notes.append(f"{what} did not finish at {base}: what it finds now counts as new")
    older = [finding for finding in there.findings if finding.tool not in unfinished]
    was = sum(judged.state is State.NEW for judged in result.findings)
    result.findings = known_there(
        result.findings, relevel(older, dict(settings.rules)), renames=renames(settings.root, commit)
    )
    result.target["since"] = base
    left = sum(judged.state is State.NEW for judged in result.findings)
    result.notes.append(f"of {was} new findings {base} has {was - left} as well")
    result.exit_code = decide(result, strict_proof=strict_proof)


def _name(finding: Finding) -> str:
    """What `--only` calls the rule or tool."""
    return finding.rule if finding.tool == OURS else finding.tool
