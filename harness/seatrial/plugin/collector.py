"""Collects the shipped suites by itself: the target's pytest configuration has no say in what a guard is.

Appending the suites' folder to pytest's arguments does not work: same-named modules of the target abort the session,
its `python_files` hides them, its autouse fixtures run on them.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial import suites

PACKAGE = "_seatrial_guards"
"""Private parent package of the suites: never a name of the target's."""
_OWN_MODULES = (PACKAGE, "_pytest", "seatrial", "xdist", "pytest_timeout")


class GuardModule(pytest.Module):
    """A suite, imported under a private name and collected by our own name filters."""

    def _getobj(self) -> types.ModuleType:
        return importlib.import_module(f"{PACKAGE}.{self.path.stem}")

    def classnamefilter(self, name: str) -> bool:
        return name.startswith("Test")

    def funcnamefilter(self, name: str) -> bool:
        return name.startswith("test_")


def announce() -> None:
    """Make the suites importable under the private package, with pytest's assertion rewriting."""
    pytest.register_assert_rewrite(PACKAGE)
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(suites.path("guards"))]
    sys.modules[PACKAGE] = package


def collect(session: pytest.Session) -> Iterator[pytest.Item]:
    """Every guard, under ids like `seatrial/test_queries.py::test_statements[GET /items/ [owner]]`."""
    for path in sorted(Path(suites.path("guards")).glob("test_*.py")):
        module = GuardModule.from_parent(session, path=path, name=path.stem, nodeid=f"seatrial/{path.name}")
        for item in session.genitems(module):
            _drop_foreign_fixtures(item)
            yield item


def _drop_foreign_fixtures(item: pytest.Item) -> None:
    """Take the target's autouse fixtures off a guard, with whatever only they ask for.

    Private to pytest, tried on 8.0 to 9.2: `_fixtureinfo` and `fixturenames`.
    """
    info: Any = getattr(item, "_fixtureinfo", None)
    if info is None:
        return

    def ours(name: str) -> bool:
        definitions = info.name2fixturedefs.get(name)
        return bool(definitions) and (definitions[-1].func.__module__ or "").startswith(_OWN_MODULES)

    todo = [*info.argnames, *(name for name in info.initialnames if name not in info.argnames and ours(name))]
    keep = {"request"}
    while todo:
        name = todo.pop()
        if name not in keep:
            keep.add(name)
            for definition in info.name2fixturedefs.get(name) or ():
                todo.extend(definition.argnames)
    names: list[str] = item.fixturenames  # type: ignore[attr-defined]
    names[:] = [name for name in names if name in keep]
