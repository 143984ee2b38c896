"""Reports are written without looking for garbage in between."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """What a report is made of has no cycles, and with ten thousand findings every pass walks all of it: a fifth of the
    time. Also a decorator."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
