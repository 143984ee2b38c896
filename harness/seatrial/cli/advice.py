"""What `seatrial db advise` asks and prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from sqlalchemy.dialects.postgresql.base import PGDialect

from seatrial.cli.indexes import balance, on_trial
from seatrial.config import Settings
from seatrial.migrate import statements
from seatrial.migrate.adopt import ADVISED, adoption
from seatrial.migrate.catalog import Snapshot
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import standing
from seatrial.model.errors import ConfigurationError
from seatrial.model.indexes import Advice, Suggestion
from seatrial.trials.indexes.candidates import available


def sought(settings: Settings) -> Advice:
    """Run the app's pages and try every candidate. Raises ConfigurationError where that is not possible."""
    if not available():
        raise ConfigurationError("predicates are read with sqlglot: pip install 'seatrial[migrate]', which brings it.")
    return on_trial(settings, "trying indexes", lambda pilot, members: pilot.advice(members))


def show(advice: Advice, deployed: Snapshot | None, history: Path, *, sql: bool) -> None:
    """Read gain and write price side by side, then what to paste. `history`: the app's own Alembic folder."""
    wanted = [one for one in advice.suggestions if deployed is None or _lacks(deployed, one)]
    specs = [_spec(one) for one in wanted]
    if sql:
        for spec in specs:
            click.echo(f"{statements.create(PGDialect(), spec)};")  # type: ignore[no-untyped-call]
        return
    click.echo(
        f"{advice.statements} statements of {advice.routes} routes, {advice.candidates} candidates ({_way(advice)}); "
        f"cost {advice.cost_before:.0f} → {advice.cost_after:.0f}"
    )
    for one in wanted:
        click.echo(f"{one.trial.subject} ({one.trial.rows} rows)")
        for line in balance(one.trial):
            click.echo(line)
    for note in advice.notes:
        click.echo(f"note: {note}")
    if not wanted:
        click.echo("no further index is worth it")
        return
    click.echo("plan them, for seatrial db upgrade or seatrial db adopt:")
    for one in wanted:
        columns = ", ".join(f'"{column}"' for column in one.columns)
        click.echo(f'\n[[tool.seatrial.indexes]]\ntable = "{one.table}"\ncolumns = [{columns}]')
    _show_revision(history, specs)


def _show_revision(history: Path, specs: Sequence[IndexSpec]) -> None:
    """For the app's own history, where it has one."""
    try:
        found = adoption(history, specs, title=ADVISED)
    except ConfigurationError as error:
        click.echo(f"\nno revision is shown: {error}")
        return
    click.echo("\nor add to the models, so that autogenerate knows them:")
    for line in found.models:
        click.echo(f"  {line}")
    click.echo(f"and paste this revision into {found.path}:\n\n{found.text}", nl=False)


def _way(advice: Advice) -> str:
    """How the candidates were judged."""
    if advice.unjudged:
        return f"all built: {advice.unjudged}"
    return f"judged with hypopg, {advice.built} of them built"


def _spec(one: Suggestion) -> IndexSpec:
    return IndexSpec(one.table, one.columns)


def _lacks(deployed: Snapshot, one: Suggestion) -> bool:
    return not standing(_spec(one), deployed).state.deployed
