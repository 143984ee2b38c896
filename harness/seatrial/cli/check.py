"""`seatrial check`: guards and tools at the same time, one verdict, one report."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path

import click

from seatrial import rules
from seatrial.cli import options
from seatrial.cli.outputs import Outputs, given
from seatrial.cli.selection import Selection
from seatrial.cli.structure import Reading
from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import Inventory
from seatrial.model.result import Result
from seatrial.reports import terminal
from seatrial.reports.github import harmless
from seatrial.reports.pen import make_console
from seatrial.reports.progress import Progress
from seatrial.verdict.outcome import Collected, conclude


@click.command(name="check")
@options.target()
@options.config_file()
@given()
@click.option("--only", default="", metavar="NAMES", help="Only these rule families, rule codes or tools.")
@click.option("--skip", default="", metavar="NAMES", help="Leave out these rule families, rule codes or tools.")
@click.option("--route", metavar="GLOB", help="Only routes whose `METHOD rule` or rule matches.")
@click.option(
    "--static", is_flag=True, help="Only what the source tells: static rules and tools; the app is not built."
)
@click.option(
    "--time-budget",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="For all faults that webhooks are tried with; what is left untried is not proved.",
)
@click.option("--fault", metavar="EVENT/ID", help="Only this fault, as a finding of WHK names it.")
@click.option("--since", metavar="REV", help="New is only what this revision did not have; it is tried as well.")
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
    outputs: Outputs,
    only: str,
    skip: str,
    route: str | None,
    static: bool,
    time_budget: float | None,
    fault: str | None,
    since: str | None,
    strict_proof: bool,
    wanted: str | None,
    result_file: Path | None,
) -> None:
    """Every gate, one verdict: is this commit safe to ship?"""
    settings = options.settings(target_dir, config_file)
    if wanted is not None:
        narrow = [*(["--skip"] if skip else []), *(["--since"] if since is not None else [])]
        unfit = [*outputs.asked, *narrow, *(["--strict-proof"] if strict_proof else [])]
        if unfit:
            raise click.UsageError(f"--replay shows one finding: leave {', '.join(unfit)} away")
        if fault is not None or time_budget is not None:
            raise click.UsageError("--replay tries whatever its finding needs: leave --fault and --time-budget away")
        from seatrial.cli.replay import replay  # brings pytest and SQLAlchemy, as below
        from seatrial.reports.replayed import render

        with Progress() as progress:
            replayed = replay(settings, wanted, only, route, result_file, progress)
        render(replayed, make_console(sys.stdout))
        ctx.exit(int(replayed.exit_code))
    if result_file is not None:
        raise click.UsageError("--result is for --replay FINGERPRINT")
    if static and route is not None:
        raise ConfigurationError("--route chooses among requests and --static sends none; leave one of them out")
    if static and fault is not None:
        raise ConfigurationError("--fault breaks a delivery and --static sends none; leave one of them out")
    selection = Selection.parse(only, skip, settings, static=static)
    outputs.check()
    if since is not None:
        from seatrial.compare.revisions import resolved

        resolved(settings.root, since, "--since")  # a slip is told before minutes are spent
    with Progress() as progress:
        result = check(
            settings,
            selection,
            progress,
            route=route,
            static=static,
            strict_proof=strict_proof,
            time_budget_s=time_budget,
            fault=fault,
        )
        if since is not None:
            from seatrial.cli.since import forgive

            def at(before: Settings, chosen: Selection) -> Collected:
                progress.stage(f"trying {since}")
                return collect(
                    before, chosen, progress, route=route, static=static, time_budget_s=time_budget, fault=fault
                )[0]

            forgive(settings, since, config_file, result, at, static=static, strict_proof=strict_proof)
    where = options.where(target_dir, config_file)
    narrowed = {
        "--only": only, "--skip": skip, "--route": route, "--fault": fault, "--static": static, "--since": since
    }  # fmt: skip
    scope = " ".join(f"{name} {value}" for name, value in narrowed.items() if value)
    failed: ConfigurationError | None = None
    try:
        outputs.write(result, settings, where=where, scope=scope)
    except ConfigurationError as error:
        failed = error  # a file that cannot be written must not cost what was found: it is still shown
    with harmless(sys.stdout) if outputs.github else nullcontext():
        show(result, outputs.whole, where)
    if failed is not None:
        raise failed
    ctx.exit(int(result.exit_code))


def show(result: Result, whole: str = "", where: str = "") -> None:
    """The report on standard output; `whole` names the file that has everything."""
    claims = {rule.code: rule.claim for rule in rules.registered()}
    terminal.render(result, make_console(sys.stdout), claims=claims, whole=whole, where=where)


def check(
    settings: Settings,
    selection: Selection,
    progress: Progress,
    *,
    route: str | None = None,
    static: bool = False,
    strict_proof: bool = False,
    time_budget_s: float | None = None,
    fault: str | None = None,
) -> Result:
    """Run what is selected and decide. Raises ConfigurationError when the app cannot be tried at all."""
    collected, inventory = collect(
        settings, selection, progress, route=route, static=static, time_budget_s=time_budget_s, fault=fault
    )
    whole = selection.whole and route is None and fault is None
    return conclude(settings, inventory, collected, whole=whole, strict_proof=strict_proof)


def collect(
    settings: Settings,
    selection: Selection,
    progress: Progress,
    *,
    route: str | None = None,
    static: bool = False,
    time_budget_s: float | None = None,
    fault: str | None = None,
) -> tuple[Collected, Inventory | None]:
    """What guards, static rules and tools found, before baseline and verdict; changes nothing of the target's."""
    started = time.monotonic()
    # Guards look at routes, and so does `--route`, and `--fault` at one of them; the source is read as a whole.
    reading = Reading(settings, selection.static) if selection.static and route is None and fault is None else None
    guarded = bool(selection.rules) or (reading is not None and selection.needs_map and not static)

    def judge(collected: Collected, inventory: Inventory | None) -> None:
        if reading is not None:
            progress.stage("judging the source")
            reading.judge(collected, inventory)

    inventory: Inventory | None = None
    if guarded or selection.tools:
        # Brings pytest and SQLAlchemy: most of the time of a run that only looks at the source.
        from seatrial.cli.work import work

        arguments = selection.arguments(route, time_budget_s, fault)
        collected, inventory = work(settings, selection, progress, arguments, guarded=guarded, judge=judge)
    else:
        collected = Collected()
        judge(collected, None)
    collected.elapsed_s = time.monotonic() - started
    return collected, inventory
