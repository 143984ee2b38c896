"""Which fields a view asks for: seen while it answers, and named in its code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from seatrial.observe import tripwire

if TYPE_CHECKING:
    from flask import Flask

    from seatrial.model.inventory import Route
    from seatrial.target import Target

DEPTH = 2
"""Functions of the app that the view calls by name, and those that they call."""


def named_in_code(target: Target, route: Route) -> frozenset[str]:
    """Every text in the view's code, and in functions of the app that it calls by their names."""
    code, _ = tripwire.body(target.app.view_functions.get(route.endpoint), route.method)
    folder = os.path.realpath(target.folder) + os.sep
    return frozenset(_texts(code, _module_of(code), folder, DEPTH)) if code is not None else frozenset()


def models_named(target: Target, route: Route) -> list[dict[str, str]]:
    """(field, its type in words) of every pydantic model that the view names."""
    code, _ = tripwire.body(target.app.view_functions.get(route.endpoint), route.method)
    if code is None:
        return []
    scope, found = _module_of(code), []
    for name in code.co_names:
        held = scope.get(name)
        members = [vars(held).get(other) for other in code.co_names] if type(held) is ModuleType else []
        for thing in (held, *members):
            fields = getattr(thing, "model_fields", None) if isinstance(thing, type) else None
            if isinstance(fields, Mapping) and fields:
                found.append({str(key): str(getattr(value, "annotation", "")) for key, value in fields.items()})
    return found


def _texts(code: CodeType, scope: Mapping[str, Any], folder: str, depth: int) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (text for text in constant if isinstance(text, str))
        elif isinstance(constant, CodeType):
            yield from _texts(constant, scope, folder, depth)
    for function in _called(code, scope) if depth else ():
        inner = function.__code__
        if inner is not code and os.path.realpath(inner.co_filename).startswith(folder):
            yield from _texts(inner, function.__globals__, folder, depth - 1)


def _called(code: CodeType, scope: Mapping[str, Any]) -> Iterator[FunctionType]:
    """`helper(…)` and `module.helper(…)`. Types are asked, never objects: a proxy has none outside of a request."""
    for name in code.co_names:
        found = scope.get(name)
        members = [vars(found).get(other) for other in code.co_names] if type(found) is ModuleType else []
        yield from (one for one in (found, *members) if type(one) is FunctionType)


def _module_of(code: CodeType) -> Mapping[str, Any]:
    """What the code's own module holds."""
    found = (m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == code.co_filename)
    return next((vars(module) for module in found), {})


@contextmanager
def fields_read(app: Flask) -> Iterator[set[str]]:
    """Collect the names that the app looks up in query and form while it answers."""
    from werkzeug.datastructures import ImmutableMultiDict

    names: set[str] = set()

    class Noting(ImmutableMultiDict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            names.add(str(key))
            return super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            names.add(str(key))
            return super().__contains__(key)

        def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
            names.add(str(key))
            return super().get(key, *args, **kwargs)

        def getlist(self, key: str, *args: Any, **kwargs: Any) -> list[Any]:
            names.add(str(key))
            return super().getlist(key, *args, **kwargs)

    before = vars(app).get("request_class")
    noting = type("NotingRequest", (app.request_class,), {"parameter_storage_class": Noting})
    app.request_class = noting
    try:
        yield names
    finally:
        if before is None:
            del app.request_class
        else:
            app.request_class = before
