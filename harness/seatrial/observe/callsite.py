"""Which line of the target's own files sent a statement: Python or Jinja.

The walk up the stack costs a few microseconds, so the recorder asks for it on repeats only. What it keeps is a file
name and a number; the line's text is read after the request.
"""

import linecache
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from seatrial.model.evidence import Load
from seatrial.model.findings import Place

_FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox"})


class Site(NamedTuple):
    """A line as found in a frame."""

    path: str
    """Relative to its root, POSIX."""
    line: int
    file: str
    """As the frame names it, for reading the text."""


class Origin(NamedTuple):
    """What an attribution knows of one execution; see `model.evidence.Statement` for what the fields mean."""

    place: Place | None = None
    relationship: str = ""
    """`User.posts` when a relationship's loader sent it."""
    load: Load = Load.NONE
    to_many: bool = False
    owner: str = ""
    entity: str = ""
    columns: tuple[str, ...] = ()
    api: str = ""
    template: Place | None = None


class CallSites:
    """Finds the target's own lines in the stack of the current thread.

    `roots` are the target's folders; paths are relative to the first that holds the file. Virtual environments inside
    a root are not the target's own. One object serves all requests: what it learned of a file name is kept.
    """

    def __init__(self, *roots: str | Path) -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._paths: dict[str, str | None] = {}

    def find(self, depth: int = 1) -> Site | None:
        """The nearest own frame above the caller's frame (`depth` frames up), or None."""
        known = self._paths
        for frame in _frames(depth + 1):
            name = frame.f_code.co_filename
            path = known[name] if name in known else self._path(name)
            if path is None:
                continue
            if not name.endswith(".py"):
                template = frame.f_globals.get("__jinja_template__")
                if template is not None:  # compiled template code: its line numbers are not the template's
                    return Site(path, template.get_corresponding_lineno(frame.f_lineno), name)
            return Site(path, frame.f_lineno, name)
        return None

    def at(self, file: str, line: int) -> Place | None:
        """The place of a line that a traceback names, or None where the file is not the target's own."""
        path = self._path(file)
        return None if path is None else Place(path, line, line_text(file, line))

    def place(self, site: Site) -> Place:
        """With the text of the line; empty where the file cannot be read."""
        return Place(site.path, site.line, line_text(site.file, site.line))

    # What the recorder asks of an attribution (`statements.Attribution`).
    def note(self, context: Any, nth: int) -> Site | None:
        return self.find(2)

    def read(self, note: Site) -> Origin:
        return Origin(self.place(note))

    def _path(self, name: str) -> str | None:
        if name not in self._paths:
            self._paths[name] = self._relative(name)
        return self._paths[name]

    def _relative(self, name: str) -> str | None:
        if name.startswith("<"):  # <string>, <template>, <frozen importlib>
            return None
        absolute = os.path.realpath(name)
        for root in self._roots:
            if absolute.startswith(root + os.sep):
                path = Path(absolute[len(root) + 1 :])
                return None if _FOREIGN.intersection(path.parts) else path.as_posix()
        return None


def call_site(*roots: str | Path) -> CallSites:
    """The attribution that names only the line: `record(attribute=call_site("/app"))`."""
    return CallSites(*roots)


def _frames(depth: int) -> Iterator[FrameType]:
    """Frames from `depth` above the caller outwards, then those of the parent greenlets."""
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None:
        yield frame
        frame = frame.f_back
    # AsyncSession runs SQL in a child greenlet, whose stack ends at the switch.
    greenlet = sys.modules.get("greenlet")
    parent = greenlet.getcurrent().parent if greenlet is not None else None
    while parent is not None:
        frame = parent.gr_frame
        while frame is not None:
            yield frame
            frame = frame.f_back
        parent = parent.parent


def line_text(file: str, line: int) -> str:
    """One line without its newline, whatever the file's encoding; empty where there is no such line."""
    text = linecache.getline(file, line)  # honours a coding cookie, and gives nothing where that fails
    if not text:
        lines = _lines(file)
        text = lines[line - 1] if 0 < line <= len(lines) else ""
    return text.rstrip("\r\n")


@lru_cache(maxsize=64)
def _lines(file: str) -> tuple[str, ...]:
    try:
        return tuple(line.decode("utf-8", "replace") for line in Path(file).read_bytes().splitlines())
    except OSError:
        return ()
