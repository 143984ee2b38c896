"""Which line of the target's own files sent a statement (Python or Jinja), from which template, by which function.

One walk up the stack answers all three. It costs a few microseconds, so the recorder asks only where it is told to.
What is kept is file names and numbers; template lines and the text of lines are worked out after the request.
"""

import linecache
import os
import sys
from functools import lru_cache
from pathlib import Path, PurePath
from types import CodeType, FrameType
from typing import Any, NamedTuple

import sqlalchemy

from seatrial.model.evidence import Load
from seatrial.model.findings import Place

_FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox"})
_SQLALCHEMY = os.path.dirname(sqlalchemy.__file__) + os.sep
# Decorators and greenlet switches around the functions that users call: `warned` would stand for Query.get().
_WRAPPERS = _SQLALCHEMY + "util" + os.sep
_TEMPLATE = "__jinja_template__"
"""Global name of compiled Jinja code (Jinja reads it itself, to rewrite tracebacks)."""
NOTED_FROM = 4
"""Frames from a trace to SQLAlchemy's own, where a `note` takes it: that itself, and two of the recorder."""
_ENTRY_FILE, _ENTRY = os.path.join(os.sep, "flask", "app.py"), "wsgi_app"
"""Where Flask takes a request: no template that stands outside of this frame renders for it."""


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


class _Own(NamedTuple):
    """A file of the target's."""

    path: str
    """Relative to its root, POSIX; empty for a template that no file holds."""
    template: bool


_Line = tuple[str, CodeType, int, Any]
"""A line as found in a frame: path as in `_Own`; the code that runs, and where in it, for a frame works out the number
of its line from the beginning of its code, which takes microseconds in a long template; the Jinja template that the
code was compiled from, or None."""

Trace = tuple[_Line | None, _Line | None, str]
"""What one walk up the stack found. Plain tuples, because they are the cheapest things to make:

0. the nearest line in a file of the target's, Python or template
1. the nearest line of a template, whoever it called to send the statement
2. the outermost function of SQLAlchemy's below 0: what the app, or a library for it, called
"""


class CallSites:
    """Finds the target's own lines in the stack of the current thread.

    `roots` are the target's folders; paths are relative to the first that holds the file. Virtual environments inside
    a root are not the target's own. Templates without a file (`DictLoader`, `render_template_string`) are: their place
    is their name, without a text. One object serves all requests: what it learned of a file name is kept.
    """

    def __init__(self, *roots: str | Path) -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._known: dict[str, _Own | bool] = {}
        """By file name: one of the target's own, True for SQLAlchemy's, False for any other."""
        self._templates: dict[str, bool | None] = {}
        """By file name, for the frames outside of the nearest own one, where nothing else is asked; None for the file
        that a request enters by."""

    def trace(self, depth: int = 1) -> Trace:
        """Walk outwards from the caller's frame (`depth` frames up), then through the parent greenlets.

        The hottest loops of attribution: forty frames are usual, and each is looked at once.
        """
        parents: _Parents | None = None
        known = self._known
        api = None
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            code = frame.f_code
            try:
                file = known[code.co_filename]
            except KeyError:
                file = self._learn(frame)
            if file is True:
                api = code
            elif file is not False:
                name = "" if api is None else api.co_name
                if not file.template:
                    return (file.path, code, frame.f_lasti, None), self._template(frame, parents), name
                own = _line(file, frame)
                # A template without a file has no line to show: the place is the line that renders it.
                return (own if file.path else self._outside(frame, parents)), own, name
            frame = frame.f_back
            if frame is None:
                parents = parents or _Parents()
                frame = parents.next_frame()
        return None, None, "" if api is None else api.co_name

    def _template(self, frame: FrameType, parents: "_Parents | None") -> _Line | None:
        """The nearest line of a template outside of a frame, as far as the request goes."""
        templates = self._templates
        outer = frame.f_back
        while True:
            if outer is None:
                parents = parents or _Parents()
                outer = parents.next_frame()
                if outer is None:
                    return None
            code = outer.f_code
            try:
                found = templates[code.co_filename]
            except KeyError:
                self._learn(outer)
                found = templates[code.co_filename]
            if found is None:
                if code.co_name == _ENTRY:
                    return None
            elif found:
                file = self._known[code.co_filename]
                if not isinstance(file, bool):
                    return _line(file, outer)
            outer = outer.f_back

    def _outside(self, frame: FrameType, parents: "_Parents | None") -> _Line | None:
        """The nearest line in a file of the target's outside of a frame."""
        parents = parents or _Parents()
        outer = frame.f_back or parents.next_frame()
        while outer is not None:
            file = self._learn(outer)
            if not isinstance(file, bool) and file.path:
                return _line(file, outer)
            outer = outer.f_back or parents.next_frame()
        return None

    def origin(self, trace: Trace) -> Origin:
        """With template lines resolved and the text of the lines, where it can be read."""
        own, template, api = trace
        place = None if own is None else _place(own)
        if template is None or template is own:
            return Origin(place, api=api, template=None if template is None else place)
        return Origin(place, api=api, template=_place(template))

    def at(self, file: str, line: int) -> Place | None:
        """The place of a line that a traceback names, or None where the file is not the target's own."""
        path = self._relative(file)
        return None if path is None else Place(path, line, line_text(file, line))

    # What the recorder asks of an attribution (`statements.Attribution`).
    def note(self, context: Any, nth: int) -> Trace:
        return self.trace(NOTED_FROM)

    def read(self, note: Trace) -> Origin:
        return self.origin(note)

    def _learn(self, frame: FrameType) -> _Own | bool:
        name = frame.f_code.co_filename
        file = self._known[name] = self._look(name, frame)
        enters = file is False and name.endswith(_ENTRY_FILE)
        self._templates[name] = None if enters else not isinstance(file, bool) and file.template
        return file

    def _look(self, name: str, frame: FrameType) -> _Own | bool:
        template = frame.f_globals.get(_TEMPLATE)
        if template is not None and PurePath(template.name or "").name != PurePath(name).name:
            return _Own("", True)  # made from a string, or compiled ahead into a module: its lines are in no file here
        path = self._relative(name)
        if path is not None:
            return _Own(path, template is not None)
        return name.startswith(_SQLALCHEMY) and not name.startswith(_WRAPPERS)

    def _relative(self, name: str) -> str | None:
        if name.startswith("<"):  # <string>, <template>, <frozen importlib>
            return None
        absolute = os.path.realpath(name)
        for root in self._roots:
            if absolute.startswith(root + os.sep):
                path = Path(absolute[len(root) + 1 :])
                return None if _FOREIGN.intersection(path.parts) else path.as_posix()
        return None


class _Parents:
    """The greenlets outside of the current one: AsyncSession runs SQL in a child, whose stack ends at the switch."""

    __slots__ = ("_current",)

    def __init__(self) -> None:
        self._current: Any = None

    def next_frame(self) -> FrameType | None:
        """The innermost frame of the next parent that has one."""
        if self._current is None:
            greenlet = sys.modules.get("greenlet")
            if greenlet is None:
                return None
            self._current = greenlet.getcurrent()
        while (parent := self._current.parent) is not None:
            self._current = parent
            frame: FrameType | None = parent.gr_frame
            if frame is not None:
                return frame
        return None


def call_site(*roots: str | Path) -> CallSites:
    """The attribution that names only lines: `record(attribute=call_site("/app"))`."""
    return CallSites(*roots)


def _line(file: _Own, frame: FrameType) -> _Line:
    template = frame.f_globals.get(_TEMPLATE) if file.template else None
    return file.path, frame.f_code, frame.f_lasti, template


def _place(line: _Line) -> Place:
    path, code, at, template = line
    number = _number(code, at)
    if template is not None:
        number = template.get_corresponding_lineno(number)
        if not path:
            return Place(template.name or "<string>", number)
    return Place(path, number, line_text(code.co_filename, number))


def _number(code: CodeType, at: int) -> int:
    """The line of an instruction, as `frame.f_lineno` says it."""
    for start, end, line in code.co_lines():
        if start <= at < end and line is not None:
            return line
    return code.co_firstlineno


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
