"""Do something to a module once the app imports it, without importing it ourselves."""

import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback) -> None:
    """Call back with the top-level module `name` after it was first imported; now, if it already is.

    An error in the callback is dropped: a library of an unknown version must not keep the app from starting.
    """
    module = sys.modules.get(name)
    if module is not None:
        with suppress(Exception):
            callback(module)
        return
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.callbacks[name] = callback


class _Finder(MetaPathFinder):
    """Lets the other finders find the module, and adds the callback to its loader."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callback] = {}
        self._busy = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.callbacks or getattr(self._busy, "name", "") == fullname:
            return None
        self._busy.name = fullname  # find_spec() below asks every finder, this one included
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._busy.name = ""
        if spec is not None and spec.loader is not None:
            self._add_callback(spec.loader, fullname)
        return spec

    def _add_callback(self, loader: Any, fullname: str) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            callback = self.callbacks.pop(fullname, None)
            if callback is not None:
                with suppress(Exception):
                    callback(module)

        with suppress(AttributeError):  # a loader that takes no attributes: the socket guard remains
            loader.exec_module = exec_module


_finder = _Finder()
