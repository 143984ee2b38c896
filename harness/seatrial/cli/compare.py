"""`seatrial compare BASE`: this working tree against a base revision, measured in turn in one run."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from seatrial.cli import options
from seatrial.compare import benchmarks, revisions, routes, signatures
from seatrial.config import Settings
from seatrial.host import copies
from seatrial.model.comparison import Comparison
from seatrial.model.errors import ConfigurationError
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import ExitCode, Level, Outcome, State
from seatrial.model.result import Judged, Result
from seatrial.reports import json_report
from seatrial.reports.pen import make_console
from seatrial.reports.progress import Progress
from seatrial.reports.sheet import Sheet
from seatrial.rules.arc import service_signature_changed
from seatrial.rules.regression import regression
from seatrial.stats.pairs import paired_ratio
from seatrial.trials.opening import open_run
from seatrial.verdict.files import write_atomic
from seatrial.verdict.verdict import decide

PAIRS = 15
BENCHMARK_PAIRS = 9
"""Each is a whole run of pytest."""
STYLES = {Outcome.PASS: "green", Outcome.FAIL: "red"}


@click.command(name="compare")
@click.argument("base")
@options.target()
@options.config_file()
@click.option("--route", "pattern", metavar="GLOB", help="Only routes whose `METHOD rule` or rule matches.")
@click.option("--pairs", type=click.IntRange(1), default=PAIRS, metavar="N", help="Per route; default 15.")
@click.option("--benchmarks/--no-benchmarks", "with_benchmarks", default=True, help="Your pytest-benchmark tests, too.")
@options.output("json", "Write the result as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    base: str,
    target_dir: Path,
    config_file: Path | None,
    pattern: str | None,
    pairs: int,
    with_benchmarks: bool,
    json_file: Path | None,
) -> None:
    """The working tree against a base revision: statements, rows and time per route and benchmark, and services."""
    started = time.monotonic()
    settings = options.settings(target_dir, config_file)
    notes: list[str] = []
    services: list[Judgement] = []
    with Progress() as progress, revisions.checked_out(settings.root, base) as (folder, commit):
        compared = _routes(settings, folder, config_file, pattern, pairs, progress, notes)
        if with_benchmarks and pattern is None:
            compared += _benchmarks(settings.root, folder, progress, notes)
        if pattern is None:
            pairs_of_services, why = signatures.compare(folder, settings.root, settings.services)
            services = [service_signature_changed(pair) for pair in pairs_of_services]
            notes += [why] if why else []
    judged = [(one, regression(one)) for one in compared]
    result = _result(settings, judged, services, notes, time.monotonic() - started)
    if json_file:
        document = json_report.to_json(result) | {"compare": {"base": commit, "subjects": [_row(c) for c in compared]}}
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
        write_atomic(json_file, text, way_out="Name another file with --json.")
    _print(judged, services, result, f"{base} ({commit[:12]})", notes)
    ctx.exit(int(result.exit_code))


def _routes(
    settings: Settings,
    folder: Path,
    config_file: Path | None,
    pattern: str | None,
    pairs: int,
    progress: Progress,
    notes: list[str],
) -> list[Comparison]:
    before, note = revisions.settings_at(folder, settings, config_file)
    notes += [note] if note else []
    with open_run(before, progress.stage) as first, open_run(settings, progress.stage) as second:
        try:
            base = routes.Revision.started(first)
        except ConfigurationError as error:
            raise ConfigurationError(*(f"at the base: {mistake}" for mistake in error.mistakes)) from None
        head = routes.Revision.started(second)
        return routes.compare(base, head, pairs=pairs, pattern=pattern, progress=progress.advance)


def _benchmarks(root: Path, folder: Path, progress: Progress, notes: list[str]) -> list[Comparison]:
    with tempfile.TemporaryDirectory(prefix="seatrial-head-") as scratch:
        copy = copies.working_copy(root, Path(scratch) / "tree")
        found, why = benchmarks.compare(folder, copy, pairs=BENCHMARK_PAIRS, progress=progress.stage)
    if why:
        notes.append(why)
    return found


def _result(
    settings: Settings,
    judged: list[tuple[Comparison, Judgement]],
    services: list[Judgement],
    notes: list[str],
    elapsed: float,
) -> Result:
    result = Result(target={"root": settings.root.name}, notes=notes, elapsed_s=elapsed)
    for judgement in (*(judgement for _, judgement in judged), *services):
        rule = regression if judgement.rule == regression.code else service_signature_changed
        level = settings.rules.get(rule.code, rule.level)
        result.checks.append(judgement.check)
        if level is not Level.OFF:
            result.findings += [Judged(replace(f, level=level), State.NEW) for f in judgement.findings]
    if judged and all(judgement.outcome is Outcome.NOT_PROVED for _, judgement in judged):
        result.inconclusive.append("nothing could be compared: see the reasons")
    result.exit_code = decide(result, strict_proof=False)
    return result


def _row(compared: Comparison) -> dict[str, Any]:
    ratio = paired_ratio(compared.pairs)
    return {
        "subject": compared.subject,
        "base": {
            "answered": compared.base.answered,
            "statements": compared.base.statements,
            "rows": compared.base.rows,
        },
        "head": {
            "answered": compared.head.answered,
            "statements": compared.head.statements,
            "rows": compared.head.rows,
        },
        "pairs": len(compared.pairs),
        "ratio": round(ratio.median, 4) if ratio else None,
        "ratio_bounds": [_rounded(ratio.low), _rounded(ratio.high)] if ratio else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _print(
    judged: list[tuple[Comparison, Judgement]],
    services: list[Judgement],
    result: Result,
    base: str,
    notes: list[str],
) -> None:
    sheet = Sheet(make_console(sys.stdout))
    sheet.text(Text(sheet.say(f"against {base}")))
    rows: list[list[str | Text]] = []
    for compared, judgement in judged:
        ratio = paired_ratio(compared.pairs)
        bounds = f"{ratio.low:.2f} - {ratio.high:.2f}" if ratio and ratio.low and ratio.high else "-"
        rows.append(
            [
                _change(compared.base.statements, compared.head.statements),
                _change(compared.base.rows, compared.head.rows),
                f"{ratio.median:.2f}" if ratio else "-",
                bounds,
                Text.assemble(
                    (f"{judgement.outcome.value.replace('_', ' ')} ", STYLES.get(judgement.outcome, "yellow")),
                    sheet.say(compared.subject),
                ),
            ]
        )
    sheet.blank()
    sheet.table([">statements", ">rows", ">time", ">interval", "subject"], rows)
    for judgement in (*(judgement for _, judgement in judged), *services):
        for finding in judgement.findings:
            sheet.text(Text(sheet.say(f"{finding.subject}: {finding.message}")), 2, marker=Text(sheet.glyphs.warn))
        if judgement.outcome is Outcome.NOT_PROVED:
            sheet.text(Text(sheet.say(f"{judgement.subject}: {judgement.reason}"), style="dim"), 2)
    if services:
        broken = sum(judgement.outcome is Outcome.FAIL for judgement in services)
        sheet.text(Text(f"{broken:,} of {len(services):,} public service signatures changed for their callers"))
    for note in notes:
        sheet.text(Text(sheet.say(f"note: {note}"), style="dim"))
    sheet.ruler()
    slower = sum(judgement.outcome is Outcome.FAIL for _, judgement in judged)
    code = result.exit_code
    if not judged:
        said, style = "INCONCLUSIVE  there is no route and no benchmark that both revisions have", "yellow"
    elif code is ExitCode.INCONCLUSIVE:
        said, style = "INCONCLUSIVE  nothing could be compared", "yellow"
    elif slower:
        said, style = f"{slower} of {len(judged)} became worse", "red" if code is ExitCode.BLOCKED else "yellow"
    else:
        said, style = f"PASS  none of {len(judged)} became worse", "green"
    sheet.text(Text(said, style=f"bold {style}"))


def _change(before: int | None, now: int | None) -> str:
    if before is None and now is None:
        return ""
    return f"{before}" if before == now else f"{'?' if before is None else before} > {'?' if now is None else now}"
