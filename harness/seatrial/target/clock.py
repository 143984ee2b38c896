"""A clock for libraries that count per window: it stands still during a trial, and is moved instead of waited for."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Clock:
    """Stands in for the module `time` where a library has imported it."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def standing_clock(*packages: str) -> Iterator[Clock]:
    """The modules of `packages` see the time stand still; nobody else does."""
    clock = Clock()
    inside = tuple(f"{package}." for package in packages)
    modules = [
        module
        for name, module in list(sys.modules.items())
        if (name in packages or name.startswith(inside)) and getattr(module, "time", None) is time
    ]
    for module in modules:
        module.time = clock  # type: ignore[attr-defined]
    try:
        yield clock
    finally:
        for module in modules:
            module.time = time  # type: ignore[attr-defined]
