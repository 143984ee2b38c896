"""What may reach a terminal: no control characters of the target's, no secrets, nothing its encoding cannot show."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from rich.console import Console

from seatrial.reports.redact import scrub

LOG_WIDTH = 100
"""Columns where the output is no terminal and `COLUMNS` is not set (CI logs): rich would take 80."""
WIDEST = 110
"""Lines longer than this are hard to follow, however wide the window is."""

# Escape sequences, and the characters that turn the direction of text around: the target's text must not draw.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN: Mapping[int, str] = {
    ord("…"): "...",
    ord("→"): "->",
    ord("—"): "-",
    ord("·"): "|",
    ord("“"): '"',
    ord("”"): '"',
    0x00D7: "x",  # multiplication sign
    0x2013: "-",  # en dash
    0x2018: "'",
    0x2019: "'",
    0x2264: "<=",
    0x2265: ">=",
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    block: str = "✗"
    warn: str = "▲"
    info: str = "•"
    passed: str = "✓"
    arrow: str = "→"
    dot: str = "·"
    line: str = "─"


ASCII = Glyphs(block="x", warn="!", info="*", passed="ok", arrow="->", dot="|", line="-")


@dataclass(frozen=True, slots=True)
class Pen:
    """Turns any text into what this console can show."""

    encoding: str = "utf-8"

    @classmethod
    def of(cls, console: Console) -> "Pen":
        return cls(console.encoding)

    @property
    def full(self) -> bool:
        return self.encoding.lower().replace("_", "-").startswith("utf")

    @property
    def glyphs(self) -> Glyphs:
        return Glyphs() if self.full else ASCII

    def say(self, text: str) -> str:
        """One line: blanks collapsed, control characters shown as `\\x1b`, secrets masked."""
        line = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", " ".join(scrub(text).split()))
        return line if self.full else self.fitting(line)

    def fitting(self, text: str) -> str:
        """The same in the console's encoding: typographic signs become plain ones, the rest `\\u2713`."""
        if self.full:
            return text
        return text.translate(_PLAIN).encode(self.encoding, "backslashreplace").decode(self.encoding)


def make_console(stream: IO[str] | None = None, *, environ: Mapping[str, str] | None = None) -> Console:
    """A console for the report. NO_COLOR, FORCE_COLOR, COLUMNS and TERM=dumb are honoured (by rich).

    Args:
        stream: Where to write; standard output when None.
        environ: For tests; the real environment when None.
    """
    file = stream if stream is not None else sys.stdout
    known = dict(os.environ if environ is None else environ)
    fixed = None if is_terminal(file) or known.get("COLUMNS", "").isdigit() else LOG_WIDTH
    return Console(file=file, width=fixed, markup=False, emoji=False, highlight=False, _environ=known)


def is_terminal(file: IO[str]) -> bool:
    """Whether somebody sits there. Not `console.is_terminal`, which FORCE_COLOR makes true in CI logs as well."""
    try:
        return file.isatty()
    except (AttributeError, ValueError):
        return False
