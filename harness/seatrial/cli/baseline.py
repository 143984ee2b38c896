"""`seatrial baseline prune | accept`: the only commands that change the list of known debt by hand."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.check import collect, show
from seatrial.cli.selection import Selection
from seatrial.config import Settings
from seatrial.model.outcomes import ExitCode, State
from seatrial.model.result import Result
from seatrial.reports.progress import Progress
from seatrial.verdict import baseline
from seatrial.verdict.outcome import Collected, conclude
from seatrial.verdict.verdict import reconcile


@click.group(name="baseline")
def command() -> None:
    """Known debt: accept it with a reason, prune what is paid off."""


@command.command()
@options.target()
@options.config_file()
def prune(target_dir: Path, config_file: Path | None) -> None:
    """Run everything and take off the list what is no longer found. Never adds."""
    settings = options.settings(target_dir, config_file)
    with Progress() as progress:
        collected, inventory = collect(settings, Selection.parse("", "", settings), progress)
    result = conclude(settings, inventory, collected, ci=False)
    new = sum(1 for judged in result.findings if judged.state is State.NEW)
    click.echo(f"{result.pruned} entries taken off the list; {new} findings are new and stay new")
    _fail_where_broken(result, options.where(target_dir, config_file))


@command.command()
@options.target()
@options.config_file()
@click.option("--rule", metavar="CODE", help="A rule code, a tool (ruff) or a tool's code (ruff:F401).")
@click.option("--all", "everything", is_flag=True, help="Everything that is found now.")
@click.option("--reason", required=True, help="Why this debt is taken on; it stands in the file.")
def accept(target_dir: Path, config_file: Path | None, rule: str | None, everything: bool, reason: str) -> None:
    """Take what is found now into the baseline, with a reason."""
    if bool(rule) == everything:
        raise click.UsageError("name either --rule CODE or --all")
    settings = options.settings(target_dir, config_file)
    only = "" if everything else str(rule).partition(":")[0]
    with Progress() as progress:
        collected, inventory = collect(settings, Selection.parse(only, "", settings), progress)
    result = conclude(settings, inventory, collected, whole=everything, ci=False)
    _fail_where_broken(result, options.where(target_dir, config_file))
    before = baseline.load(settings.state_folder / "baseline.tsv")
    after = baseline.accept(
        before, result.findings, _finished(settings, collected), reason=reason, rule=rule, all=everything
    )
    versions = {tool.name: tool.version for tool in collected.tools if tool.version}
    baseline.save(settings.state_folder / "baseline.tsv", after, tools=versions, create=True)
    click.echo(f"{after.total - before.total} findings accepted; {after.total} are known now")


def _finished(settings: Settings, collected: Collected) -> baseline.Finished:
    checks = reconcile(collected.planned, collected.checks)
    return baseline.Finished.of(checks, collected.tools, levels=dict(settings.rules))


def _fail_where_broken(result: Result, where: str) -> None:
    """A run that broke proves nothing paid and may not add debt."""
    if result.exit_code is ExitCode.BROKEN:
        show(result, where=where)
        raise SystemExit(int(ExitCode.BROKEN))
