"""`seatrial routes`: what there is to try, who may see it, what it spends."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from seatrial.cli import options
from seatrial.config import Settings
from seatrial.model.contracts import Contracts
from seatrial.model.inventory import ANONYMOUS, Inventory, Route
from seatrial.model.profiles import Profile
from seatrial.reports import openapi
from seatrial.reports.pen import is_terminal
from seatrial.reports.progress import Progress
from seatrial.trials import contracts
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot
from seatrial.verdict import budgets
from seatrial.verdict.files import write_atomic

PIPED_WIDTH = 1000
"""Columns where no terminal limits them."""


@click.command(name="routes")
@options.target()
@options.config_file()
@options.output("export", "Write the inventory as JSON, for machines that do not have the app.")
@options.output("openapi", "Write what was seen as OpenAPI 3.1.")
def command(target_dir: Path, config_file: Path | None, export_file: Path | None, openapi_file: Path | None) -> None:
    """The route inventory, with who may see it, its limits and its statements."""
    settings = options.settings(target_dir, config_file)
    with Progress() as progress:
        inventory, spent, found = take(settings, progress)
    if export_file:
        text = json.dumps(exported(settings, inventory, spent), indent=2) + "\n"
        write_atomic(export_file, text, way_out="Name another file with --export.")
        click.echo(f"{len(inventory.routes)} routes written to {export_file}")
    if openapi_file:
        written = openapi.document(inventory, found, spent, version=_version(settings.root))
        text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
        write_atomic(openapi_file, text, way_out="Name another file with --openapi.")
        models = f"{len(found.schemas)} models" if found.schemas else "no pydantic model"
        click.echo(f"{len(written['paths'])} paths with {models} written to {openapi_file}")
    if not (export_file or openapi_file):
        _print(inventory, spent)


def _version(root: Path) -> str:
    """The project's, where its pyproject.toml says it."""
    try:
        told = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "0"
    project = told.get("project")
    return str(project.get("version") or "0") if isinstance(project, dict) else "0"


def take(settings: Settings, progress: Progress) -> tuple[Inventory, dict[str, tuple[int, int]], Contracts]:
    """Build the app and ask every readable route: the inventory, (status, statements) by route, and models of views."""
    spent: dict[str, tuple[int, int]] = {}
    with open_run(settings, progress.stage) as run:
        inventory = prepare(run, Profile.PROTECTION, Profile.SWEEP)
        pilot = Pilot(run)
        readable = [r for r in inventory.routes if r.safe and r.path and not r.skipped and not r.shadowed_by]
        for number, route in enumerate(readable):
            progress.advance(number, len(readable), f"{route.method} {route.rule}")
            warm = pilot.visit(route, _identity(inventory, route)).warm
            if not warm.failure:
                spent[route.key] = (warm.status, len(warm.counted))
        found = run.call(Profile.PROTECTION, contracts.contracts, settings.deadlines.trial_s)
    return inventory, spent, found


def exported(settings: Settings, inventory: Inventory, spent: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """The inventory for machines that do not have the app: `method`, `rule` and `path` are what they need."""
    known = budgets.load(settings.state_folder / "budgets.tsv")
    hot = set(settings.hot)
    rows = []
    for route in inventory.routes:
        if route.skipped or route.shadowed_by:
            continue
        identity = _identity(inventory, route)
        budget = known.of(route.subject(identity))
        rows.append(
            {
                "method": route.method,
                "rule": route.rule,
                "endpoint": route.endpoint,
                "path": route.path,
                "identity": identity,
                "status": spent[route.key][0] if route.key in spent else None,
                "auth": route.access.value,
                "csrf": route.csrf,
                "limits": list(route.limits),
                "hot": f"{route.method} {route.rule}" in hot,
                "budget": {"select": budget.select, "dml": budget.dml, "rows": budget.rows} if budget else None,
            }
        )
    first = next((identity for identity in settings.identities if identity.login), None)
    return {
        "routes": rows,
        "login": {"identity": first.name, "path": first.login, "fields": sorted(first.fields)} if first else None,
        "webhooks": [{"path": webhook.path, "provider": webhook.provider} for webhook in settings.webhooks],
        "static": [r.path for r in inventory.routes if r.endpoint.rpartition(".")[2] == "static" and r.path],
    }


def _identity(inventory: Inventory, route: Route) -> str:
    named = [name for name in inventory.identities if name != ANONYMOUS]
    return ANONYMOUS if route.access == "public" or not named else named[0]


def _print(inventory: Inventory, spent: dict[str, tuple[int, int]]) -> None:
    # A pipe has no width: what is cut into columns of a terminal that is not there cannot be searched.
    console = Console(width=None if is_terminal(sys.stdout) else PIPED_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Method", "Rule", "Endpoint", "Auth", "CSRF", "Limits", "Status", "Statements"):
        table.add_column(title, justify="right" if title in ("Status", "Statements") else "left", overflow="fold")
    for route in inventory.routes:
        status, statements = spent.get(route.key, ("", ""))
        note = (route.skipped and "skipped") or (route.shadowed_by and "shadowed") or str(status)
        table.add_row(
            route.method,
            route.rule,
            route.endpoint,
            "" if route.access == "unknown" else route.access.value,
            route.csrf,
            ", ".join(route.limits),
            note,
            str(statements),
        )
    console.print(table)
    for sentence in inventory.notes:
        console.print(f"note: {sentence}", style="dim")
