"""Paths and lines of the target, as findings name them."""

import os
import re
import sys
import tempfile
import tokenize
from collections.abc import Iterable
from functools import cached_property
from io import BytesIO
from pathlib import Path

from seatrial.model.findings import Place

_LONGEST = 300


class Sources:
    """The target's tree, read as the tools read it. One object serves one tool, so it needs no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lines: dict[str, list[str]] = {}

    @cached_property
    def _roots(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((os.path.normpath(self.root), os.path.realpath(self.root))))

    def relative(self, path: str) -> str | None:
        """A path as a tool printed it, relative to the root, POSIX; None where it lies outside."""
        absolute = os.path.normpath(os.path.join(self.root, path))
        # By name first: a link inside the tree is the target's own file, wherever it points.
        for candidate in (absolute, os.path.realpath(absolute)):
            for root in self._roots:
                if candidate.startswith(root.rstrip(os.sep) + os.sep):
                    return Path(candidate[len(root.rstrip(os.sep)) + 1 :]).as_posix()
        return None

    def place(self, path: str, line: int) -> Place:
        """`path` is relative. The text is empty where the file has no such line."""
        lines = self._read(path)
        return Place(path, line, lines[line - 1] if 0 < line <= len(lines) else "")

    def _read(self, path: str) -> list[str]:
        if path not in self._lines:
            try:
                content = (self.root / path).read_bytes()
            except OSError:
                content = b""
            self._lines[path] = _decoded(content)
        return self._lines[path]


def _decoded(content: bytes) -> list[str]:
    """Lines in the file's declared encoding, else as UTF-8 whose stray bytes survive into the fingerprint."""
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        text = content.decode("utf-8", "surrogateescape")
    # Not splitlines(): it also splits at form feeds and U+2028, where no tool counts a line.
    return re.split(r"\r\n|\r|\n", text)


def tidy(message: str, folders: Iterable[Path] = ()) -> str:
    """A tool's message for a report: one line, bounded, without absolute paths of this machine."""
    text = " ".join(message.split())
    known = {str(path) for folder in folders for path in (folder, Path(os.path.realpath(folder)))}
    for prefix in sorted(known, key=len, reverse=True):
        text = text.replace(prefix + "/", "").replace(prefix, ".")
    for prefix in sorted({sys.prefix, sys.base_prefix, tempfile.gettempdir(), str(Path.home())}, key=len, reverse=True):
        # `/` as a home would make every path of a URL look like one of this machine.
        if len(prefix) > 1:
            text = re.sub(rf"(?<![\w/.]){re.escape(prefix)}/", "…/", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
