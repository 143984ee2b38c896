"""The report in pytest's own terminal section: the same as `seatrial check` shows, with fewer lines per rule."""

from __future__ import annotations

import io
import os
import shutil
import sys

import pytest
from rich.console import Console

from seatrial import rules
from seatrial.model.result import Result
from seatrial.reports import terminal
from seatrial.reports.pen import make_console

PER_RULE = 3
IN_ALL = 30
"""pytest has shown every failure already; what it lacks is the verdict."""
WHOLE_REPORT = "with seatrial check --json FILE"


class _Page(io.StringIO):
    """A page in the terminal's encoding, so that the report draws nothing which the terminal cannot show."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self.encoding = getattr(sys.stdout, "encoding", None) or "utf-8"


def show(result: Result, reporter: pytest.TerminalReporter) -> None:
    """Print the report of a result."""
    page = _Page()
    claims = {rule.code: rule.claim for rule in rules.registered()}
    terminal.render(result, console(page, reporter), claims=claims, per_rule=PER_RULE, in_all=IN_ALL)
    put(page, reporter, "seatrial")


def console(page: io.StringIO, reporter: pytest.TerminalReporter) -> Console:
    """Draws on a page as wide as the terminal, in colour where pytest's own output is."""
    environ = {**os.environ, "COLUMNS": str(shutil.get_terminal_size((100, 24)).columns)}
    for name in ("FORCE_COLOR", "NO_COLOR"):
        environ.pop(name, None)
    environ["FORCE_COLOR" if reporter.hasmarkup else "NO_COLOR"] = "1"
    return make_console(page, environ=environ)


def page() -> io.StringIO:
    return _Page()


def put(page: io.StringIO, reporter: pytest.TerminalReporter, title: str) -> None:
    reporter.section(title)
    for line in page.getvalue().rstrip().split("\n"):
        reporter.write_line(line)
