"""What `seatrial db advise` asks and prints."""

from __future__ import annotations

import click
from sqlalchemy.dialects.postgresql.base import PGDialect

from seatrial.config import Settings
from seatrial.migrate import statements
from seatrial.migrate.catalog import Snapshot
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import standing
from seatrial.model.errors import ConfigurationError
from seatrial.model.indexes import Advice, Suggestion
from seatrial.model.profiles import Profile
from seatrial.plugin.guarding import whole_database
from seatrial.reports.progress import Progress
from seatrial.trials.indexes.candidates import available
from seatrial.trials.pilot import Pilot, open_run, prepare


def sought(settings: Settings) -> Advice:
    """Run the app's pages and try every candidate. Raises ConfigurationError where that is not possible."""
    if not available():
        raise ConfigurationError("predicates are read with sqlglot: pip install 'seatrial[migrate]', which brings it.")
    if settings.database.url == "sqlite":
        raise ConfigurationError(
            'advice needs PostgreSQL, whose plans carry over to yours: set url = "embedded" under '
            "[tool.seatrial.database]."
        )
    with Progress() as progress, open_run(settings, progress.stage) as run:
        inventory = prepare(run, Profile.SWEEP)
        progress.stage("trying indexes")
        [aim] = whole_database(inventory)
        return Pilot(run).advice(aim.members)


def show(advice: Advice, deployed: Snapshot | None, *, sql: bool) -> None:
    """Read gain and write price side by side, then what to paste."""
    wanted = [one for one in advice.suggestions if deployed is None or _lacks(deployed, one)]
    if sql:
        for one in wanted:
            click.echo(f"{statements.create(PGDialect(), _spec(one))};")  # type: ignore[no-untyped-call]
        return
    click.echo(
        f"{advice.statements} statements of {advice.routes} routes, {advice.candidates} candidates; "
        f"cost {advice.cost_before:.0f} → {advice.cost_after:.0f}"
    )
    for one in wanted:
        _show(one)
    for note in advice.notes:
        click.echo(f"note: {note}")
    if not wanted:
        click.echo("no further index is worth it")
        return
    click.echo("plan them, for seatrial db upgrade or seatrial db adopt:")
    for one in wanted:
        columns = ", ".join(f'"{column}"' for column in one.columns)
        click.echo(f'\n[[tool.seatrial.indexes]]\ntable = "{one.table}"\ncolumns = [{columns}]')


def _show(one: Suggestion) -> None:
    trial = one.trial
    click.echo(f"{trial.subject} ({trial.rows} rows)")
    for reader in trial.readers[:3]:
        click.echo(f"    reads   {reader.subject}: {reader.before.buffers} → {reader.after.buffers} pages")
    price = trial.price
    if price is None:
        click.echo("    writes  not known: no column of the table could be changed for a trial")
        return
    seen = "the app's updates" if price.seen else "updates of other columns"
    click.echo(
        f"    writes  {seen} ({', '.join(price.columns)}): HOT {price.hot_before:.0%} → {price.hot_after:.0%}, "
        f"WAL {price.wal_before // 1024} → {price.wal_after // 1024} kB per {price.updates}, "
        f"size {price.size // 1024} kB"
    )


def _spec(one: Suggestion) -> IndexSpec:
    return IndexSpec(one.table, one.columns)


def _lacks(deployed: Snapshot, one: Suggestion) -> bool:
    return not standing(_spec(one), deployed).state.deployed
