"""How many statements and how much database time a route may take before a line is written about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from flask import Flask

F = TypeVar("F", bound=Callable[..., Any])
MARK = "_seatrial_limits"
KEYS = ("statements", "database_ms")


class _Default:
    """Not given: what holds for the app holds for the route."""

    def __repr__(self) -> str:
        return "the app's own limit"


DEFAULT: Any = _Default()


@dataclass(frozen=True, slots=True)
class Limits:
    """None: no limit."""

    statements: int | None
    database_ms: float | None


def limits(*, statements: int | None = DEFAULT, database_ms: float | None = DEFAULT) -> Callable[[F], F]:
    """Limits of one view; None lifts a limit. `SEATRIAL_ROUTE_LIMITS` goes before it.

        @app.get("/reports/stock")
        @limits(statements=200, database_ms=2000)
        def stock(): ...

    Raises:
        ValueError: A limit is not a number above 0.
    """
    given = {
        key: value for key, value in (("statements", statements), ("database_ms", database_ms)) if value is not DEFAULT
    }
    wrong = list(mistakes("limits", given))
    if wrong:
        raise ValueError("; ".join(wrong))

    def mark(view: F) -> F:
        setattr(view, MARK, given)
        return view

    return mark


def mistakes(where: str, given: object) -> Iterable[str]:
    """What is wrong with the limits of one route, a sentence each."""
    if not isinstance(given, Mapping):
        yield f"{where} must be a mapping such as {{'statements': 100}} but is {given!r}"
        return
    for key, value in given.items():
        if key not in KEYS:
            yield f"{where}: {key!r} is no limit; use {' or '.join(KEYS)}"
        elif value is not None and not is_positive(value, whole=key == "statements"):
            kind = "a whole number from 1" if key == "statements" else "a number above 0"
            yield f"{where}: {key} must be {kind}, or None for no limit, but is {value!r}"


def is_positive(value: object, *, whole: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return math.isfinite(value) and value > 0


class RouteLimits:
    """The limits of every route of one app: mapping, then decorator, then the app's defaults."""

    def __init__(self, app: Flask, default: Limits, mapping: Mapping[str, Mapping[str, Any]]) -> None:
        self._app = app
        self._default = default
        self._mapping = mapping
        self._known: dict[tuple[str, str, str], Limits] = {}

    def of(self, method: str, rule: str, endpoint: str) -> Limits:
        """As many answers are kept as there are routes; requests that no route serves have no endpoint."""
        if not endpoint:
            return self._default
        found = self._known.get((method, rule, endpoint))
        if found is None:
            marked = getattr(self._app.view_functions.get(endpoint), MARK, {})
            route = f"{'GET' if method == 'HEAD' else method} {rule}"
            merged = {**marked, **self._mapping.get(endpoint, {}), **self._mapping.get(route, {})}
            found = self._known[(method, rule, endpoint)] = Limits(
                merged.get("statements", self._default.statements),
                merged.get("database_ms", self._default.database_ms),
            )
        return found

    def nowhere(self) -> list[str]:
        """What the mapping names and the app does not have. Routes are known when the first request has come."""
        there = set(self._app.view_functions)
        for rule in self._app.url_map.iter_rules():
            there |= {f"{method} {rule.rule}" for method in rule.methods or ()}
        return [name for name in self._mapping if name not in there]
