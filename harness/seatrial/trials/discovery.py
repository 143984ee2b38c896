"""What there is to try: routes with paths that answer, identities that log in, what is really switched on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.model.evidence import AppFacts
from seatrial.model.inventory import ANONYMOUS, Access, Route

if TYPE_CHECKING:
    from seatrial.target import Target


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
    target.release()


def facts(target: Target) -> AppFacts:
    """What was really on."""
    return target.facts()


def routes(target: Target) -> tuple[Route, ...]:
    """Every binding, without a single request."""
    return target.routes()


def endpoints(target: Target) -> tuple[frozenset[str], bool]:
    """What `url_for` can build, and whether the app answers for what it cannot."""
    app = target.app
    return frozenset(str(rule.endpoint) for rule in app.url_map.iter_rules()), bool(app.url_build_error_handlers)


def probe(target: Target, route: Route, known: tuple[str, tuple[str, ...]] | None) -> Route:
    """Find a path that answers and see whether a stranger is let in.

    `known`: path and unresolved arguments of another method of the same rule. Requests are GETs only: a write is never
    tried to find something out. One route per call, so that a page that ends the process costs only itself.
    """
    from seatrial.target.routes import answering

    if route.skipped:
        return route
    if route.arguments:
        path, unresolved = known or _resolve(target, route)
        route = replace(route, path=path, unresolved=unresolved)
    if route.path:
        answers = answering(target, route.method, route.path)
        if answers and answers != route.endpoint:
            return replace(route, shadowed_by=answers)
        if route.method == "GET":
            route = replace(route, access=_access(target, route))
    return route


def first_path(target: Target, route: Route) -> Route:
    """The likeliest path without a request, for a page that ended the process when it was probed."""
    if not route.arguments:
        return route
    path, unresolved = next(target.samples().paths(route), ("", tuple(name for name, _ in route.arguments)))
    return replace(route, path=path, unresolved=unresolved)


def _resolve(target: Target, route: Route) -> tuple[str, tuple[str, ...]]:
    """The first path that answers 2xx, else the best there is; and the arguments nothing was found for."""
    best: tuple[int, str, tuple[str, ...]] | None = None
    names = [identity.name for identity in target.settings.identities]
    for path, unresolved in target.samples().paths(route):
        if not route.safe:
            return path, unresolved
        status = target.send(target.client(names[0] if names else ANONYMOUS), "GET", path).status
        rank = 3 if 200 <= status < 300 else 2 if 300 <= status < 400 else 1 if status in (401, 403) else 0
        if best is None or rank > best[0]:
            best = (rank, path, unresolved)
        if rank == 3:
            return path, ()  # what nothing was found for was guessed right
    return (best[1], best[2]) if best else ("", tuple(name for name, _ in route.arguments))


def _access(target: Target, route: Route) -> Access:
    """Whether a stranger is let in, by the shape of the answer."""
    reply = target.send(target.new_client(), "GET", route.path)
    if 200 <= reply.status < 300:
        target.public_path = target.public_path or route.path
        return Access.PUBLIC
    if reply.status in (401, 403) or (300 <= reply.status < 400 and "login" in reply.header("Location")):
        return Access.LOGIN
    return Access.UNKNOWN
