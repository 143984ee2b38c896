"""What there is to try: routes with paths that answer, identities that log in, what is really switched on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.model.evidence import AppFacts
from seatrial.model.inventory import ANONYMOUS, Access, Inventory, Route

if TYPE_CHECKING:
    from seatrial.target import Target
    from seatrial.target.arguments import Samples


def prepare(target: Target) -> list[str]:
    """Create the tables and sow the seed."""
    return target.prepare()


def log_in(target: Target) -> tuple[list[str], bool]:
    """Log every identity in; returns sentences and whether the database was written to.

    Raises:
        ConfigurationError: One of them cannot log in.
    """
    from seatrial.model.errors import ConfigurationError

    target.wrote = False
    notes: list[str] = []
    mistakes: list[str] = []
    for identity in target.settings.identities:
        try:
            target.client(identity.name)
        except ConfigurationError as error:
            mistakes += error.mistakes
        else:
            notes += target.sessions[identity.name].notes
    if mistakes:
        raise ConfigurationError(*mistakes)
    target.dispose()
    return notes, target.wrote


def release(target: Target) -> None:
    """Close every connection, so that the runner can clone or replace the database."""
    target.dispose()


def facts(target: Target) -> AppFacts:
    """What was really on."""
    return target.facts()


def discover(target: Target) -> Inventory:
    """The inventory. Routes with arguments are requested until a sample value answers 2xx."""
    from seatrial.target.arguments import Samples
    from seatrial.target.routes import answering

    names = [identity.name for identity in target.settings.identities]
    samples = Samples.read(target)
    resolved: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, tuple[str, ...]]] = {}
    found: list[Route] = []
    for route in sorted(target.routes(), key=lambda r: not r.safe):  # reads first: writes borrow their values
        if route.arguments and not route.skipped:
            key = (route.rule, route.arguments)
            if key not in resolved:
                resolved[key] = _resolve(target, route, samples, names)
            path, unresolved = resolved[key]
            route = replace(route, path=path, unresolved=unresolved)
        if route.path and not route.skipped:
            answers = answering(target, route.method, route.path)
            if answers and answers != route.endpoint:
                route = replace(route, shadowed_by=answers)
        found.append(route)
    order = {route.key: number for number, route in enumerate(target.routes())}
    found.sort(key=lambda r: order[r.key])
    target.dispose()
    return Inventory(
        routes=tuple(_with_access(target, found)),
        identities=(ANONYMOUS, *names),
        notes=tuple(dict.fromkeys(target.notes)),
    )


def _resolve(target: Target, route: Route, samples: Samples, identities: list[str]) -> tuple[str, tuple[str, ...]]:
    """The first path that answers 2xx, else the best there is; and the arguments nothing was found for."""
    best: tuple[int, str, tuple[str, ...]] | None = None
    for path, unresolved in samples.paths(route):
        if not route.safe:
            # Never try a write to find out: the likeliest value has to do.
            return path, unresolved
        client = target.client(identities[0] if identities else ANONYMOUS)
        status = target.send(client, "GET", path).status
        rank = 3 if 200 <= status < 300 else 2 if 300 <= status < 400 else 1 if status in (401, 403) else 0
        if best is None or rank > best[0]:
            best = (rank, path, unresolved)
        if rank == 3:
            break
    return (best[1], best[2]) if best else ("", tuple(name for name, _ in route.arguments))


def _with_access(target: Target, routes: list[Route]) -> list[Route]:
    """Whether a stranger is let in, by the shape of the answer; asked without side effects (GET only)."""
    judged = []
    for route in routes:
        if route.method == "GET" and route.path and not route.skipped and not route.shadowed_by:
            reply = target.send(target.new_client(), "GET", route.path)
            access = Access.UNKNOWN
            if 200 <= reply.status < 300:
                access = Access.PUBLIC
            elif reply.status in (401, 403) or (300 <= reply.status < 400 and "login" in reply.header("Location")):
                access = Access.LOGIN
            route = replace(route, access=access)
        judged.append(route)
    return judged
