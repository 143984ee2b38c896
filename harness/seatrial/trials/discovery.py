"""What there is to try: routes with paths that answer, identities that log in, what is really switched on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from seatrial.config.settings import OAuth
from seatrial.model.evidence import AppFacts
from seatrial.model.inventory import ANONYMOUS, Access, OAuthStart, Route

if TYPE_CHECKING:
    from seatrial.target import Target
    from seatrial.target.reply import Reply


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
    target.remember_sessions()
    target.dispose()
    return notes, target.wrote


def release(target: Target) -> None:
    """Before the runner puts the database back: close every connection, and be logged in as it will remember."""
    target.release()
    target.recall_sessions()


def facts(target: Target) -> AppFacts:
    """What was really on."""
    return target.facts()


def doors(target: Target) -> tuple[tuple[str, str], ...]:
    """(key of the route, identity) of every form that somebody logged in through."""
    posts = [route for route in target.routes() if route.method == "POST" and not route.arguments]
    return tuple(
        (route.key, name) for name, session in target.sessions.items() for route in posts if route.path == session.door
    )


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
            reply = target.send(target.new_client(), "GET", route.path)
            route = replace(route, access=_access(target, route, reply), oauth=start_of(target, route, reply))
        elif route.path == _configured(target).login:
            route = replace(route, oauth=start_of(target, route, None))
    return route


def start_of(target: Target, route: Route, reply: Reply | None) -> OAuthStart | None:
    """Whether a route begins a log-in with a provider, by where it sends a stranger or by the configuration."""
    from seatrial.target.routes import answering

    location = urlsplit(reply.header("Location") if reply is not None and 300 <= reply.status < 400 else "")
    query = parse_qs(location.query)
    named = _configured(target)
    if not ({"response_type", "client_id", "redirect_uri"} <= query.keys()):
        posted = any(r.method == "POST" and r.rule == route.rule for r in target.routes())
        if route.path != named.login or (route.method == "GET" and posted):
            return None  # a page with a button on it: the POST begins
    callback = named.callback or urlsplit(query.get("redirect_uri", [""])[0]).path
    return OAuthStart(callback, answering(target, "GET", callback) or answering(target, "POST", callback))


def _configured(target: Target) -> OAuth:
    return target.settings.oauth or OAuth()


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


def _access(target: Target, route: Route, reply: Reply) -> Access:
    """Whether a stranger is let in, by the shape of the answer."""
    if 200 <= reply.status < 300:
        target.public_path = target.public_path or route.path
        return Access.PUBLIC
    if reply.status in (401, 403) or (300 <= reply.status < 400 and "login" in reply.header("Location")):
        return Access.LOGIN
    return Access.UNKNOWN
