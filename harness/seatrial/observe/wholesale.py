"""Lines of the target's own files that read all attributes of an object at once: `x.__dict__`, `vars(x)`.

No access to an attribute shows what such a line has read, so where one was at work, nothing can be said of what was
not read. Which lines there are is found in the source; whether one of them ran is seen by following the calls of a
request, which makes it slower and is done only where the answer depends on it.
"""

import ast
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType

from seatrial.model.findings import Place
from seatrial.observe.callsite import CallSites

_STATES = frozenset({"inspect", "instance_state", "object_state"})
_WORTH_PARSING = re.compile(rb"__dict__|\bvars\(|\.dict\b")


@dataclass(frozen=True, slots=True)
class Line:
    """One of them."""

    file: str
    line: int
    owner: str
    """Class whose own `self` (or `cls`) is read; empty where it may be any object."""


class Wholesale:
    """Such lines in the modules that are imported, each file read once."""

    def __init__(self, sites: CallSites) -> None:
        self._sites = sites
        self._files: dict[str, list[Line]] = {}
        self._own: dict[str, bool] = {}
        """By file name; a path is resolved once, not once per module and request."""

    def concerning(self, classes: Iterable[type], ran: set[Line] | None = None) -> Place | None:
        """The first line that may have read instances of these classes; of those that `ran`, where that is known."""
        names = {cls.__name__ for given in classes for cls in given.__mro__}
        lines = self.lines() if ran is None else sorted(ran, key=lambda found: (found.file, found.line))
        found = next((line for line in lines if not line.owner or line.owner in names), None)
        return None if found is None else self._sites.at(found.file, found.line)

    def lines(self) -> Iterator[Line]:
        for file in sorted(self._imported()):
            if file not in self._files:
                self._files[file] = list(_lines(file))
            yield from self._files[file]

    @contextmanager
    def follow(self) -> Iterator[set[Line]]:
        """Fills the set with those that run inside the `with` block: their function was called."""
        files: dict[str, list[Line]] = {}
        for line in self.lines():
            files.setdefault(line.file, []).append(line)
        ran: set[Line] = set()
        known: set[CodeType] = set()

        def called(frame: FrameType, what: str, _: object) -> None:
            code = frame.f_code
            if what == "call" and code not in known:
                known.add(code)
                if code.co_filename in files:
                    numbers = {number for *_, number in code.co_lines()}
                    ran.update(line for line in files[code.co_filename] if line.line in numbers)

        before = sys.getprofile()
        threading.setprofile(called)
        sys.setprofile(called)
        try:
            yield ran
        finally:
            sys.setprofile(before)
            threading.setprofile(before)

    def _imported(self) -> Iterator[str]:
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file.endswith(".py"):
                if file not in self._own:
                    self._own[file] = self._sites.at(file, 1) is not None
                if self._own[file]:
                    yield file


def _lines(file: str) -> Iterator[Line]:
    try:
        with open(file, "rb") as source:
            text = source.read()
        tree = ast.parse(text) if _WORTH_PARSING.search(text) else ast.Module([], [])
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    yield from _walk(file, tree, "")


def _walk(file: str, node: ast.AST, owner: str) -> Iterator[Line]:
    for child in ast.iter_child_nodes(node):
        read = _read(child)
        if read is not None:
            own = isinstance(read, ast.Name) and read.id in ("self", "cls")
            yield Line(file, getattr(child, "lineno", 0), owner if own else "")
        yield from _walk(file, child, child.name if isinstance(child, ast.ClassDef) else owner)


def _read(node: ast.AST) -> ast.expr | None:
    """What is read at once by this expression, or None."""
    match node:
        case ast.Attribute(value=value, attr="__dict__"):
            return value
        case ast.Call(func=ast.Name(id="vars"), args=[value, *_]):
            return value
        case ast.Attribute(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)), attr="dict"):
            return node.value if name in _STATES else None
        case ast.Attribute(value=ast.Name(id="state"), attr="dict"):
            return node.value
    return None
