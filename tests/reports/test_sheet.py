"""Commands on the terminal: whatever the width, what is copied is what was meant."""

import io
import shlex
import subprocess

import pytest
from rich.console import Console

from seatrial.reports.sheet import Sheet

LONG = "GET /payrolls//download/<int:payroll_id>/of/<string:year>/as/<string:kind>/pdf"
COMMANDS = [
    "seatrial check",
    f"seatrial check --replay 0d822037 --only ERR005 --route {shlex.quote(LONG)}",
    f'seatrial baseline accept apps/shop --config apps/shop/legacy.toml --all --reason "{" ".join(["later"] * 20)}"',
]


def drawn(command: str, width: int) -> list[str]:
    stream = io.StringIO()
    Sheet(Console(width=width, file=stream)).command(command, 4)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 40, 80, 110])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_shell_reads_the_words_that_were_meant(command: str, width: int) -> None:
    pasted = "\n".join(drawn(command, width)).replace("seatrial", "printf '%s\\n'", 1)
    heard = subprocess.run(["sh", "-c", pasted], capture_output=True, text=True, check=True).stdout.splitlines()
    assert heard == shlex.split(command)[1:]


@pytest.mark.parametrize("width", [60, 80])
def test_lines_are_as_wide_as_the_console_and_an_option_stands_beside_its_value(width: int) -> None:
    first, *others = drawn(COMMANDS[2].partition(" --reason")[0] + " --reason later --route /a --ci", width)
    assert all(len(line) <= width for line in (first, *others))
    assert all(line.endswith(" \\") for line in (first, *others[:-1]))
    assert not any(line.removesuffix(" \\").endswith(("--config", "--reason", "--route")) for line in (first, *others))


def test_a_quote_that_nobody_closed_is_shown_as_it_is() -> None:
    assert drawn("seatrial explain it's", 80) == ["    seatrial explain it's"]
