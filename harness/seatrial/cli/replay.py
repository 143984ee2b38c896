"""`seatrial check --replay FINGERPRINT[#n]`: one finding again, on its subject alone, with the evidence shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from seatrial import rules
from seatrial.cli.guards import GuardRun
from seatrial.cli.selection import Selection
from seatrial.cli.structure import Reading
from seatrial.cli.work import work
from seatrial.config import Settings, hide, secrets
from seatrial.database.folder import WatchedFolder
from seatrial.host import copies
from seatrial.model.errors import ConfigurationError
from seatrial.model.findings import Finding
from seatrial.model.outcomes import ExitCode, Outcome, State
from seatrial.model.result import Judged
from seatrial.reports.order import finding_order
from seatrial.reports.progress import Progress
from seatrial.reports.replayed import Replayed
from seatrial.verdict import baseline
from seatrial.verdict.outcome import Collected
from seatrial.verdict.verdict import relevel

SHORTEST, LONGEST = 6, 16
LIST = "list them with `seatrial check --json FILE` (findings, fingerprint)"


@dataclass(frozen=True, slots=True)
class Known:
    """One finding of an earlier run: of a result file, or of the baseline."""

    fingerprint: str
    rule: str
    subject: str


def replay(
    settings: Settings, wanted: str, only: str, route: str | None, result: Path | None, progress: Progress
) -> Replayed:
    """Run what can bring the finding home, until it is seen.

    Args:
        wanted: The beginning of a fingerprint, with `#n` for the n-th finding that has it.
        only, route: Where to look, as for `seatrial check`; empty: everywhere.
        result: A file written with `--json`, to look the fingerprint up in.

    Raises:
        ConfigurationError: It is no fingerprint, of several findings, of a tool, or of nothing that is known.
    """
    prefix, number = _parsed(wanted)
    known = [*_in_result(result), *_in_baseline(settings)]
    met = _one([one for one in known if one.fingerprint.startswith(prefix)], prefix)
    subject = ""
    if met:
        only = met[0].rule
        met, number = _numbered(met, number)
        subject = met[0].subject if len({one.subject for one in met}) == 1 else ""
    named = bool(met) or (bool(only) and {word.strip().upper() for word in only.split(",")} <= _codes())
    selection = Selection.parse(only, "", settings)
    if not selection.rules and not selection.static:
        raise ConfigurationError(f"--replay: {only} selects no rule: name a rule or its family (`seatrial rules`)")
    means = tuple(f"{one.rule} {one.subject}" for one in met)
    # Reading the source takes less than building the app, which is asked where the source does not show it.
    collected = _of_source(settings, selection, progress, built=not selection.rules)
    found, seen = _seen(settings, collected, prefix)
    if selection.rules and len(seen) < max(number, 1):
        arguments = selection.arguments(route)
        arguments += ["--seatrial-replay", f"{prefix}#{number}"] + (["--seatrial-subject", subject] if subject else [])
        run, collected = _run(settings, arguments, progress)
        means = run.means or means
        found, seen = _seen(settings, collected, prefix)
    if len(seen) >= max(number, 1):
        return _reproduced(seen[max(number, 1) - 1])
    if not means and not named and not seen and not collected.broken:
        raise ConfigurationError(_unknown(prefix, [*(f.fingerprint for f in found), *(k.fingerprint for k in known)]))
    return _lost(prefix, number, len(seen), means, collected)


def _parsed(wanted: str) -> tuple[str, int]:
    match = re.fullmatch(rf"([0-9a-f]{{{SHORTEST},{LONGEST}}})(?:#([1-9]\d{{0,3}}))?", wanted.strip().lower())
    if match is None:
        raise ConfigurationError(
            f"--replay: {wanted!r} is no fingerprint: {SHORTEST} to {LONGEST} digits of 0-9 and a-f, "
            f"with #2 for the second finding that has it; {LIST}"
        )
    return match[1], int(match[2] or 0)


def _codes() -> set[str]:
    return {rule.code for rule in rules.registered()}


def _seen(settings: Settings, collected: Collected, prefix: str) -> tuple[list[Finding], list[Finding]]:
    """All findings as a report shows them, and those with the fingerprint in its order."""
    secret = secrets(settings)
    found = [replace(f, message=hide(f.message, secret)) for f in relevel(collected.findings, dict(settings.rules))]
    seen = sorted((f for f in found if f.fingerprint.startswith(prefix)), key=lambda f: finding_order(_judged(f)))
    _one([Known(f.fingerprint, f.rule, f.subject) for f in seen], prefix)
    return found, seen


def _of_source(settings: Settings, selection: Selection, progress: Progress, *, built: bool) -> Collected:
    """What the static rules say; of the built app's url map where `built`, which takes longer."""
    if not selection.static:
        return Collected()
    progress.stage("judging the source")
    reading = Reading(settings, selection.static)
    if built and selection.needs_map:
        selection = replace(selection, tools=())
        return work(settings, selection, progress, selection.arguments(None), guarded=True, judge=reading.judge)[0]
    collected = Collected()
    reading.judge(collected, None)
    return collected


def _run(settings: Settings, arguments: list[str], progress: Progress) -> tuple[GuardRun, Collected]:
    watched = WatchedFolder("replay")
    run: GuardRun | None = None
    try:
        run = GuardRun(settings, watched.path, arguments, progress)
        return run, run.wait()
    except BaseException:
        if run is not None:
            run.cancel()
        raise
    finally:
        copies.remove(watched.path)
        watched.close()


# ---------------------------------------------------------------------- what earlier runs know
def _in_result(file: Path | None) -> list[Known]:
    if file is None:
        return []
    try:
        findings = json.loads(file.read_text(encoding="utf-8"))["findings"]
        return [Known(f["fingerprint"], f["rule"], f["subject"]) for f in findings]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"--result: {file} is no result of `seatrial check --json` ({error}): write one, or leave the option away"
        ) from error


def _in_baseline(settings: Settings) -> list[Known]:
    entries = baseline.load(settings.state_folder / "baseline.tsv").entries.values()
    return [Known(entry.fingerprint, entry.rule, entry.subject) for entry in entries]


def _one(met: list[Known], prefix: str) -> list[Known]:
    """All of one fingerprint, and of the guards."""
    several = sorted({f"{one.fingerprint} ({one.rule})" for one in met})
    if len(several) > 1:
        raise ConfigurationError(f"--replay: {prefix} begins {', '.join(several[:5])}: give more of its digits")
    if tools := {one.rule.partition(":")[0] for one in met if ":" in one.rule}:
        (tool,) = tools
        raise ConfigurationError(f"--replay: {prefix} was found by {tool}: run `seatrial check --only {tool}`")
    return met


def _numbered(met: list[Known], number: int) -> tuple[list[Known], int]:
    """Those that can be meant, and the number among them on that subject."""
    met = list(dict.fromkeys(met)) if not number else met
    if not 0 < number <= len(met):
        return met, number
    one = met[number - 1]
    return [one], sum(other.subject == one.subject for other in met[:number])


# ---------------------------------------------------------------------- how it ended
def _judged(finding: Finding) -> Judged:
    return Judged(finding, State.NEW)


def _reproduced(finding: Finding) -> Replayed:
    sentence = f"{finding.rule} was seen again: {finding.subject}"
    return Replayed(finding.fingerprint, ExitCode.BLOCKED, sentence, finding)


def _lost(prefix: str, number: int, seen: int, means: tuple[str, ...], collected: Collected) -> Replayed:
    checks = collected.reconciled()
    doubtful = [check for check in checks if check.outcome in (Outcome.BROKEN, Outcome.NOT_PROVED)]
    broken = [*collected.broken, *(check.reason for check in doubtful if check.outcome is Outcome.BROKEN)]
    if broken:
        code, sentence = ExitCode.BROKEN, broken[0]
    elif collected.inconclusive or doubtful or not checks:
        code = ExitCode.INCONCLUSIVE
        why = [*collected.inconclusive, *(check.reason for check in doubtful), "nothing was left to ask"]
        sentence = f"it could not be tried: {why[0]}"
    elif seen:
        code, sentence = ExitCode.PASS, f"{prefix} was seen {seen} times, so there is no #{number}"
    else:
        code, sentence = ExitCode.PASS, f"no finding with {prefix} was seen in {_amount(len(checks))}"
    return Replayed(prefix, code, sentence, None, means, tuple(doubtful or checks))


def _amount(checks: int) -> str:
    return "1 check" if checks == 1 else f"{checks:,} checks"


def _unknown(prefix: str, fingerprints: Iterable[str]) -> str:
    by_start = {found[: len(prefix)]: found for found in fingerprints}
    near = [by_start[start] for start in get_close_matches(prefix, by_start, n=3, cutoff=0.7)]
    close = f"; near ones: {', '.join(near)}" if near else ""
    return (
        f"--replay: no finding, route or line of the project has a fingerprint that begins with {prefix}, "
        f"so it is mistyped or its line was changed since: {LIST}, or name its rule with --only{close}"
    )
