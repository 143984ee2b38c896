"""The `seatrial` command: each subcommand in a module of its own, imported only when it is called."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType

import click

from seatrial import __version__
from seatrial.model.errors import ConfigurationError, SeatrialError
from seatrial.model.outcomes import ExitCode

# name -> (module, what it does): the help page needs no command's imports.
COMMANDS = {
    "check": ("seatrial.cli.check", "Every gate, one verdict: is this commit safe to ship?"),
    "routes": ("seatrial.cli.routes", "The route inventory, with who may see it, its limits and its statements."),
    "load": ("seatrial.cli.load", "Load on a running server: an open loop, and a verdict per endpoint."),
    "smoke": ("seatrial.cli.smoke", "A deployment from outside: ready, the right build, its defences on."),
    "compare": ("seatrial.cli.compare", "This working tree against a base revision: statements, rows, time, services."),
    "init": ("seatrial.cli.init", "Write the configuration, recorded budgets and an empty baseline for an app."),
    "baseline": ("seatrial.cli.baseline", "Accept known debt with a reason, or prune what is paid off."),
    "budgets": ("seatrial.cli.budgets", "Record what each route spends, or accept a rise with a reason."),
    "db": ("seatrial.cli.db", "Indexes on a live database: plan, upgrade, downgrade, verify, advise, adopt."),
    "webhooks": ("seatrial.cli.webhooks", "Webhook events that failed: try them again, list dead letters, requeue."),
    "rules": ("seatrial.cli.rules", "List the rules."),
    "explain": ("seatrial.cli.explain", "Explain a rule: claim, evidence, proof, fix."),
}


# Commands that import neither the app nor its libraries.
APART = ("load", "smoke", "rules", "explain")


class LazyGroup(click.Group):
    """Imports a subcommand when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        if name not in APART and not {"-h", "--help"}.intersection(sys.argv):
            importlib.import_module("seatrial.config.versions").refuse_unsupported()
        command: click.Command = importlib.import_module(COMMANDS[name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Errors that a person can mend end as sentences with the design's exit code, also under `flask seatrial`."""
        try:
            return super().invoke(ctx)
        except SeatrialError as error:
            mistakes = error.mistakes if isinstance(error, ConfigurationError) else (str(error),)
            for mistake in mistakes:
                click.echo(f"seatrial: {mistake}", err=True)
            ctx.exit(int(error.exit_code))
        except KeyboardInterrupt:
            click.echo("seatrial: interrupted; nothing was changed", err=True)
            ctx.exit(int(ExitCode.INTERRUPTED))


@click.group(name="seatrial", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seatrial")
def group() -> None:
    """Sea trials for an existing Flask + SQLAlchemy codebase.

    Exit codes: 0 pass, 1 blocking findings, 2 configuration or usage, 3 a tool or the harness broke,
    4 baseline stale, 5 inconclusive, 130 interrupted.
    """


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Entry point of the `seatrial` script."""
    # Whoever ends us politely (a CI runner at its time limit) wants everything we started to end, too.
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        # Not standalone, click hands an exit code back instead of leaving with it.
        sys.exit(group.main(prog_name="seatrial", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.CONFIGURATION)
    except click.Abort:
        click.echo("seatrial: interrupted; nothing was changed", err=True)
        sys.exit(ExitCode.INTERRUPTED)
