"""Progress: a moving line for a person, plain occasional lines for a log, nothing on standard output."""

import io

import pytest

from seatrial.reports.pen import make_console
from seatrial.reports.progress import Progress


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Tty(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_per_stage_and_one_now_and_then():
    stream, clock = io.StringIO(), Clock()
    with Progress(make_console(stream, environ={}), every_s=15, clock=clock) as progress:
        progress.stage("Discovering routes")
        progress.stage("Growing rows")
        for done in range(1, 101):
            clock.now += 1
            progress.advance(done, 100, "GET /items/ [owner]")
    assert stream.getvalue().splitlines() == [
        "seatrial: Discovering routes",
        "seatrial: Growing rows",
        *(f"seatrial: Growing rows: {done}/100 GET /items/ [owner]" for done in range(15, 101, 15)),
    ]


@pytest.mark.parametrize("environ", [{"TERM": "xterm", "CI": ""}])
def test_a_person_gets_a_moving_line_that_is_taken_back(environ, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    stream = Tty()
    with Progress(make_console(stream, environ={**environ, "COLUMNS": "100"})) as progress:
        progress.advance(0, 0)
        progress.stage("Growing [rows]")
        progress.advance(3, 8, "GET /items/ [owner]")
    text = stream.getvalue()
    assert "Growing [rows]" in text
    assert "3/8" in text
    assert text.endswith("\x1b[1A\x1b[2K")


def test_ci_gets_lines_even_with_a_terminal(monkeypatch):
    monkeypatch.setenv("CI", "true")
    stream = Tty()
    with Progress(make_console(stream, environ={"TERM": "xterm", "NO_COLOR": "1"})) as progress:
        progress.stage("Growing rows")
    assert "\x1b[?25l" not in stream.getvalue()
    assert "seatrial: Growing rows" in stream.getvalue()


def test_nothing_goes_to_standard_output(capsys):
    with Progress() as progress:
        progress.stage("Growing rows")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Growing rows" in captured.err


def test_the_targets_text_cannot_draw():
    stream = io.StringIO()
    with Progress(make_console(stream, environ={}), every_s=0) as progress:
        progress.stage("a\x1b[2J")
        progress.advance(1, 2, "b\x07")
    assert "\x1b" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()
