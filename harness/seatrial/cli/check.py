"""`seatrial check`: guards and tools at the same time, one verdict, one report."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from seatrial import rules
from seatrial.cli import options
from seatrial.cli.guards import GuardRun
from seatrial.cli.selection import Selection
from seatrial.config import Settings
from seatrial.database.folder import WatchedFolder
from seatrial.gates import start_gates
from seatrial.host import copies
from seatrial.model.inventory import Inventory
from seatrial.model.result import Result
from seatrial.plugin.outcome import Collected, conclude
from seatrial.reports import json_report, junit, terminal
from seatrial.reports.pen import make_console
from seatrial.reports.progress import Progress


@click.command(name="check")
@options.target()
@options.config_file()
@options.output("json", "Write the result as JSON.")
@options.output("junit", "Write the result as JUnit XML.")
@click.option("--only", default="", metavar="NAMES", help="Only these rule families, rule codes or tools.")
@click.option("--skip", default="", metavar="NAMES", help="Leave out these rule families, rule codes or tools.")
@click.option("--route", metavar="GLOB", help="Only routes whose `METHOD rule` or rule matches.")
@click.option(
    "--time-budget",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="For all faults that webhooks are tried with; what is left untried is not proved.",
)
@click.option("--replay", metavar="EVENT/ID", help="Only this fault, as a finding of WHK names it.")
@click.option("--strict-proof", is_flag=True, help="What is not proved ends in exit code 5.")
@click.pass_context
def command(
    ctx: click.Context,
    target_dir: Path,
    config_file: Path | None,
    json_file: Path | None,
    junit_file: Path | None,
    only: str,
    skip: str,
    route: str | None,
    time_budget: float | None,
    replay: str | None,
    strict_proof: bool,
) -> None:
    """Every gate, one verdict: is this commit safe to ship?"""
    settings = options.settings(target_dir, config_file)
    selection = Selection.parse(only, skip, settings)
    with Progress() as progress:
        result = check(
            settings,
            selection,
            progress,
            route=route,
            strict_proof=strict_proof,
            time_budget_s=time_budget,
            replay=replay,
        )
    if json_file:
        json_report.write(result, json_file)
    if junit_file:
        junit.write(result, junit_file)
    show(result, str(json_file or ""), options.where(target_dir, config_file))
    ctx.exit(int(result.exit_code))


def show(result: Result, json_file: str = "", where: str = "") -> None:
    """The report on standard output."""
    claims = {rule.code: rule.claim for rule in rules.registered()}
    terminal.render(result, make_console(sys.stdout), claims=claims, json_file=json_file, where=where)


def check(
    settings: Settings,
    selection: Selection,
    progress: Progress,
    *,
    route: str | None = None,
    strict_proof: bool = False,
    time_budget_s: float | None = None,
    replay: str | None = None,
) -> Result:
    """Run what is selected and decide. Raises ConfigurationError when the app cannot be tried at all."""
    collected, inventory = collect(
        settings, selection, progress, route=route, time_budget_s=time_budget_s, replay=replay
    )
    whole = selection.whole and route is None and replay is None
    return conclude(settings, inventory, collected, whole=whole, strict_proof=strict_proof)


def collect(
    settings: Settings,
    selection: Selection,
    progress: Progress,
    *,
    route: str | None = None,
    time_budget_s: float | None = None,
    replay: str | None = None,
) -> tuple[Collected, Inventory | None]:
    """What guards and tools found, before baseline and verdict; changes nothing of the target's."""
    started = time.monotonic()
    watched = WatchedFolder("check")  # goes away with us, whatever ends us
    folder = watched.path
    guards: GuardRun | None = None
    gates = None
    try:
        if selection.rules:
            guards = GuardRun(settings, folder, selection.arguments(route, time_budget_s, replay), progress)
        if selection.tools:
            copy = copies.working_copy(settings.root, folder / "tools") if "pytest" in selection.tools else None
            gates = start_gates(settings, root=settings.root, copy=copy, only=set(selection.tools))
        collected = guards.wait() if guards else Collected()
        if gates is not None:
            progress.stage("waiting for the tools")
        for gate in gates.wait() if gates else ():
            collected.tools.append(gate.run)
            collected.findings += gate.findings
    except BaseException:
        if gates is not None:
            gates.cancel()
        if guards is not None:
            guards.cancel()
        raise
    finally:
        copies.remove(folder)
        watched.close()
    collected.elapsed_s = time.monotonic() - started
    return collected, guards.inventory if guards else None
