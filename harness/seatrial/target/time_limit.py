"""Ends app code that takes too long, from within."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class RequestTimeout(BaseException):
    """Raised by the alarm inside the app's own code; not an Exception, so that catch-all handlers let it through."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt the app's code after `seconds`; again each second, in case a bare `except:` swallowed it."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("requests are sent from the host's main thread: only there can an alarm interrupt them")

    def ring(_: int, __: FrameType | None) -> None:
        raise RequestTimeout

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
