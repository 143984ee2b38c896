"""`seatrial init`: configuration, recorded budgets and an empty baseline for an app that is already there."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.budgets import measured
from seatrial.config import Settings, load
from seatrial.config.locate import label
from seatrial.model.errors import ConfigurationError, SeatrialError
from seatrial.model.outcomes import ExitCode
from seatrial.scaffold import home, pins, seeds, strictness
from seatrial.scaffold.document import document
from seatrial.scaffold.made_up import is_own_secret
from seatrial.scaffold.missing import missing, named
from seatrial.scaffold.pipelines import SYSTEMS, Pipeline
from seatrial.scaffold.survey import Survey, survey
from seatrial.scaffold.tokens import TokenAuth
from seatrial.verdict import baseline, budgets

_REASONS = 6
_STAYS = "seatrial: the configuration stays; run `seatrial init` again to go on with budgets and baseline"


@click.command(name="init")
@options.target()
@click.option("--app", metavar="MODULE:NAME", help="The factory or app, where several could be meant.")
@click.option("--database", type=click.Choice(["embedded", "sqlite"]), help="Where trials run; default: embedded.")
@click.option(
    "--ci", "systems", type=click.Choice(list(SYSTEMS)), multiple=True, help="Write the job for this system as well."
)
@click.option("--mypy", "strict", is_flag=True, help="Make mypy refuse definitions without types in services.")
@click.option("--no-run", is_flag=True, help="Only write; do not build the app and record its budgets.")
def command(
    target_dir: Path, app: str | None, database: str | None, systems: tuple[str, ...], strict: bool, no_run: bool
) -> None:
    """Write the configuration, recorded budgets and an empty baseline for an app.

    The app's source is read, not changed; a configuration that is already there is kept, and what is missing beside it
    is added.
    """
    root = target_dir.resolve()
    present = home.configured(root)
    pipelines = [Pipeline(system, root) for system in dict.fromkeys(systems)]
    if present is not None:
        _complete(root, present, pipelines, app=app, database=database, strict=strict, no_run=no_run)
        return
    found = survey(root, app)
    place = home.place(root)
    seed = seeds.unambiguous(found.seeds)
    _tell(found)
    _write(place, found, database, seed)
    _wrote(root, place.path, place.why)
    _jobs(root, pipelines)
    if strict:
        _strict(root, found.services)
    if not no_run:
        settings, seed = _run_and_mend(root, place, found, database, seed)
        _state(settings)
    _next(root, place.path, pipelines, ran=not no_run, found=found, seed=seed)


# ---------------------------------------------------------------------- the configuration
def _write(
    place: home.Place,
    found: Survey,
    database: str | None,
    seed: seeds.Seed | None,
    seed_failed: str = "",
    secrets: Collection[str] = (),
) -> None:
    text = document(found, prefix=place.prefix, database=database, seed=seed, seed_failed=seed_failed, secrets=secrets)
    place.write(text)


def _tell(found: Survey) -> None:
    """What was found, before anything is written."""
    reasons = list(dict.fromkeys(found.chosen.reasons))
    more = [f"and {len(reasons) - _REASONS} more"] if len(reasons) > _REASONS else []
    because = f" ({'; '.join([*reasons[:_REASONS], *more])})" if reasons else ""
    _line("app", f"{found.chosen.spec} at {found.chosen.place}{because}")
    if found.others:
        _line("", f"also found: {', '.join(one.spec for one in found.others[:6])}; choose with --app")
    entrances = [f"{one.name} ({one.place})" for one in found.database.variables]
    entrances += [f"config {one.name} ({one.place})" for one in found.database.keys if one.place]
    if entrances:
        _line("database", ", ".join(entrances))
    elif found.database.used:
        _line("database", "SQLAlchemy, but nothing was found that its URL is read from")
    else:
        _line("database", "none: the app's code uses no SQLAlchemy")
    doors = [
        *([f"log-in {found.login.path}"] if found.login else []),
        *([_token(found.tokens)] if found.tokens and not found.login else []),
        *([f"OAuth {found.oauth.login or found.oauth.callback}"] if found.oauth else []),
        *(f"webhook {hook.path}" for hook in found.webhooks),
    ]
    if doors:
        _line("to fill in", ", ".join(doors))
    if differing := pins.sentence(found.project.root):
        _line("versions", differing)


def _token(tokens: TokenAuth) -> str:
    return f"token of POST {tokens.issuer.path}" if tokens.issuer else f"token ({tokens.place})"


# ---------------------------------------------------------------------- the first run
def _run_and_mend(
    root: Path, place: home.Place, found: Survey, database: str | None, seed: seeds.Seed | None
) -> tuple[Settings, seeds.Seed | None]:
    """Record the budgets, with the seed that was used in the end.

    A seed that was only guessed and fails is taken out again; secrets whose default the app refuses are made up.

    Raises:
        SeatrialError: The app could not be tried; the configuration stays.
    """
    why, secrets = "", list[str]()
    while True:
        settings = load(root, None)
        try:
            _record(settings)
        except ConfigurationError as error:
            # Each turn takes the seed out or writes one secret more: there are not many.
            refused = [one.name for one in named(found, error.mistakes) if is_own_secret(one)]
            if seed is not None and all(mistake.startswith("seed:") for mistake in error.mistakes):
                seed, why = None, error.mistakes[0].removeprefix("seed: ")
                _line("seed", f"written as a comment: {why}")
            elif new := [name for name in refused if name not in settings.env]:
                secrets += new
                _line("secrets", f"{', '.join(new)}: the app's own message names them; made up, and tried once more")
            else:
                raise _explained(error, root, place.path, settings, found) from None
            _write(place, found, database, seed, why, secrets)
        else:
            return settings, seed


def _explained(
    error: ConfigurationError, root: Path, path: Path, settings: Settings, found: Survey | None = None
) -> ConfigurationError:
    """The same mistakes, what may be missing, and where to go on."""
    try:
        found = found or survey(root, settings.app)
    except ConfigurationError:
        return error  # the app that is configured is not in the source: the mistakes already say so
    return ConfigurationError(
        *error.mistakes,
        *missing(found, settings.env, error.mistakes),
        *filter(None, [pins.sentence(root)]),
        f"the configuration stays in {label(root, path)}; mend it there, then run `seatrial init` again: it goes on "
        "with budgets and baseline",
    )


def _record(settings: Settings) -> None:
    path = settings.state_folder / "budgets.tsv"
    before = budgets.load(path)
    try:
        after = budgets.record(before, measured(settings))
    except ConfigurationError:
        raise
    except SeatrialError:
        click.echo(_STAYS, err=True)
        raise
    except KeyboardInterrupt:
        click.echo(f"seatrial: interrupted\n{_STAYS}", err=True)
        raise SystemExit(int(ExitCode.INTERRUPTED)) from None
    budgets.save(path, after, create=True)
    _line("recorded", f"{len(after.entries)} budgets in {label(settings.root, path)}")


def _state(settings: Settings) -> None:
    path = settings.state_folder / "baseline.tsv"
    if not path.exists() and baseline.save(path, baseline.load(path), create=True):
        _line("wrote", f"{label(settings.root, path)} (empty: no known debt)")


# ---------------------------------------------------------------------- a second run
def _complete(
    root: Path,
    present: Path,
    pipelines: list[Pipeline],
    *,
    app: str | None,
    database: str | None,
    strict: bool,
    no_run: bool,
) -> None:
    """Keep the configuration; add what is missing beside it.

    Raises:
        ConfigurationError: Nothing is missing, or something was asked for that the configuration would have to say.
    """
    name = label(root, present)
    edit = f"{name} already configures Seatrial and was left as it is; edit it there"
    if app is not None or database is not None:
        asked = "--app" if app is not None else "--database"
        raise ConfigurationError(f"{edit} ({asked} only speaks where there is no configuration yet)")
    settings = load(root, None)
    absent = [file for file in ("budgets.tsv", "baseline.tsv") if not (settings.state_folder / file).exists()]
    to_run = bool(absent) and not no_run
    if not to_run and not strict and all(pipeline.path.exists() for pipeline in pipelines):
        raise ConfigurationError(f"{edit}, or delete its tables and run `seatrial init` again. Nothing was changed")
    _line("kept", f"{name}: it already configures Seatrial")
    _jobs(root, pipelines)
    if strict:
        _strict(root, settings.services or survey(root, settings.app).services)
    if to_run:
        if "budgets.tsv" in absent:
            try:
                _record(settings)
            except ConfigurationError as error:
                raise _explained(error, root, present, settings) from None
        _state(settings)
    _next(root, present, pipelines, ran=to_run)


# ---------------------------------------------------------------------- words
def _jobs(root: Path, pipelines: list[Pipeline]) -> None:
    for pipeline in pipelines:
        if pipeline.write():
            _wrote(root, pipeline.path, "")
        else:
            _line(
                "kept",
                f"{label(root, pipeline.path)}: it was there already; what would be written: {pipeline.template}",
            )


def _strict(root: Path, services: list[str]) -> None:
    written = strictness.write(root, services)
    if written.why:
        _line("kept", f"{label(root, written.path)}: {written.why}")
    else:
        _wrote(root, written.path, "mypy refuses definitions without types in services")


def _wrote(root: Path, path: Path, why: str) -> None:
    _line("wrote", label(root, path) + (f" ({why})" if why else ""))


def _next(
    root: Path,
    path: Path,
    pipelines: list[Pipeline],
    *,
    ran: bool,
    found: Survey | None = None,
    seed: seeds.Seed | None = None,
) -> None:
    where = "" if root == Path.cwd() else f" {shlex.quote(str(root))}"
    click.echo("\nNext:")
    if found is not None and (found.login or found.tokens):
        what = "who logs in" if seed is not None else "a seed and who logs in"
        click.echo(f"  {label(root, path)}: name {what}, so that pages behind the log-in are tried too")
    elif found is not None and found.database.used and seed is None:
        click.echo(f"  {label(root, path)}: name a seed, so that pages are tried with something to show")
    if not ran:
        _step(f"seatrial budgets record{where}", "what each page spends today")
    _step(f"seatrial check{where}", "every gate, one verdict")
    _step(f'seatrial baseline accept{where} --all --reason "…"', "take on what it finds as known debt")
    jobs = [label(root, pipeline.path) for pipeline in pipelines]
    click.echo(f"  commit {', '.join(filter(None, (label(root, path), '.seatrial/' if ran else '', *jobs)))}")


def _step(what: str, why: str) -> None:
    click.echo(f"  {what:<52}  {why}")


def _line(word: str, text: str) -> None:
    click.echo(f"{word:<10}  {text}")
