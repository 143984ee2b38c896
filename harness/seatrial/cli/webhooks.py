"""`seatrial webhooks retry | dead | requeue`: the kit's commands, for whoever has no `flask` at hand.

The app is built here as in production, with its own configuration: nothing of `[tool.seatrial.env]` is set, and no
database of a trial is used.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
from flask import Flask
from flask.cli import ScriptInfo

from seatrial.config.locate import find_home
from seatrial.kit.webhooks.commands import group
from seatrial.model.errors import ConfigurationError


class ProductionApp(ScriptInfo):
    """Flask's own way from `module:name` to an app."""

    def load_app(self) -> Flask:
        """Raises ConfigurationError, where the app's own code raises."""
        try:
            return super().load_app()
        except click.ClickException:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"the app cannot be built: {type(error).__name__}: {error}. Run this command where the app runs, "
                "with its environment"
            ) from error


@click.group(name="webhooks", commands=dict(group.commands))
@click.option("--app", metavar="MODULE:NAME", help="The app; default: $FLASK_APP, then app of [tool.seatrial].")
@click.pass_context
def command(ctx: click.Context, app: str | None) -> None:
    """Webhook events that failed: try them again, list dead letters, requeue them. Runs the app as in production."""
    if app is None and ctx.find_object(ScriptInfo) is not None:
        return  # under `flask seatrial`, which has its own --app
    ctx.obj = ProductionApp(app_import_path=app or _flask_app() or _configured())


def _flask_app() -> str | None:
    return os.environ.get("FLASK_APP")


def _configured() -> str:
    """`app` of the configuration. Only that is read: the rest is about trials, and may name what is not here."""
    home, _ = find_home(Path(), None)
    app = home.table.get("app") if home else None
    if isinstance(app, str):
        return app
    raise ConfigurationError("no app is named: give --app MODULE:NAME, or set FLASK_APP")
