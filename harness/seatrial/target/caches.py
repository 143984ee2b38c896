"""Empties what the app remembers between requests, so that a page is made anew from its database."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

_CACHED = type(lru_cache(lambda: None))

if TYPE_CHECKING:
    from seatrial.target.target import Target


def clear(target: Target) -> int:
    """Empty Flask-Caching's caches and the `functools` caches of the app's own functions; say how many there were."""
    caches = 0
    with target.app.app_context():
        for cache in dict(target.app.extensions.get("cache") or {}).values():
            with suppress(Exception):  # a cache on a server that is not there
                cache.clear()
                caches += 1
    for module in list(sys.modules.values()):
        if _is_own(module, target.folder):
            for thing in list(vars(module).values()):
                caches += _clear(thing)
                if isinstance(thing, type) and thing.__module__ == module.__name__:
                    caches += sum(_clear(method) for method in list(vars(thing).values()))
    return caches


def _clear(thing: object) -> int:
    # By type first: asking a proxy of the app (current_user) for an attribute would run the app's code.
    if not isinstance(thing, _CACHED | FunctionType | staticmethod | classmethod):
        return 0
    clear = getattr(thing, "cache_clear", None) or getattr(getattr(thing, "__func__", None), "cache_clear", None)
    if clear is None:
        return 0
    with suppress(Exception):
        clear()
        return 1
    return 0


def _is_own(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and file.startswith(f"{folder}/") and "site-packages" not in file
