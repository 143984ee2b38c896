"""What is being done right now, on standard error: a moving line for a person, an occasional plain one for a log."""

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from seatrial.reports.pen import Pen, is_terminal, make_console


class Progress:
    """Use as a context manager. Nothing is left on the screen of a terminal when it closes.

    Args:
        console: Where to write; standard error when None.
        every_s: In a log, the least seconds between two lines of one stage.
        clock: Seconds, monotonic; for tests.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        every_s: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console or make_console(sys.stderr)
        self._pen = Pen.of(self._console)
        self._every_s = every_s
        self._clock = clock
        self._stage = ""
        self._last = clock()
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> "Progress":
        if self._live():
            self._bars = Bars(
                SpinnerColumn("dots" if self._pen.full else "line", style="cyan"),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24, complete_style="cyan", finished_style="cyan"),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                # The report goes to standard output while this one is still alive: leave the streams alone.
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
            self._task = None

    def stage(self, text: str) -> None:
        """A new stage begins; its length is not known yet."""
        self._stage = self._pen.say(text)
        if self._bars is None:
            self._line(self._stage)
            return
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(self._stage, total=None)

    def advance(self, done: int, total: int, text: str = "") -> None:
        """So much of the stage is done; `text` says what is in hand."""
        detail = self._pen.say(text)
        if self._bars is None:
            if self._clock() - self._last >= self._every_s:
                self._line(f"{self._stage}: {done}/{total}{' ' + detail if detail else ''}")
            return
        if self._task is None:
            self._task = self._bars.add_task(self._stage)
        # Room for bar, counter and clock; a line that wraps would not be taken back.
        room = max(self._console.width - 50, 10)
        label = f"{self._stage} {detail}".strip()
        self._bars.update(self._task, completed=done, total=total, description=label[:room])

    def _live(self) -> bool:
        dumb = self._console.is_dumb_terminal or bool(os.environ.get("CI"))
        return is_terminal(self._console.file) and not dumb

    def _line(self, text: str) -> None:
        self._last = self._clock()
        self._console.print(f"seatrial: {text}", soft_wrap=True, style="dim")
