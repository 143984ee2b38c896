"""Whether the body of a view was entered: a better oracle than the status of an answer, and a harmless one.

The moment that the innermost code of a view is called, `Tripwire` is raised in it: the request does nothing. From
Python 3.12 on `sys.monitoring` says so, at no cost for other code; on 3.11 a profile function does, because the trace
function belongs to coverage and to debuggers.
"""

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

LAYERS = 50
"""Decorators around one view that are looked through."""


class Tripwire(BaseException):
    """Raised inside the body; not an Exception, so that catch-all handlers of the app let it through."""


@dataclass(slots=True)
class Wire:
    """What was seen while the wire was armed."""

    entered: bool = False


def body(view: Any, method: str) -> tuple[CodeType | None, str]:
    """The innermost code of a view, or why it cannot be told.

    Looked through: `functools.wraps`, classes of views, partials, bound methods, callable objects, and decorators that
    forgot `functools.wraps`: those take any arguments and close over one function.
    """
    for _ in range(LAYERS):
        if isinstance(view, functools.partial):
            view = view.func
        elif (cls := getattr(view, "view_class", None)) is not None:
            names = (method.lower(), *(("get",) if method == "HEAD" else ()), "dispatch_request")
            view = next(found for name in names if (found := getattr(cls, name, None)) is not None)
        elif (wrapped := getattr(view, "__wrapped__", None)) is not None:
            view = wrapped
        elif inspect.ismethod(view):
            view = view.__func__
        elif not inspect.isfunction(view):
            call = getattr(type(view), "__call__", None)  # noqa: B004  the function itself is wanted
            if not inspect.isfunction(call):
                return None, f"the view is a {type(view).__name__}, which has no Python code"
            view = call
        else:
            code, inner = view.__code__, _closed_over(view)
            if not inner or not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
                return code, ""
            if len(inner) > 1:
                return None, f"the decorator at {view.__qualname__} has no functools.wraps and holds several functions"
            view = inner[0]
    return None, f"more than {LAYERS} decorators"


def _closed_over(function: Any) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if inspect.isfunction(held) or inspect.ismethod(held) or isinstance(held, functools.partial):
            found.append(held)
    return found


@contextmanager
def armed_in(owner: Any, method: str, code: CodeType | None, *, stop: bool = True) -> Iterator[Wire]:
    """Armed while a method of `owner` runs, and not before: a profile function makes all code several times slower."""
    wire, real, replaced = Wire(), getattr(owner, method), vars(owner).get(method)

    def within(*args: Any, **kwargs: Any) -> Any:
        with armed(code, stop=stop, wire=wire):
            return real(*args, **kwargs)

    setattr(owner, method, within)
    try:
        yield wire
    finally:
        if replaced is None:
            delattr(owner, method)
        else:
            setattr(owner, method, replaced)


@contextmanager
def armed(code: CodeType | None, *, stop: bool = True, wire: Wire | None = None) -> Iterator[Wire]:
    """Watch for calls of `code`; raises `Tripwire` in it, unless it is only to be noticed (`stop=False`)."""
    wire = wire or Wire()

    def touched() -> None:
        wire.entered = True
        if stop:
            raise Tripwire

    if code is None:
        yield wire
        return
    with _watched(code, touched):
        yield wire


@contextmanager
def _watched(code: CodeType, touched: Callable[[], None]) -> Iterator[None]:
    """By `sys.monitoring`; on Python 3.11, or where debuggers hold all its tools, by a profile function."""
    with _monitored(code, touched) if _free_tool() is not None else _profiled(code, touched):
        yield


def _free_tool() -> int | None:
    monitoring = getattr(sys, "monitoring", None)
    return next((n for n in (3, 4, 5, 1, 0, 2) if monitoring and monitoring.get_tool(n) is None), None)


@contextmanager
def _monitored(code: CodeType, touched: Callable[[], None]) -> Iterator[None]:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    tool, start = _free_tool(), monitoring.events.PY_START
    monitoring.use_tool_id(tool, "seatrial")
    try:
        monitoring.register_callback(tool, start, lambda _code, _offset: touched())
        monitoring.set_local_events(tool, code, start)
        yield
    finally:
        monitoring.set_local_events(tool, code, 0)
        monitoring.register_callback(tool, start, None)
        monitoring.free_tool_id(tool)


@contextmanager
def _profiled(code: CodeType, touched: Callable[[], None]) -> Iterator[None]:
    before, before_in_threads = sys.getprofile(), threading.getprofile()

    def note(frame: FrameType, event: Any, argument: Any) -> None:
        if callable(before):  # another wire of ours
            before(frame, event, argument)
        if event == "call" and frame.f_code is code:
            touched()

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(before_in_threads)
