"""A smoke as the result that every command reports, on the terminal, and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.text import Text

from seatrial.model.findings import Check, Finding
from seatrial.model.outcomes import ExitCode, Level, Outcome, State
from seatrial.model.result import Judged, Result
from seatrial.reports import grouping, json_report
from seatrial.reports.marks import plain
from seatrial.reports.rows import line
from seatrial.reports.sheet import Sheet
from seatrial.smoke.course import Smoked
from seatrial.verdict.verdict import decide, relevel

SHOWN = 6
"""Subjects of one rule that are listed."""
LONGEST = 400
"""Characters of a cell."""
_STYLES = {Level.BLOCK: "red", Level.WARN: "yellow", Level.INFO: "blue"}
_MARKS = {Level.BLOCK: "block", Level.WARN: "warn", Level.INFO: "info"}


def result_of(found: Sequence[Smoked], levels: Mapping[str, Level]) -> Result:
    """One result of all deployments; where there are several, each subject says whose it is."""
    several = len(found) > 1
    result = Result(target={"urls": [one.plan.base.url for one in found]})
    for one in found:
        whose = f"{one.plan.base.netloc}: " if several else ""
        result.checks += [replace(check, subject=f"{whose}{check.subject}") for check in one.checks]
        findings = relevel((f for judgement in one.judgements for f in judgement.findings), levels)
        result.findings += [Judged(replace(f, subject=f"{whose}{f.subject}"), State.NEW) for f in findings]
        result.routes += one.rows
        result.inconclusive += one.inconclusive
    result.elapsed_s = max((one.elapsed_s for one in found), default=0.0)
    result.exit_code = decide(result, strict_proof=False)
    return result


def to_json(result: Result, found: Sequence[Smoked]) -> str:
    """The result in its published shape, with `smoke` beside it."""
    document = json_report.to_json(result)
    document["smoke"] = {"degraded": degraded(result), "deployments": [_deployment(one) for one in found]}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _deployment(one: Smoked) -> dict[str, Any]:
    readiness, tls = one.readiness, one.tls
    return {
        "url": one.plan.base.url,
        "ready": readiness.ready,
        "ready_after_ms": round(readiness.waited_ms),
        "asks": readiness.asks,
        "commits": dict(sorted(one.commits.items())),
        "tls": None if tls.plain else {"version": tls.version, "days_left": tls.days_left, "problem": tls.problem},
        "routes": len(one.visits),
        "stopped": one.why,
        "elapsed_s": round(one.elapsed_s, 3),
    }


def degraded(result: Result) -> bool:
    """A pass with warnings."""
    return result.exit_code is ExitCode.PASS and any(j.finding.level is Level.WARN for j in result.findings)


# ---------------------------------------------------------------------- terminal
def render(result: Result, found: Sequence[Smoked], console: Console) -> None:
    """The report in a terminal."""
    sheet = Sheet(console)
    for one in found:
        sheet.text(Text(sheet.say(f"{one.plan.base.url}  {told(one)}")))
    for group in grouping.groups(result, per_rule=SHOWN, in_all=200):
        sheet.blank()
        head = Text.assemble((sheet.say(group.rule), f"bold {_STYLES[group.level]}"), " ", sheet.say(group.name))
        sheet.sides(head, Text(f"{group.level.value} {sheet.glyphs.dot} {group.new:,}", style="dim"))
        for cluster in group.clusters:
            marker = Text(getattr(sheet.glyphs, _MARKS[cluster.level]), style=_STYLES[cluster.level])
            sheet.text(Text(sheet.say(cluster.message)), 2, marker=marker)
            for finding in cluster.findings:
                sheet.text(Text(sheet.say(finding.subject), style="dim"), 4)
            if cluster.more:
                sheet.text(Text(f"and {cluster.more:,} more of the same", style="dim"), 4)
        if group.hidden:
            sheet.text(Text(f"and {group.hidden:,} more with --json FILE", style="dim"), 4)
        arrow = Text(sheet.glyphs.arrow, style="green")
        sheet.sides(
            Text(sheet.say(group.remedy)), Text(f"seatrial explain {group.rule}", style="bold"), 2, marker=arrow
        )
    unproved = grouping.reasons(result.checks, Outcome.NOT_PROVED)
    if unproved:
        sheet.section("Not proved", count=sum(r.count for r in unproved), style="magenta", explained="neither way")
    for reason in unproved[:SHOWN]:
        codes = ", ".join(code for code, _ in reason.rules[:SHOWN])
        sheet.sides(
            Text(sheet.say(reason.text)),
            Text(codes, style="dim"),
            2,
            marker=Text(f"{reason.count:>3}", style="magenta"),
        )
    for sentence in result.inconclusive:
        sheet.blank()
        sheet.text(Text(sheet.say(sentence)), marker=Text(sheet.glyphs.warn, style="yellow"))
    sheet.ruler()
    word, style = verdict(result)
    sheet.text(Text(sheet.say(f"{word}  {sentence_of(result)}"), style=f"bold {style}"))


def told(one: Smoked) -> str:
    """What is known of a deployment, in one line."""
    if not one.readiness.ready:
        return f"not ready: it {one.readiness.last}"
    parts = [f"ready after {one.readiness.waited_ms / 1000:.1f} s", f"{len(one.visits)} routes"]
    if one.commits:
        parts.append("commit " + ", ".join(commit[:12] for commit in sorted(one.commits)))
    if one.tls.version:
        days = "" if one.tls.days_left is None else f", {one.tls.days_left} days left"
        parts.append(f"{one.tls.version}{days}")
    return ", ".join(parts)


def verdict(result: Result) -> tuple[str, str]:
    """(word, style)."""
    match result.exit_code:
        case ExitCode.PASS:
            return ("DEGRADED", "yellow") if degraded(result) else ("PASS", "green")
        case ExitCode.INCONCLUSIVE:
            return "INCONCLUSIVE", "yellow"
        case ExitCode.BLOCKED:
            return "FAIL", "red"
        case _:
            return "BROKEN", "red"


def sentence_of(result: Result) -> str:
    """The verdict in words, with the numbers behind it."""
    counts = result.outcomes()
    blocking = sorted({judged.finding.rule for judged in result.findings if judged.blocks})
    warning = sorted({j.finding.rule for j in result.findings if j.finding.level is Level.WARN})
    seen = (
        f"{counts['pass']:,} of {sum(counts.values()) - counts['skipped']:,} checks passed in {result.elapsed_s:.1f} s"
    )
    if blocking:
        return f"{', '.join(blocking)}; {seen}"
    return f"{seen}, with warnings of {', '.join(warning)}" if warning else seen


# ---------------------------------------------------------------------- Markdown
def markdown(result: Result, found: Sequence[Smoked]) -> str:
    """For a comment or a chat: the verdict, then what was found."""
    word, _ = verdict(result)
    lines = [f"## Smoke: {word}", "", _cell(sentence_of(result)), ""]
    lines += [f"* `{one.plan.base.url}`: {_cell(told(one))}" for one in found]
    rows = [judged.finding for judged in result.findings]
    if rows:
        lines += ["", "| level | rule | subject | what was seen |", "|---|---|---|---|"]
    for finding in sorted(rows, key=lambda one: (list(Level).index(one.level), one.rule, one.subject))[:50]:
        lines.append(_row(finding))
    if len(rows) > 50:
        lines += ["", f"… and {len(rows) - 50} more (`--json`)"]
    unproved = [check for check in result.checks if check.outcome is Outcome.NOT_PROVED]
    if unproved:
        lines += ["", f"<details><summary>{len(unproved)} not proved</summary>", ""]
        lines += [f"* {_cell(_unproved(check))}" for check in unproved[:50]]
        lines += ["", "</details>"]
    lines += [f"\n**{_cell(sentence)}**" for sentence in result.inconclusive]
    return "\n".join(lines) + "\n"


def _row(finding: Finding) -> str:
    cells = (finding.level.value, f"{finding.rule} {finding.name}", finding.subject, finding.message)
    return f"| {' | '.join(map(_cell, cells))} |"


def _unproved(check: Check) -> str:
    return f"{check.rule} {check.subject}: {check.reason}"


def _cell(text: str) -> str:
    """Text of a deployment in a table: it stays text."""
    told = line(text)
    return plain(told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…")
