"""The report on the terminal: what was under trial, what was found, what it comes to, what to do next.

The last lines are the ones that stay on the screen, so the verdict stands there; details stand above it, worst first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from seatrial import __version__
from seatrial.model.findings import Finding
from seatrial.model.outcomes import ExitCode, Level, Outcome, State, ToolState
from seatrial.model.result import Result, RouteRow, ToolRun
from seatrial.reports import advice, grouping
from seatrial.reports.json_report import broken_sentences
from seatrial.reports.sheet import Sheet

PER_RULE = 10
IN_ALL = 200
REASONS = 8
ROUTES = 8
CODES = 6
NOTES = 20

_LEVEL_STYLE = {Level.BLOCK: "red", Level.WARN: "yellow", Level.INFO: "blue", Level.OFF: "dim"}
_LEVEL_TITLE = {Level.BLOCK: "Blocking", Level.WARN: "Warnings", Level.INFO: "Info", Level.OFF: "Off"}
_VERDICT_STYLE = {ExitCode.PASS: "green", ExitCode.INCONCLUSIVE: "yellow", ExitCode.STALE: "yellow"}
_STATE_STYLE = {ToolState.OK: "green", ToolState.FINDINGS: "yellow", ToolState.BROKEN: "red"}
_OUTCOMES = (
    (Outcome.PASS, "passed", "green"),
    (Outcome.FAIL, "failed", "red"),
    (Outcome.NOT_PROVED, "not proved", "magenta"),
    (Outcome.SKIPPED, "skipped", "dim"),
    (Outcome.BROKEN, "broken", "red"),
)


def render(
    result: Result,
    console: Console,
    *,
    claims: Mapping[str, str] | None = None,
    whole: str = "",
    where: str = "",
    per_rule: int = PER_RULE,
    in_all: int = IN_ALL,
) -> None:
    """Print the report.

    Args:
        result: With its exit code set.
        console: From `pen.make_console`.
        claims: One sentence by rule code, from the registry.
        whole: File that everything was written to, for the lines that say how to see more.
        where: Target and configuration file as given on the command line, for commands to paste.
        per_rule: Findings shown of one rule.
        in_all: Findings shown of all rules.
    """
    sheet = Sheet(console)
    more = f"in {whole}" if whole else "with --json FILE"
    _header(sheet, result, more)
    shown = grouping.groups(result, per_rule=per_rule, in_all=in_all)
    # As many as the verdict says: what only warns is no blocking finding because its rule has one, too.
    counts = Counter(judged.finding.level for judged in result.findings if judged.state is State.NEW)
    _findings(sheet, shown, counts, claims or {}, more, grouping.handles(result), where)
    _known_debt(sheet, result)
    _reasons(sheet, result, Outcome.NOT_PROVED, "Not proved", "magenta", "neither passed nor failed", more)
    _reasons(sheet, result, Outcome.SKIPPED, "Skipped", "dim", "left out on purpose", more)
    _sentences(sheet, "Broken", "red", broken_sentences(result))
    _reasons(sheet, result, Outcome.BROKEN, "Broken checks", "red", "could not finish", more)
    _sentences(sheet, "Inconclusive", "yellow", result.inconclusive)
    _stale(sheet, result, more)
    _tools(sheet, result.tools)
    _routes(sheet, result.routes, more)
    _verdict(sheet, result, where)


def _header(sheet: Sheet, result: Result, more: str) -> None:
    target = result.target
    name = next((str(target[key]) for key in ("name", "app", "root") if target.get(key)), "")
    first = Text.assemble(("seatrial", "bold"), " ", (__version__, "dim"))
    if name:
        first.append("  ").append(sheet.say(name), style="bold cyan")
    known = ((key, _listed(target.get(key))) for key in ("profiles", "database", "identities"))
    parts = [Text.assemble((f"{key} ", "dim"), sheet.say(value)) for key, value in known if value]
    sheet.parts([first, *parts], indent=2)
    if result.notes:
        sheet.blank()
    for note in result.notes[:NOTES]:
        sheet.text(Text(sheet.say(note), style="dim"), 2, marker=Text("note", style="cyan"))
    _hidden(sheet, len(result.notes) - NOTES, more)


def _findings(
    sheet: Sheet,
    groups: Sequence[grouping.Group],
    counts: Mapping[Level, int],
    claims: Mapping[str, str],
    more: str,
    handles: Mapping[int, str],
    where: str,
) -> None:
    section: Level | None = None
    for group in groups:
        if group.level is not section:
            section = group.level
            sheet.section(_LEVEL_TITLE[section], count=counts[section], style=_LEVEL_STYLE[section])
        _group(sheet, group, claims.get(group.rule, ""), more, handles)
        if group.clusters and (handle := handles.get(id(first := group.clusters[0].findings[0]), "")):
            command, narrowed = grouping.replaying(first, handle)
            sheet.command(f"{advice.aimed(command, where)} {narrowed}".rstrip(), 4)


def _group(sheet: Sheet, group: grouping.Group, claim: str, more: str, handles: Mapping[int, str]) -> None:
    sheet.blank()
    head = Text(sheet.say(group.rule), style=f"bold {_LEVEL_STYLE[group.level]}")
    if group.name:
        head = Text.assemble(head, " ", sheet.say(group.name))
    lesser = f" ({group.lesser:,} of a lower level)" if group.lesser else ""
    known = f", {group.known:,} known" if group.known else ""
    sheet.sides(head, Text(f"{group.level.value} {sheet.glyphs.dot} {group.new:,} new{lesser}{known}", style="dim"))
    if claim:
        sheet.text(Text(sheet.say(claim), style="dim italic"), 2)
    for cluster in group.clusters:
        _cluster(sheet, cluster, handles, mixed=cluster.level is not group.level)
    _hidden(sheet, group.hidden, more)
    explain = f"seatrial explain {sheet.say(group.rule)}" if group.tool == "seatrial" else ""
    # Without a remedy the command takes its place: the arrow always has something to point at.
    first, second = (group.remedy, explain) if group.remedy else (explain, "")
    if first:
        style = "" if group.remedy else "bold"
        arrow = Text(sheet.glyphs.arrow, style="green")
        sheet.sides(Text(sheet.say(first), style=style), Text(second, style="bold"), 2, marker=arrow)


def _cluster(sheet: Sheet, cluster: grouping.Cluster, handles: Mapping[int, str], *, mixed: bool) -> None:
    glyphs = {Level.BLOCK: sheet.glyphs.block, Level.WARN: sheet.glyphs.warn}
    marker = Text(glyphs.get(cluster.level, sheet.glyphs.info), style=_LEVEL_STYLE[cluster.level])
    message = Text(sheet.say(cluster.message))
    if mixed:
        message.append(f" ({cluster.level.value})", style="dim")
    if len(cluster.findings) + cluster.more == 1:
        _finding(sheet, cluster.findings[0], 2, marker, handles.get(id(cluster.findings[0]), ""))
        sheet.text(message, 4)
        return
    if cluster.place:
        sheet.text(Text(sheet.say(cluster.place), style="cyan"), 2, marker=marker)
        sheet.text(message, 4)
    else:
        sheet.text(message, 2, marker=marker)
    for finding in cluster.findings:
        shown = replace(finding, place=None) if cluster.place else finding
        _finding(sheet, shown, 4, Text(sheet.glyphs.dot, style="dim"), handles.get(id(finding), ""))
    if cluster.more:
        sheet.text(Text(f"and {cluster.more:,} more of the same", style="dim"), 6)


def _finding(sheet: Sheet, finding: Finding, indent: int, marker: Text, handle: str) -> None:
    place = sheet.say(f"{finding.place.path}:{finding.place.line}") if finding.place else ""
    # A tool's finding often has its file for a subject; once is enough.
    if finding.place is not None and finding.subject == finding.place.path:
        sheet.text(Text(place, style="cyan"), indent, marker=marker)
    else:
        right = Text.assemble((place, "cyan"), "  " if place and handle else "", (handle, "dim"))
        sheet.sides(Text(sheet.say(finding.subject)), right, indent, marker=marker)


def _known_debt(sheet: Sheet, result: Result) -> None:
    debt = grouping.known_debt(result)
    if debt:
        known = grouping.where_known(result)
        sheet.section("Known debt", count=sum(count for _, count in debt), style="dim", explained=known)
        sheet.text(Text(_codes(sheet, debt, 2 * CODES), style="dim"), 2)


def _reasons(sheet: Sheet, result: Result, outcome: Outcome, title: str, style: str, explained: str, more: str) -> None:
    found = grouping.reasons(result.checks, outcome)
    if not found:
        return
    sheet.section(title, count=sum(reason.count for reason in found), style=style, explained=explained)
    digits = len(f"{found[0].count:,}")
    for reason in found[:REASONS]:
        sheet.sides(
            Text(sheet.say(reason.text), style="dim" if style == "dim" else ""),
            Text(_codes(sheet, reason.rules, CODES), style="dim"),
            2,
            marker=Text(f"{reason.count:>{digits},}", style=style),
        )
    left = found[REASONS:]
    if left:
        count = sum(reason.count for reason in left)
        sheet.text(Text(f"and {count:,} more for {len(left):,} other reasons {more}", style="dim"), 4)


def _sentences(sheet: Sheet, title: str, style: str, sentences: Sequence[str]) -> None:
    if sentences:
        sheet.section(title, count=len(sentences), style=style)
    for sentence in sentences:
        sheet.text(Text(sheet.say(sentence)), 2, marker=Text(sheet.glyphs.block, style=style))


def _stale(sheet: Sheet, result: Result, more: str) -> None:
    if not result.stale:
        return
    sheet.section("Stale", count=len(result.stale), style="yellow", explained="paid, but still listed")
    for entry in result.stale[:PER_RULE]:
        head = Text.assemble((sheet.say(entry.rule), "bold"), " ", sheet.say(entry.subject))
        sheet.text(head, 2, marker=Text(sheet.glyphs.warn, style="yellow"))
        sheet.text(Text(sheet.say(entry.message), style="dim"), 4)
    _hidden(sheet, len(result.stale) - PER_RULE, more)


def _tools(sheet: Sheet, tools: Iterable[ToolRun]) -> None:
    rows = [
        (
            sheet.say(tool.name),
            Text(sheet.say(tool.version), style="dim"),
            Text(tool.state.value, style=_STATE_STYLE[tool.state]),
            # What a broken tool printed before it died is no number to compare with.
            "" if tool.state is ToolState.BROKEN else f"{tool.findings:,}",
            _seconds(tool.elapsed_s),
            Text(sheet.say(tool.level), style="dim"),
        )
        for tool in sorted(tools, key=lambda one: one.name)
    ]
    if rows:
        sheet.section("Tools", style="dim")
        sheet.table(("tool", "version", "state", ">findings", ">time", "level"), rows)


def _routes(sheet: Sheet, routes: Sequence[RouteRow], more: str) -> None:
    dearest = grouping.dearest(routes, ROUTES)
    rows = [
        (
            "" if row.statements is None else f"{row.statements:,}",
            "" if row.rows is None else f"{row.rows:,}",
            "" if row.elapsed_ms is None else f"{row.elapsed_ms:,.1f}",
            Text("-" if row.status is None else str(row.status), style="red" if (row.status or 0) >= 500 else ""),
            Text.assemble(sheet.say(f"{row.method} {row.rule}"), (f" [{sheet.say(row.identity)}]", "dim")),
        )
        for row in dearest
    ]
    if rows:
        left = len(routes) - len(rows)
        explained = "most statements first" + (f"; {left:,} more {more}" if left else "")
        sheet.section("Routes", style="dim", explained=explained)
        sheet.table((">statements", ">rows", ">ms", "status", "route"), rows)


def _verdict(sheet: Sheet, result: Result, where: str) -> None:
    style = _VERDICT_STYLE.get(result.exit_code, "red")
    sheet.ruler()
    sheet.parts(_outcomes(result), indent=0)
    sheet.blank()
    badge = f"bold {'white' if style == 'red' else 'black'} on {style}"
    exit_code = f" exit {int(result.exit_code)} "
    marker = Text.assemble((f" {advice.title(result)} ", badge), (exit_code, "dim"))
    sheet.text(Text(sheet.say(advice.sentence(result)), style=style), marker=marker)
    steps = advice.next_steps(result, where)
    if steps:
        sheet.blank()
    for step in steps:
        sheet.text(Text(sheet.say(step.text)), 2, marker=Text(sheet.glyphs.arrow, style=style))
        if step.command:
            sheet.command(step.command, 6, style="bold")


def _outcomes(result: Result) -> list[Text]:
    counts = result.outcomes()
    parts = [Text(f"{sum(counts.values()):,} checks", style="bold")]
    for outcome, word, style in _OUTCOMES:
        # The three that a reader looks for are there even when they are none.
        if counts[outcome] or outcome in (Outcome.PASS, Outcome.FAIL, Outcome.NOT_PROVED):
            # Failures that are known debt or only warn are no alarm.
            calm = outcome is Outcome.FAIL and not any(judged.blocks for judged in result.findings)
            shown = "yellow" if calm else style
            parts.append(Text(f"{counts[outcome]:,} {word}", style=shown if counts[outcome] else "dim"))
    parts.append(Text(_seconds(result.elapsed_s), style="dim"))
    if result.pruned:
        parts.append(Text(f"{result.pruned:,} paid and pruned", style="green"))
    return parts


def _codes(sheet: Sheet, counts: Sequence[tuple[str, int]], cap: int) -> str:
    if len(counts) == 1:
        return sheet.say(counts[0][0])
    listed = ", ".join(f"{sheet.say(code)} {count:,}" for code, count in counts[:cap])
    rest = len(counts) - cap
    return f"{listed} and {rest:,} more rules" if rest > 0 else listed


def _hidden(sheet: Sheet, count: int, more: str) -> None:
    if count > 0:
        sheet.text(Text(f"and {count:,} more {more}", style="dim"), 4)


def _listed(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _seconds(elapsed_s: float) -> str:
    if elapsed_s < 60:
        return f"{elapsed_s:.1f} s"
    return f"{int(elapsed_s) // 60} min {int(elapsed_s) % 60} s"
