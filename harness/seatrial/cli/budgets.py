"""`seatrial budgets record | accept`: what each route may spend per request."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.check import collect
from seatrial.cli.selection import Selection
from seatrial.config import Settings
from seatrial.model.errors import BrokenError
from seatrial.model.evidence import Exchange
from seatrial.reports.progress import Progress
from seatrial.verdict import budgets


@click.group(name="budgets")
def command() -> None:
    """Budgets of statements and rows per route: they fall by themselves and rise only for a reason."""


@command.command()
@options.target()
@options.config_file()
def record(target_dir: Path, config_file: Path | None) -> None:
    """Measure every page; pages without a budget get one, the others can only fall."""
    settings = options.settings(target_dir, config_file)
    path = settings.state_folder / "budgets.tsv"
    before = budgets.load(path)
    after = budgets.record(before, measured(settings))
    budgets.save(path, after, create=True)
    click.echo(f"{len(after.entries) - len(before.entries)} budgets recorded; {len(after.entries)} in all in {path}")


@command.command()
@options.target()
@options.config_file()
@click.option("--route", metavar="GLOB", help="Only routes whose `METHOD rule` or rule matches.")
@click.option("--reason", required=True, help="Why these routes may spend more; it stands in the file.")
def accept(target_dir: Path, config_file: Path | None, route: str | None, reason: str) -> None:
    """Set budgets to what is measured now, higher or not, with a reason."""
    settings = options.settings(target_dir, config_file)
    path = settings.state_folder / "budgets.tsv"
    before = budgets.load(path)
    seen = measured(settings, route)
    subjects = [subject for subject in budgets.measure(seen) if before.of(subject) is not None]
    after = budgets.accept(before, seen, subjects, reason=reason)
    changed = sum(1 for subject in subjects if before.of(subject) != after.of(subject))
    budgets.save(path, after)
    click.echo(f"{changed} of {len(subjects)} budgets changed in {path}")


def measured(settings: Settings, route: str | None = None) -> list[Exchange]:
    """Every page as the guards measure it. Raises BrokenError when the guards could not finish."""
    with Progress() as progress:
        collected, _ = collect(settings, Selection.parse("SQL", "", settings), progress, route=route)
    if collected.broken:
        raise BrokenError(f"nothing was recorded: {collected.broken[0]}")
    return collected.visits
