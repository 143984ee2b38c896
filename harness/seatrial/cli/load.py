"""`seatrial load URL`: an open loop of requests on a running server, and what may be said of its latencies."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import click

from seatrial.cli import options
from seatrial.config import Settings, exported
from seatrial.load import hosts, limit, page, report, tasks
from seatrial.load.arrivals import Kind, stretches
from seatrial.load.plan import LogIn, Plan
from seatrial.load.run import Role, run
from seatrial.load.tally import pooled
from seatrial.load.verdict import LoadVerdict, judge
from seatrial.model.errors import ConfigurationError
from seatrial.model.load import Demands
from seatrial.reports.pen import make_console
from seatrial.reports.progress import Progress
from seatrial.verdict.files import write_atomic

BATCHES = 3
"""Pooled at most, where one alone is inconclusive."""
FEWEST_SENDERS, MOST_SENDERS = 10, 1000


@dataclass(frozen=True, slots=True)
class Wishes:
    """The command line, checked."""

    rate: str
    duration: float
    warm_up: float
    timeout: float
    senders: int | None
    arrivals: Kind
    workers: int
    demands: Demands

    def plan(self, url: str, chosen: tasks.Chosen, logins: Mapping[str, LogIn], rate: str = "") -> Plan:
        """One batch."""
        rate = rate or self.rate
        parts = stretches(rate, self.duration, self.warm_up)
        fastest = max(max(part.first, part.last) for part in parts)
        # As many as arrive while the server stands still for a second, and some more.
        senders = self.senders or int(min(MOST_SENDERS, max(FEWEST_SENDERS, 1.2 * fastest)))
        needed = {task.identity for task in chosen.tasks}
        return Plan(
            url=url,
            tasks=chosen.tasks,
            stretches=parts,
            result="",
            rate=rate,
            kind=self.arrivals,
            warm_up_s=self.warm_up,
            senders=max(senders, self.workers),
            workers=self.workers,
            timeout_s=self.timeout,
            logins={name: login for name, login in logins.items() if name in needed},
            demands=chosen.demands,
            default=self.demands,
        )


@click.command(name="load")
@click.argument("url")
@click.argument("locust_arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- LOCUST OPTIONS]")
@click.option(
    "--routes",
    "routes_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Inventory written by `seatrial routes --export`; default: the app in this folder is asked.",
)
@click.option("--rate", default="10", metavar="N", help="Requests per second: 50, a ramp 10..100, or steps 10,20,40.")
@click.option("--duration", type=click.FloatRange(1), default=60.0, metavar="S", help="Of one batch; default 60.")
@click.option("--warm-up", type=click.FloatRange(0), default=2.0, metavar="S", help="Not measured; default 2.")
@click.option("--p99", type=click.FloatRange(0, min_open=True), default=200.0, metavar="MS", help="Default 200.")
@click.option("--p95", type=click.FloatRange(0, min_open=True), metavar="MS", help="Demanded as well, where given.")
@click.option("--p50", type=click.FloatRange(0, min_open=True), metavar="MS", help="Demanded as well, where given.")
@click.option("--errors", type=click.FloatRange(0, 1), default=0.01, metavar="SHARE", help="Allowed; default 0.01.")
@click.option(
    "--weights",
    "weights_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Lines `WEIGHT METHOD /rule`, an access log, or a .toml file of tasks.",
)
@click.option(
    "--users",
    "user_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A locustfile of your own, whose users join the open loop.",
)
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="What is typed into the log-in form.")
@click.option("--arrivals", type=click.Choice(["poisson", "even"]), default="poisson", help="Default poisson.")
@click.option("--senders", type=click.IntRange(1), metavar="N", help="Requests that may wait at once; default by rate.")
@click.option("--timeout", type=click.FloatRange(0.1), default=10.0, metavar="S", help="Per request; default 10.")
@click.option("--batches", type=click.IntRange(1), default=BATCHES, help="Pooled while inconclusive; default 3.")
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes that send, on all machines.")
@click.option("--master", is_flag=True, help="Wait for the --workers that are started on other machines.")
@click.option("--worker", is_flag=True, help="Send for the master at --master-host.")
@click.option("--master-host", default="127.0.0.1", help="Address of the master (what it binds to, or is found at).")
@click.option("--master-port", type=click.IntRange(1, 65535), default=5557, help="Default 5557.")
@click.option("--find-limit", is_flag=True, help="Raise the rate until the limits break, and report the knee.")
@click.option("--inconclusive", type=click.Choice(["pass", "fail"]), default="fail", help="Default fail: exit code 5.")
@click.option("--allow-host", "allowed", multiple=True, metavar="HOST", help="A host that is not this machine.")
@options.config_file()
@options.output("json", "Write the result as JSON.")
@options.output("html", "Write the result as one HTML file with pictures.")
@click.pass_context
def command(
    ctx: click.Context,
    url: str,
    locust_arguments: tuple[str, ...],
    routes_file: Path | None,
    rate: str,
    duration: float,
    warm_up: float,
    p99: float,
    p95: float | None,
    p50: float | None,
    errors: float,
    weights_file: Path | None,
    user_files: tuple[Path, ...],
    fields: tuple[str, ...],
    arrivals: Kind,
    senders: int | None,
    timeout: float,
    batches: int,
    workers: int,
    master: bool,
    worker: bool,
    master_host: str,
    master_port: int,
    find_limit: bool,
    inconclusive: Literal["pass", "fail"],
    allowed: tuple[str, ...],
    config_file: Path | None,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Load on a running server: an open loop, and a verdict per endpoint."""
    if importlib.util.find_spec("locust") is None:
        raise ConfigurationError("locust is not installed: pip install 'seatrial[load]'")
    if master and worker:
        raise ConfigurationError("--master and --worker: this process can be one of them")
    if find_limit and (master or worker):
        raise ConfigurationError("--find-limit starts its processes itself: give it --workers alone")
    wishes = Wishes(
        rate,
        duration,
        warm_up,
        timeout,
        senders,
        arrivals,
        workers,
        Demands(p99_ms=p99, p95_ms=p95, p50_ms=p50, errors=errors),
    )
    stretches(rate, duration)  # a mistake in it is told before anything is started
    settings = _settings(config_file, needed=routes_file is None)
    url = hosts.checked(url, [*allowed, *(settings.allow_hosts if settings else ())])
    kind = "master" if master else "worker" if worker else "local"
    role = Role(kind, master_host, master_port if kind != "local" else 0)
    with Progress() as progress:
        inventory = exported.read(routes_file) if routes_file else _asked(settings, progress)
        logins = _logins(inventory, settings, fields)
        chosen = tasks.generated(inventory, identities=logins, everything=weights_file is not None)
        if weights_file:
            chosen = tasks.weighted(chosen, inventory, weights_file, identities=logins)
        if not chosen.tasks and not user_files:
            raise ConfigurationError("there is no route to load", *chosen.notes)

        def batch(at: str = "") -> LoadVerdict | None:
            plan = wishes.plan(url, chosen, logins, at)
            measured = run(plan, role, users=user_files, extra=locust_arguments, progress=progress.stage)
            return judge(measured) if measured is not None else None

        knee = None
        if find_limit:
            knee, verdict = limit.find(_first(rate), lambda at: _known(batch(f"{at:g}")), seconds=duration)
        else:
            first = batch()
            if first is None:  # a worker: its master has the result
                return
            verdict = first
            for _ in range(batches - 1 if kind == "local" else 0):
                if not verdict.worth_another:
                    break
                verdict = judge(pooled(verdict.run, _known(batch()).run))
    code = verdict.exit_code(inconclusive_passes=inconclusive == "pass")
    if json_file:
        write_atomic(json_file, report.to_json(verdict, code, knee), way_out="Name another file with --json.")
    if html_file:
        text = page.page(verdict, knee=knee, notes=chosen.notes)
        write_atomic(html_file, text, way_out="Name another file with --html.")
    report.render(verdict, make_console(sys.stdout), notes=chosen.notes, knee=knee)
    ctx.exit(int(code))


def _known(verdict: LoadVerdict | None) -> LoadVerdict:
    assert verdict is not None, "only a worker has no result"
    return verdict


def _first(rate: str) -> float:
    try:
        return float(rate)
    except ValueError:
        raise ConfigurationError(f"--find-limit begins at one rate: write --rate 10 in place of {rate}") from None


def _settings(config_file: Path | None, *, needed: bool) -> Settings | None:
    """The configuration of the app in this folder. A load machine has none, and needs none."""
    try:
        return options.settings(Path(), config_file)
    except ConfigurationError:
        if needed or config_file is not None:
            raise
        return None


def _asked(settings: Settings | None, progress: Progress) -> dict[str, Any]:
    """The inventory of the app itself."""
    from seatrial.cli import routes

    assert settings is not None
    inventory, spent, _ = routes.take(settings, progress)
    return routes.exported(settings, inventory, spent)


def _logins(inventory: Mapping[str, Any], settings: Settings | None, given: tuple[str, ...]) -> dict[str, LogIn]:
    """Who can log in: identities of the configuration with a form, and the exported one with --field."""
    found = {i.name: LogIn(i.login, dict(i.fields)) for i in (settings.identities if settings else ()) if i.login}
    fields = dict(_field(text) for text in given)
    login = inventory.get("login")
    if not fields:
        return found
    if not login:
        raise ConfigurationError(
            "--field: the inventory knows no log-in form; export it anew with an identity that has one"
        )
    if missing := sorted(set(login.get("fields", ())) - fields.keys()):
        raise ConfigurationError(f"--field: the form of {login['path']} wants {', '.join(missing)} as well")
    named = login.get("identity") or next((r["identity"] for r in inventory["routes"] if r.get("auth") == "login"), "")
    before = found.get(named)
    merged = {**before.fields, **fields} if before else fields
    return {**found, named: replace(before, fields=merged) if before else LogIn(login["path"], merged)}


def _field(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ConfigurationError(f"--field {text}: write NAME=VALUE, or NAME=env:VARIABLE for a password")
    if value.startswith("env:"):
        variable = value.removeprefix("env:")
        if variable not in os.environ:
            raise ConfigurationError(f"--field {name}: the environment variable {variable} is not set")
        value = os.environ[variable]
    return name, value
