"""`seatrial smoke URL…`: is what was deployed ready, the right build, and defended? Changes nothing.

Imports little before the first request: a deploy script waits for it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli import options

if TYPE_CHECKING:
    from seatrial.config.deployed import Deployed
    from seatrial.model.result import Result
    from seatrial.smoke.course import Smoked
    from seatrial.smoke.plan import Plan

INTERVAL_S = 10.0
FIRST_WORD_S, EVERY_S = 2.0, 5.0
"""After which what is waited for is said, and how often."""


@click.command(name="smoke")
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option(
    "--routes",
    "routes_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Inventory written by `seatrial routes --export`.",
)
@click.option("--expect-commit", metavar="SHA", default="", help="The commit that must answer; it is waited for.")
@click.option("--token", metavar="TOKEN", default="", help="Of the monitor, for statements; or env:NAME.")
@click.option(
    "--probe-limits", is_flag=True, help="Try the log-in until its limit refuses: locks this address out a while."
)
@click.option("--ready", "ready_s", type=click.FloatRange(0), metavar="S", help="Budget for readiness; default 60.")
@click.option("--watch", is_flag=True, help="Again and again, until a round fails.")
@click.option("--interval", type=click.FloatRange(0.1), default=INTERVAL_S, metavar="S", help="Of --watch; default 10.")
@click.option(
    "--for", "for_s", type=click.FloatRange(0.1), metavar="S", help="How long --watch lasts; default: Ctrl-C."
)
@options.config_file()
@options.output("json", "Write the result as JSON.")
@options.output("junit", "Write the result as JUnit XML.")
@options.output("markdown", "Write the result as Markdown, for a comment.")
@click.pass_context
def command(
    ctx: click.Context,
    urls: tuple[str, ...],
    routes_file: Path | None,
    expect_commit: str,
    token: str,
    probe_limits: bool,
    ready_s: float | None,
    watch: bool,
    interval: float,
    for_s: float | None,
    config_file: Path | None,
    json_file: Path | None,
    junit_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """A deployment from outside: ready, the right build, its pages there, its defences on."""
    from seatrial.config import exported
    from seatrial.config.deployed import load_deployed
    from seatrial.model.errors import ConfigurationError
    from seatrial.smoke.plan import Wishes, plan
    from seatrial.smoke.run import smoke_all

    if for_s is not None and not watch:
        raise ConfigurationError("--for says how long --watch lasts: give both, or neither")
    deployed = load_deployed(Path(), config_file.resolve() if config_file else None)
    inventory = exported.read(routes_file) if routes_file else None
    wishes = Wishes(expect_commit.strip(), _token(token), probe_limits, ready_s)
    plans = [plan(url, deployed, inventory, wishes) for url in dict.fromkeys(urls)]
    if watch:
        found, result = _watched(plans, deployed, interval, for_s)
    else:
        found = smoke_all(plans, _Waiting())
        from seatrial.smoke.report import result_of

        result = result_of(found, deployed.rules)
    _reported(result, found, json_file, junit_file, markdown_file)
    ctx.exit(int(result.exit_code))


def _token(text: str) -> str:
    """As given, or from the environment: what stands on a command line can be read by everybody on the machine."""
    from seatrial.config.fill import reference
    from seatrial.model.errors import ConfigurationError

    name = reference(text)
    if name is None:
        return text
    if not os.environ.get(name):
        raise ConfigurationError(
            f"--token {text}: the environment variable {name} is not set; set it before you run smoke"
        )
    return os.environ[name]


class _Waiting:
    """Says what is waited for, now and then: a deploy script shows it while nothing else happens."""

    def __init__(self) -> None:
        self._next = time.monotonic() + FIRST_WORD_S

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY_S
            click.echo(f"seatrial: {text}", err=True)


def _watched(
    plans: Sequence[Plan], deployed: Deployed, interval: float, for_s: float | None
) -> tuple[list[Smoked], Result]:
    from seatrial.smoke.report import result_of, sentence_of, told, verdict
    from seatrial.smoke.watch import Round, watch

    def each(number: int, done: Round) -> None:
        found, result = done
        hosts = "; ".join(told(one) for one in found) if number == 1 else ""
        line = f"{time.strftime('%H:%M:%S')} round {number}: {verdict(result)[0]}  {sentence_of(result)}"
        click.echo(f"{line}{f' ({hosts})' if hosts else ''}", err=True)

    return watch(
        plans,
        interval_s=interval,
        for_s=for_s,
        result_of=lambda found: result_of(found, deployed.rules),
        each=each,
        said=_Waiting(),
    )


def _reported(
    result: Result, found: Sequence[Smoked], json_file: Path | None, junit_file: Path | None, markdown_file: Path | None
) -> None:
    from seatrial.reports import junit
    from seatrial.reports.pen import make_console
    from seatrial.smoke import report
    from seatrial.verdict.files import write_atomic

    if json_file:
        write_atomic(json_file, report.to_json(result, found), way_out="Name another file with --json.")
    if junit_file:
        junit.write(result, junit_file)
    if markdown_file:
        write_atomic(markdown_file, report.markdown(result, found), way_out="Name another file with --markdown.")
    report.render(result, found, make_console(sys.stdout))
