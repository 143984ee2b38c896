"""Options and arguments that several commands share."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seatrial.config import Settings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def target() -> Decorator:
    """TARGET_DIR, by default the current directory."""
    return click.argument("target_dir", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())


def config_file() -> Decorator:
    return click.option(
        "--config",
        "config_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Configuration file; default: [tool.seatrial] of pyproject.toml, or seatrial.toml.",
    )


def settings(target_dir: Path, config_file: Path | None) -> Settings:
    """The checked configuration. Raises ConfigurationError that names every mistake, unknown rule codes included."""
    from seatrial import rules  # not at the top: smoke has no time for it
    from seatrial.config import load

    file = config_file.resolve() if config_file else None  # as typed: relative to where the command was called
    return load(target_dir.resolve(), file, rule_codes={rule.code for rule in rules.registered()})


def where(target_dir: Path, config_file: Path | None) -> str:
    """Target and configuration file as they were given, for commands that are to be pasted."""
    words = [] if target_dir == Path() else [shlex.quote(str(target_dir))]
    words += ["--config", shlex.quote(str(config_file))] if config_file else []
    return " ".join(words)


def output(name: str, what: str) -> Decorator:
    return click.option(f"--{name}", f"{name}_file", type=click.Path(dir_okay=False, path_type=Path), help=what)
