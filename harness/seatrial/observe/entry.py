"""Whether a request reached the body of a view: the only sure sign that no defence in front of it refused."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any


def body_of(view: Any, method: str) -> CodeType | None:
    """The code that does the work, below decorators and MethodView."""
    try:
        function: Any = inspect.unwrap(view)
    except ValueError:  # it wraps itself
        return None
    cls = getattr(function, "view_class", None)
    if cls is not None:
        own = getattr(cls, method.lower(), None) or getattr(
            cls, "get" if method == "HEAD" else "dispatch_request", None
        )
        function = inspect.unwrap(own) if own is not None else function
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


@contextmanager
def entries(code: CodeType | None) -> Iterator[list[str]]:
    """Notes each entry into `code` on this thread. A profile function, because coverage owns the trace function."""
    seen: list[str] = []
    before = sys.getprofile()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is code:
            seen.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)
