"""Collects the shipped suites by itself: the target's pytest configuration has no say in what a guard is.

Appending the suites' folder to pytest's arguments does not work: same-named modules of the target abort the session,
its `python_files` hides them, its autouse fixtures run on them.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from seatrial import suites
from seatrial.plugin.aims import Aim

PACKAGE = "_seatrial_guards"
"""Private parent package of the suites: never a name of the target's."""
SMOKE_PACKAGE = "_seatrial_smoke"
"""The same of the post-deploy suite."""
CONFTEST = "_seatrial_conftest"
"""The module that `conftest` under [tool.seatrial] names: its fixtures are meant for the guards."""
FOLDER = "seatrial/"
"""What the ids of all guards begin with."""
_OURS = (PACKAGE, SMOKE_PACKAGE, CONFTEST, "_pytest", "seatrial", "xdist")


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


def modules() -> list[Path]:
    """The shipped guard suites."""
    return sorted(suites.path("guards").glob("test_*.py"))


def collect(session: pytest.Session) -> Iterator[pytest.Item]:
    """Every guard, under ids like `seatrial/test_queries.py::test_statements[GET /items/ [owner]]`."""
    for path in modules():
        module = GuardModule.from_parent(session, path=path, name=path.stem, nodeid=f"{FOLDER}{path.name}")
        for item in session.genitems(module):
            keep_own_fixtures(item)
            yield item


def ids(aims: Sequence[Aim]) -> list[str]:
    """Ids of parametrised guards, each different: pytest may be told to refuse equal ones."""
    times = Counter(aim.id for aim in aims)
    return [aim.id if times[aim.id] == 1 else aim.subject for aim in aims]


def keep_own_fixtures(item: pytest.Item) -> None:
    """Take the target's autouse fixtures off a guard, with whatever only they ask for, and its overrides of ours.

    Private to pytest, tried on 8.0 to 9.2: `_fixtureinfo`, `fixturenames` and `_request._arg2fixturedefs`.
    """
    info: Any = getattr(item, "_fixtureinfo", None)
    if info is None:
        return
    for name, definitions in info.name2fixturedefs.items():
        own = [definition for definition in definitions if _is_ours(definition)]
        if own:
            # A conftest of the target's that happens to define `seatrial_trial` means something else by it.
            info.name2fixturedefs[name] = own
            _requested(item)[name] = own

    def ours(name: str) -> bool:
        definitions = info.name2fixturedefs.get(name)
        return bool(definitions) and _is_ours(definitions[-1])

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


def _requested(item: pytest.Item) -> dict[str, Any]:
    """Where pytest 8.0 keeps a copy of the fixtures that an item asks for; the same mapping in newer ones."""
    found: dict[str, Any] | None = getattr(getattr(item, "_request", None), "_arg2fixturedefs", None)
    return {} if found is None else found


def _is_ours(definition: Any) -> bool:
    module = getattr(definition.func, "__module__", None) or ""
    return any(module == name or module.startswith(f"{name}.") for name in _OURS)
