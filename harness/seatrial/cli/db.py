"""`seatrial db plan | upgrade | downgrade | verify | advise | adopt`: indexes on a database that people use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from seatrial.cli import options
from seatrial.config import Settings, find_root
from seatrial.config.locate import find_home
from seatrial.migrate import specs
from seatrial.migrate.address import VARIABLE, migration_url, open_engine
from seatrial.migrate.build import Action, Result
from seatrial.migrate.plan import Step
from seatrial.migrate.policy import Policy
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import Standing, State
from seatrial.migrate.verify import Verified, exposition
from seatrial.model.indexes import IndexTrial
from seatrial.model.outcomes import ExitCode
from seatrial.reports.progress import Progress
from seatrial.verdict.files import write_atomic

WEBHOOKS = click.option("--webhooks", is_flag=True, help="The table stripe_events (branch seatrial_webhooks), too.")
HISTORY = click.option(
    "--directory", default="migrations", show_default=True, help="The app's own Alembic folder, in TARGET_DIR."
)
SQL = click.option("--sql", is_flag=True, help="Print the SQL for this database instead, and change nothing.")


@click.group(name="db")
def command() -> None:
    """Indexes on a live database: planned, built without stalling anybody, verified, advised.

    The database is the one of --url or SEATRIAL_MIGRATE_URL, and no other.
    """


def database(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every subcommand has."""
    for decorate in (
        click.option(
            "--allow-host",
            "allow_host",
            multiple=True,
            metavar="HOST",
            help="A server that is not on this machine and is meant. Can be given several times.",
        ),
        click.option("--url", metavar="URL", help=f"The database, as SQLAlchemy names it; default: {VARIABLE}."),
        options.config_file(),
        options.target(),
    ):
        function = decorate(function)
    return function


def patience(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--wait",
        "wait_s",
        type=click.FloatRange(0.1),
        default=Policy().preflight_s,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for transactions that are in the way.",
    )(function)


@command.command()
@database
@SQL
@WEBHOOKS
def plan(
    target_dir: Path, config_file: Path | None, url: str | None, allow_host: tuple[str, ...], sql: bool, webhooks: bool
) -> None:
    """What an upgrade would do to this database, with the SQL and its locks."""
    from seatrial.migrate.plan import plan as planning
    from seatrial.migrate.plan import upgrade_script

    settings, policy = _settings(target_dir, config_file), Policy()
    with _connected(settings, url, allow_host) as connection:
        if sql:
            click.echo("\n".join(upgrade_script(connection, specs.planned(settings), policy, webhooks=webhooks)))
            return
        for step in planning(connection, specs.planned(settings), policy):
            _show_step(step)


@command.command()
@database
@SQL
@WEBHOOKS
@patience
@click.pass_context
def upgrade(
    ctx: click.Context,
    target_dir: Path,
    config_file: Path | None,
    url: str | None,
    allow_host: tuple[str, ...],
    sql: bool,
    webhooks: bool,
    wait_s: float,
) -> None:
    """Build what is planned and missing, and heal what a build that ended in the middle has left."""
    from seatrial.migrate.plan import upgrade_script
    from seatrial.migrate.upgrade import upgrade as upgrading

    settings, policy = _settings(target_dir, config_file), _policy(wait_s)
    if sql:
        with _connected(settings, url, allow_host) as connection:
            click.echo("\n".join(upgrade_script(connection, specs.planned(settings), policy, webhooks=webhooks)))
        return
    engine = _engine(settings, url, allow_host)
    with _at_work() as progress:
        told = replace(policy, tell=progress.stage)
        report = upgrading(engine, specs.planned(settings), told, webhooks=webhooks)
    _show(report.results, report.told)
    ctx.exit(int(ExitCode.BLOCKED if report.conflicts else ExitCode.PASS))


@command.command()
@database
@SQL
@WEBHOOKS
@patience
def downgrade(
    target_dir: Path,
    config_file: Path | None,
    url: str | None,
    allow_host: tuple[str, ...],
    sql: bool,
    webhooks: bool,
    wait_s: float,
) -> None:
    """Drop what was built here, and nothing else."""
    from seatrial.migrate.plan import downgrade_script
    from seatrial.migrate.upgrade import downgrade as downgrading

    settings = _settings(target_dir, config_file)
    if sql:
        with _connected(settings, url, allow_host) as connection:
            click.echo("\n".join(downgrade_script(connection, specs.planned(settings), webhooks=webhooks)))
        return
    engine = _engine(settings, url, allow_host)
    with _at_work() as progress:
        policy = replace(_policy(wait_s), tell=progress.stage)
        report = downgrading(engine, specs.planned(settings), policy, webhooks=webhooks)
    _show(report.results, report.told)


@command.command()
@database
@options.output("prometheus", "Write deployed, valid, used and size of each index for the textfile collector.")
@click.option("--prove", is_flag=True, help="Run the app on a trial's database, and show what each index is worth.")
@click.pass_context
def verify(
    ctx: click.Context,
    target_dir: Path,
    config_file: Path | None,
    url: str | None,
    allow_host: tuple[str, ...],
    prometheus_file: Path | None,
    prove: bool,
) -> None:
    """Hold the plan against the catalog, whatever the version table says; exit code 1 where something is missing.

    With --prove the app's own statements are explained without and with each index, on a trial's database whose tables
    are made large, and its price stands beside it.
    """
    from seatrial.migrate.verify import verify as verifying

    settings = options.settings(target_dir, config_file) if prove else _settings(target_dir, config_file)
    with _connected(settings, url, allow_host) as connection:
        found = verifying(connection, specs.planned(settings))
    if prometheus_file:
        text = exposition(found.standings)
        write_atomic(prometheus_file, text, way_out="Name another file with --prometheus.")
    trials: Mapping[IndexSpec, IndexTrial] = {}
    if prove:
        from seatrial.cli.proofs import proved

        assert settings is not None
        trials = proved(settings, [now.spec for now in found.standings if now.state.applies])
    _show_verified(found, trials)
    ctx.exit(int(ExitCode.PASS if found.sound else ExitCode.BLOCKED))


@command.command()
@database
@HISTORY
@SQL
def advise(
    target_dir: Path, config_file: Path | None, url: str | None, allow_host: tuple[str, ...], directory: str, sql: bool
) -> None:
    """Which further indexes would serve the app's own statements, with what each costs its writes.

    The app runs on a trial's database whose tables are made large; with --url, what that database has already is left
    out.
    """
    from seatrial.cli.advice import show, sought

    settings = options.settings(target_dir, config_file)
    deployed = None
    if url or os.environ.get(VARIABLE):
        from seatrial.migrate.catalog import snapshot

        with _connected(settings, url, allow_host) as connection:
            deployed = snapshot(connection)
    show(sought(settings), deployed, target_dir.resolve() / directory, sql=sql)


@command.command()
@database
@HISTORY
@click.option("--sql", is_flag=True, help="Print the revision instead of writing it.")
def adopt(
    target_dir: Path, config_file: Path | None, url: str | None, allow_host: tuple[str, ...], directory: str, sql: bool
) -> None:
    """Write a revision into the app's own history, for teams that want one history."""
    from seatrial.migrate.adopt import adoption
    from seatrial.migrate.catalog import snapshot
    from seatrial.migrate.state import standing

    settings = _settings(target_dir, config_file)
    with _connected(settings, url, allow_host) as connection:
        catalog = snapshot(connection)
    now = [standing(spec, catalog) for spec in specs.planned(settings)]
    wanted = [one.spec for one in now if one.state in (State.MISSING, State.INVALID, State.VALID, State.BUILDING)]
    if not wanted:
        click.echo("nothing to adopt: every planned index is covered, or does not apply to this database")
        return
    found = adoption(target_dir.resolve() / directory, wanted)
    if sql:
        click.echo(found.text)
        return
    write_atomic(found.path, found.text, way_out="Name another folder with --directory.")
    click.echo(f"{len(wanted)} indexes are in {found.path}; run the app's own upgrade")
    click.echo("so that autogenerate knows them, add to the models:")
    for line in found.models:
        click.echo(f"  {line}")


# ---------------------------------------------------------------------------------------------------- what they share
def _settings(target_dir: Path, config_file: Path | None) -> Settings | None:
    """The configuration, where there is any: the shipped indexes need none."""
    if config_file is None:
        root = find_root(target_dir.resolve())
        home, _ = find_home(root, None)
        if home is None and not (root / "seatrial.toml").is_file():
            return None
        return options.settings(root, None)
    return options.settings(target_dir, config_file)


def _policy(wait_s: float) -> Policy:
    return Policy(preflight_s=wait_s)


def _engine(settings: Settings | None, url: str | None, allow_host: tuple[str, ...]) -> sa.Engine:
    allowed = [*(settings.allow_hosts if settings is not None else ()), *allow_host]
    return open_engine(migration_url(url, allowed))


@contextmanager
def _connected(settings: Settings | None, url: str | None, allow_host: tuple[str, ...]) -> Iterator[sa.Connection]:
    """A connection that only looks."""
    engine = _engine(settings, url, allow_host)
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@contextmanager
def _at_work() -> Iterator[Progress]:
    """Says what is being done. Whoever is interrupted in the middle has changed something, and should know."""
    try:
        with Progress() as progress:
            yield progress
    except KeyboardInterrupt:
        click.echo(
            "seatrial: interrupted; what was done stays, and the same command heals what is half done and does the "
            "rest: run it again",
            err=True,
        )
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED)) from None


def _show(results: tuple[Result, ...], told: tuple[str, ...]) -> None:
    for result in results:
        click.echo(str(result))
    for sentence in told:
        click.echo(sentence)
    counted = {action: sum(result.action is action for result in results) for action in Action}
    click.echo(", ".join(f"{number} {action.value}" for action, number in counted.items() if number) or "nothing to do")


def _show_step(step: Step) -> None:
    now = step.standing
    detail = f" ({now.detail})" if now.detail and now.state is not State.VALID else ""
    rows = f", about {step.rows} rows" if step.rows else ""
    click.echo(f"{now.spec.subject}: {step.intent}{detail}{rows if step.sql else ''}")
    for sql in step.sql:
        click.echo(f"    {sql};")
    if step.lock:
        click.echo(f"    lock: {step.lock}")
    if step.blockers:
        click.echo(f"    in the way now: {', '.join(map(str, step.blockers))}")


def _show_verified(found: Verified, trials: Mapping[IndexSpec, IndexTrial]) -> None:
    for now in found.standings:
        click.echo(_verified(now))
        if now.spec in trials:
            from seatrial.cli.proofs import lines

            click.echo("\n".join(lines(trials[now.spec])))
    for index in found.invalid:
        click.echo(f"{index.table}: {index.name} is invalid and planned by nobody: drop it, or REINDEX it CONCURRENTLY")
    applicable = [now for now in found.standings if now.state.applies]
    deployed = sum(now.state.deployed for now in applicable)
    click.echo(f"{deployed} of {len(applicable)} planned indexes are deployed" + (_way_out(found) if found.red else ""))


def _way_out(found: Verified) -> str:
    return ": run seatrial db upgrade" if any(now.state is not State.CONFLICT for now in found.red) else ""


def _verified(now: Standing) -> str:
    index = now.index
    facts = [now.detail] if now.detail and now.detail != now.spec.name else []
    if index is not None and now.state.deployed:
        facts += [] if index.size is None else [_size(index.size)]
        facts += [] if index.scans is None else [f"{index.scans} scans"]
    return f"{now.spec.subject}: {now.state.value}" + (f" ({', '.join(facts)})" if facts else "")


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MB" if count >= 1024 * 1024 else f"{count / 1024:.0f} kB"
