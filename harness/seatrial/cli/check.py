"""`seatrial check`: guards and tools at the same time, one verdict, one report."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from seatrial import rules
from seatrial.cli import options
from seatrial.cli.guards import GuardRun
from seatrial.cli.replay import replay
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
from seatrial.reports.replayed import render


@click.command(name="check")
@options.target()
@options.config_file()
@options.output("json", "Write the result as JSON.")
@options.output("junit", "Write the result as JUnit XML.")
@click.option("--only", default="", metavar="NAMES", help="Only these rule families, rule codes or tools.")
@click.option("--skip", default="", metavar="NAMES", help="Leave out these rule families, rule codes or tools.")
@click.option("--route", metavar="GLOB", help="Only routes whose `METHOD rule` or rule matches.")
@click.option("--strict-proof", is_flag=True, help="What is not proved ends in exit code 5.")
@click.option(
    "--replay", "wanted", metavar="FINGERPRINT[#n]", help="One finding again, with its evidence: 1 seen, 0 not."
)
@click.option(
    "--result",
    "result_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For --replay: a file of --json, to look the fingerprint up in.",
)
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
    strict_proof: bool,
    wanted: str | None,
    result_file: Path | None,
) -> None:
    """Every gate, one verdict: is this commit safe to ship?"""
    settings = options.settings(target_dir, config_file)
    if wanted is not None:
        if json_file or junit_file or skip or strict_proof:
            raise click.UsageError("--replay shows one finding: leave --json, --junit, --skip and --strict-proof away")
        with Progress() as progress:
            replayed = replay(settings, wanted, only, route, result_file, progress)
        render(replayed, make_console(sys.stdout))
        ctx.exit(int(replayed.exit_code))
    if result_file is not None:
        raise click.UsageError("--result is for --replay FINGERPRINT")
    selection = Selection.parse(only, skip, settings)
    with Progress() as progress:
        result = check(settings, selection, progress, route=route, strict_proof=strict_proof)
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
) -> Result:
    """Run what is selected and decide. Raises ConfigurationError when the app cannot be tried at all."""
    collected, inventory = collect(settings, selection, progress, route=route)
    whole = selection.whole and route is None
    return conclude(settings, inventory, collected, whole=whole, strict_proof=strict_proof)


def collect(
    settings: Settings, selection: Selection, progress: Progress, *, route: str | None = None
) -> tuple[Collected, Inventory | None]:
    """What guards and tools found, before baseline and verdict; changes nothing of the target's."""
    started = time.monotonic()
    watched = WatchedFolder("check")  # goes away with us, whatever ends us
    folder = watched.path
    guards: GuardRun | None = None
    gates = None
    try:
        if selection.rules:
            guards = GuardRun(settings, folder, selection.arguments(route), progress)
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
