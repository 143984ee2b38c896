"""Whether the body of a view was entered: a better oracle than the status of an answer, and a harmless one.

The moment that the innermost code of a view is called, `Tripwire` is raised in it: the request does nothing. From
Python 3.12 on `sys.monitoring` says so, at no cost for other code; on 3.11 a trace function does, in front of one that
is there already (of coverage, of a debugger), which sees every call and is put back afterwards.
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
            view = getattr(cls, method.lower(), None) or cls.dispatch_request
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
    """Armed while a method of `owner` runs, and not before: a trace function makes all code several times slower."""
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


if sys.version_info >= (3, 12):

    @contextmanager
    def _watched(code: CodeType, touched: Callable[[], None]) -> Iterator[None]:
        monitoring = sys.monitoring
        tool = next((number for number in (3, 4, 5, 1, 0, 2) if monitoring.get_tool(number) is None), None)
        if tool is None:
            with _traced(code, touched):
                yield
            return
        monitoring.use_tool_id(tool, "seatrial")
        try:
            monitoring.register_callback(tool, monitoring.events.PY_START, lambda _code, _offset: touched())
            monitoring.set_local_events(tool, code, monitoring.events.PY_START)
            yield
        finally:
            monitoring.set_local_events(tool, code, 0)
            monitoring.register_callback(tool, monitoring.events.PY_START, None)
            monitoring.free_tool_id(tool)

else:

    @contextmanager
    def _watched(code: CodeType, touched: Callable[[], None]) -> Iterator[None]:
        with _traced(code, touched):
            yield


@contextmanager
def _traced(code: CodeType, touched: Callable[[], None]) -> Iterator[None]:
    before, before_in_threads = sys.gettrace(), threading.gettrace()
    open_frames: list[FrameType] = []
    outside = list(_stack(inspect.currentframe()))  # kept: the identity of a frame that has ended is used again

    def trace(frame: FrameType, event: Any, argument: Any) -> Any:
        local = None
        if before is not None:
            local = before(frame, event, argument)
            if sys.gettrace() is not trace:
                sys.settrace(trace)  # coverage's tracer puts itself in our place when it is called
        if frame.f_code is code:
            if before is not None:
                open_frames.extend(_up_to(frame, outside))
            touched()
        return local

    sys.settrace(trace)
    threading.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)
        if before is not None:
            # Python stops tracing when a trace function raises: the tracer in front never saw these calls end.
            for frame in open_frames:
                before(frame, "return", None)
        sys.settrace(before)
        threading.settrace(before_in_threads)


def _up_to(frame: FrameType, outside: list[FrameType]) -> Iterator[FrameType]:
    """Frames that the exception will leave, innermost first: those that were called while the wire was armed."""
    above = set(map(id, outside))
    for found in _stack(frame):
        if id(found) in above:
            return
        yield found


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
