"""The built app has the last word: its url map confirms, completes and corrects what was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.model.findings import Place
from seatrial.model.inventory import Route
from seatrial.model.structure import Binding
from seatrial.source.bindings import Bound, Map
from seatrial.source.facts import Function, Module
from seatrial.source.project import Project


@dataclass(frozen=True, slots=True)
class Live:
    """The built app, as far as it confirms what was read."""

    routes: tuple[Route, ...]
    endpoints: frozenset[str]
    """Every one that `url_for` can build."""
    answers_unknown: bool = False
    """The app answers for endpoints that do not exist."""
    outbound: tuple[tuple[Place, str], ...] = ()
    """(the own line that tried to reach another machine, the machine)."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A binding and its functions, from the source or from the built app."""

    endpoint: str
    blueprint: str
    views: tuple[tuple[Module, Function], ...]
    unseen: str = ""


def confirmed(project: Project, mapped: Map, live: Live | None) -> Iterator[Confirmed]:
    """What the source binds; where there is a built app, what it serves, with the source's functions."""
    if live is None:
        for one in mapped.bound:
            yield Confirmed(one.endpoint, one.blueprint, one.views, one.unseen)
        return
    read: defaultdict[str, list[Bound]] = defaultdict(list)
    for one in mapped.bound:
        read[one.endpoint].append(one)
    seen: set[tuple[str, str]] = set()
    for route in live.routes:
        if (route.endpoint, route.view) in seen:
            continue
        seen.add((route.endpoint, route.view))
        blueprint = route.blueprint
        views = tuple(dict.fromkeys(view for one in read[route.endpoint] for view in one.views))
        by_line = _at(project, route)
        if by_line is not None and not any(by_line[1] is function for _, function in views):
            # A wrapper without functools.wraps stands where the view should: what the source binds is the view.
            views = views or (by_line,)
        if not views and not route.module_path:
            continue  # of a library, or Flask's own static files
        yield Confirmed(route.endpoint, blueprint, views, f"the source of {route.view or route.endpoint} was not found")


def _at(project: Project, route: Route) -> tuple[Module, Function] | None:
    module = project.modules.get(route.module_path)
    if module is None:
        return None
    name = route.view.rpartition(".")[2].rpartition(":")[2]
    # By its line: two functions of one file may have one name, each bound before the next took it.
    function = next((f for f in module.functions.values() if f.name == name and route.line in (f.first, f.line)), None)
    function = function or module.functions.get(route.view.partition(":")[2])
    return (module, function) if function is not None else None


def bindings_of(project: Project, mapped: Map, live: Live | None) -> Iterator[Binding]:
    """Every method and rule once, with all endpoints that are bound to it, the one that answers first."""
    lines = project.lines
    grouped: dict[tuple[str, str], dict[str, Place | None]] = {}
    if live is not None:
        for route in live.routes:
            place = lines.place(route.module_path, _line(project, route)) if route.module_path else None
            grouped.setdefault((route.method, route.rule), {}).setdefault(route.endpoint, place)
    else:
        for one in mapped.bound:
            place = lines.place(one.module.path, one.line)
            if one.rule is None:
                yield Binding(one.methods[0], "", (one.endpoint,), (place,), unseen="its URL is made at run time")
                continue
            for method in one.methods:
                grouped.setdefault((method, one.rule), {}).setdefault(one.endpoint, place)
    for (method, rule), found in grouped.items():
        yield Binding(method, rule, tuple(found), tuple(found.values()), live is not None)


def _line(project: Project, route: Route) -> int:
    """Of `def`, where the source tells: a route knows the line of the first decorator."""
    found = _at(project, route)
    return found[1].line if found is not None else route.line
