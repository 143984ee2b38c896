"""`seatrial rules`: the catalogue."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from seatrial import rules


@click.command(name="rules")
def command() -> None:
    """List the rules with their default level."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Code", "Name", "Level", "Claim"):
        table.add_column(title, no_wrap=title != "Claim")
    for rule in rules.registered():
        table.add_row(rule.code, rule.name, rule.level.value, rule.claim)
    console = Console()
    console.print(table)
    console.print("\nseatrial explain CODE tells how a rule is proved and how its findings are fixed.", style="dim")
