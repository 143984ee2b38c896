"""A few lines of the target's source around a finding. What looks like a secret in them is masked."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.config import hide
from seatrial.reports.redact import MASK, scrub
from seatrial.reports.rows import relative

AROUND = 3
WIDEST = 240
LARGEST = 1_000_000
"""Bytes of a file that is looked into."""
# A literal that is bound to a name which sounds secret: in an assignment, a keyword, a dict, a YAML or .env file.
_BOUND = re.compile(
    r"""(?P<name>(?:secret|passw|token|api_?key|credential|private_?key|dsn|salt)\w*["'\]]*\s*(?::[^=,"']{0,40})?[=:]\s*)
    (?P<quote>[rbfu]{0,2}["'])(?P<value>[^"'\n]+)(?P<end>["']?)""",
    re.VERBOSE | re.IGNORECASE,
)
_DRAWING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of one file."""

    path: str
    """Relative to the repository."""
    line: int
    """The one that is meant."""
    lines: tuple[tuple[int, str], ...]
    """(number, text)."""


@dataclass(frozen=True, slots=True)
class Source:
    """The target's files. Each is read once; what is none of its files is never read."""

    root: Path
    prefix: str = ""
    """Folder of the target in its repository; paths of findings begin with it."""
    secrets: frozenset[str] = frozenset()
    """Values of the configuration that must not be shown."""
    _read: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def around(self, path: str, line: int) -> Excerpt | None:
        """The lines around this one, or None where there is no such line."""
        lines = self._lines(path)
        if not 1 <= line <= len(lines):
            return None
        first = max(line - AROUND, 1)
        shown = lines[first - 1 : line + AROUND]
        return Excerpt(path, line, tuple((first + n, self._shown(text)) for n, text in enumerate(shown)))

    def first(self, places: Iterable[tuple[str, int]], most: int) -> list[Excerpt]:
        """Of these places those that can be shown, at most so many."""
        found: list[Excerpt] = []
        for path, line in places:
            if len(found) == most:
                break
            if (excerpt := self.around(path, line)) is not None:
                found.append(excerpt)
        return found

    def _lines(self, path: str) -> tuple[str, ...]:
        if path not in self._read:
            self._read[path] = self._load(path)
        return self._read[path]

    def _load(self, path: str) -> tuple[str, ...]:
        inside = path.removeprefix(f"{self.prefix}/") if self.prefix else path
        if not relative(inside):
            return ()
        file = self.root / inside
        try:
            # A link out of the project is not followed: whatever lies there is none of the app's source.
            if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.root)) or not file.is_file():
                return ()
            if file.stat().st_size > LARGEST:
                return ()
            return tuple(file.read_text(encoding="utf-8", errors="replace").splitlines())
        except (OSError, ValueError):
            return ()

    def _shown(self, text: str) -> str:
        text = hide(text.expandtabs(4), set(self.secrets))
        text = _BOUND.sub(lambda found: f"{found['name']}{found['quote']}{MASK}{found['end']}", scrub(text))
        text = _DRAWING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
        return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
