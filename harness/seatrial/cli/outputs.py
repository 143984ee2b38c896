"""Where `seatrial check` writes its result: options, a look before the run, and the writing itself."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import click

from seatrial.cli import options
from seatrial.collecting import without_collector
from seatrial.config import Settings, secrets
from seatrial.model.errors import ConfigurationError
from seatrial.model.result import Result

FORMATS: Mapping[str, str] = {
    "json": "Write the result as JSON.",
    "junit": "Write the result as JUnit XML.",
    "sarif": "Write the findings as SARIF 2.1.0.",
    "gitlab": "Write the findings for GitLab Code Quality.",
    "markdown": "Write the report as Markdown, for a comment of at most 65,536 characters.",
    "html": "Write the report as one HTML file, with the trend of earlier runs.",
}
GITHUB = "Annotate the findings in the log of GitHub Actions and write the job's summary."


@dataclass(frozen=True, slots=True)
class Outputs:
    """What was asked for: a file by format, and whether GitHub reads the log."""

    files: Mapping[str, Path] = field(default_factory=dict)
    github: bool = False

    @property
    def asked(self) -> list[str]:
        return [f"--{name}" for name in self.files] + (["--github"] if self.github else [])

    @property
    def whole(self) -> str:
        """The file that has every finding, for the lines of the terminal that say how to see more."""
        return next((str(self.files[name]) for name in ("json", "html") if name in self.files), "")

    def check(self) -> None:
        """Look before minutes are spent on a run whose result could not be written.

        Raises:
            ConfigurationError: Names every file that cannot be written, or is named twice.
        """
        mistakes = []
        named: dict[Path, str] = {}
        for name, path in self.files.items():
            other = named.setdefault(Path(os.path.realpath(path)), name)
            if other != name and not _is_stream(path):
                mistakes.append(f"--{other} and --{name} name one file, {path}: give each a file of its own")
            if why := _unwritable(path):
                mistakes.append(
                    f"--{name} {path} cannot be written: {why}. Name a file in a folder that can be written."
                )
        if mistakes:
            raise ConfigurationError(*mistakes)

    @without_collector()
    def write(self, result: Result, settings: Settings, *, where: str = "", scope: str = "") -> list[str]:
        """Write every file. One that fails does not cost the others.

        Returns:
            Sentences for the person: what went without (no trend, no summary).

        Raises:
            ConfigurationError: With every file that could not be written.
        """
        if not self.asked:
            return []
        # A run without reports does not wait for jinja2 and the rest.
        from seatrial.reports import github, gitlab, html_report, json_report, junit, markdown, sarif
        from seatrial.reports.rows import rows
        from seatrial.verdict import history

        prefix = in_repository(settings.root)
        found = rows(result, prefix=prefix)
        notes: list[str] = []
        mistakes: list[str] = []

        def page(path: Path) -> None:
            run = history.of(result, scope=scope, commit=history.commit_of(settings.root))
            folder = settings.state_folder / "history"
            earlier = history.load(folder, scope)
            source = html_report.Source(settings.root, prefix, frozenset(secrets(settings)))
            html_report.write(result, found, path, runs=[*earlier, run], source=source, where=where)
            notes.extend(filter(None, [history.add(folder, run)]))

        writers: dict[str, Callable[[Path], None]] = {
            "json": lambda path: json_report.write(result, path),
            "junit": lambda path: junit.write(result, path),
            "sarif": lambda path: sarif.write(result, found, path, prefix=prefix),
            "gitlab": lambda path: gitlab.write(found, path),
            "markdown": lambda path: markdown.write(result, found, path, where=where),
            "html": page,
        }
        for name, path in self.files.items():
            try:
                writers[name](path)
            except ConfigurationError as error:
                mistakes += error.mistakes
        if self.github:
            github.write_annotations(result, found, sys.stdout)
            try:
                notes += filter(None, [github.write_summary(result, found, os.environ, where=where)])
            except ConfigurationError as error:
                mistakes += error.mistakes
        self._say(notes, sys.stderr)
        if mistakes:
            raise ConfigurationError(*mistakes)
        return notes

    @staticmethod
    def _say(notes: list[str], stream: TextIO) -> None:
        for note in notes:
            click.echo(f"seatrial: {note}", file=stream)


def given() -> options.Decorator:
    """The options, handed over as one `outputs`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def collected(*arguments: Any, github: bool, **named: Any) -> Any:
            files = {name: file for name in FORMATS if (file := named.pop(f"{name}_file")) is not None}
            return function(*arguments, outputs=Outputs(files, github), **named)

        command: Callable[..., Any] = click.option("--github", is_flag=True, help=GITHUB)(collected)
        for name, what in reversed(list(FORMATS.items())):
            command = options.output(name, what)(command)
        return command

    return decorate


def in_repository(root: Path) -> str:
    """The target's folder in its repository, POSIX; empty where they are the same or no repository is found.

    Reports for other programs name files as the repository does. No git program is needed for that: a CI may have none.
    """
    real = root.resolve()
    # A folder in a clone, a file in a worktree or a submodule.
    top = next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), None)
    named = (os.environ.get(name) for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"))
    for folder in [top] if top else [Path(name).resolve() for name in named if name]:
        if real.is_relative_to(folder):
            inside = real.relative_to(folder).as_posix()
            return "" if inside == "." else inside
    return ""


def _unwritable(path: Path) -> str:
    """Why a file cannot be made or replaced here, as far as that can be told beforehand."""
    if _is_stream(path):
        return ""
    folder = Path(os.path.realpath(path)).parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is no folder"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"nothing can be written to {folder}"


def _is_stream(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()
