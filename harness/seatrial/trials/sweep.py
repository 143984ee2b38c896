"""Request one route as one identity and bring home what it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from seatrial.model.errors import InconclusiveError
from seatrial.model.evidence import Exchange, Kind
from seatrial.model.inventory import ANONYMOUS, Route

if TYPE_CHECKING:
    from seatrial.target import Target
    from seatrial.target.reply import Reply

HUGE = "99999999999999999999"
UNKNOWN = "999999"
_TURNED_AWAY = (301, 302, 303, 307, 308, 401)


@dataclass(frozen=True, slots=True)
class Visit:
    """A page asked for twice: `cold` may still fill caches or write, `warm` is what is counted."""

    cold: Exchange
    warm: Exchange

    @property
    def writing(self) -> Exchange:
        """The request that wrote, else the warm one."""
        return self.cold if self.cold.count(Kind.DML) else self.warm


def visit(target: Target, route: Route, identity: str) -> Visit:
    """Two GETs of a route. Raises InconclusiveError when the trial was banned or locked out on the way."""
    cold = drive(target, route, identity, route.path, rows=True)
    warm = cold if cold.failure else drive(target, route, identity, route.path, rows=True, loads="seen")
    if warm.ok and any(load.unseen for load in warm.eager):
        # A third one whose calls are followed, which is too slow to be measured.
        closely = drive(target, route, identity, route.path, rows=True, loads="closely")
        warm = replace(warm, eager=closely.eager if closely.ok else warm.eager)
    return Visit(cold, warm)


def look(target: Target, route: Route, identity: str) -> Exchange:
    """One GET of a route, for rules that only look at the response."""
    return drive(target, route, identity, route.path, rows=False)


def malformed(target: Target, route: Route, identity: str) -> tuple[Exchange, ...]:
    """The route with what strangers and scanners send: none of it may be answered 500."""
    found = []
    for variant, path, options in variants(route):
        found.append(drive(target, route, identity, path, rows=False, variant=variant, **options))
        if found[-1].failure:
            break
    return tuple(found)


def variants(route: Route) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name, path, request options) per malformed form of a request."""
    if route.safe:
        yield "plain", route.path, {}
        yield "page is not a number", f"{route.path}?page=abc&per_page=abc&limit=abc", {}
        yield "page is negative", f"{route.path}?page=-1&per_page=-1&limit=-1&offset=-1", {}
        yield "page is huge", f"{route.path}?page={HUGE}&per_page={HUGE}&limit={HUGE}", {}
        yield "search with a NUL byte", f"{route.path}?q=%00&search=%00&sort=%00&order=%00", {}
    else:
        yield "empty form", route.path, {"data": {}}
        yield "malformed JSON", route.path, {"data": b'{"a":', "content_type": "application/json"}
        yield "JSON of another shape", route.path, {"json": []}
        yield "empty JSON object", route.path, {"json": {}}
    options: dict[str, Any] = {} if route.safe else {"data": {}}
    for name, converter in route.arguments:
        kind = converter.partition("(")[0]
        values = {"unknown": UNKNOWN, "huge": HUGE} if kind == "int" else {"unknown": "no-such-thing"}
        for said, value in values.items() if kind in ("int", "string") else ():
            if path := _with_argument(route, name, value):
                yield f"{name} is {said}", path, options


def _with_argument(route: Route, name: str, value: str) -> str:
    """The concrete path with one argument replaced, by walking rule and path side by side."""
    rule, path = route.rule.split("/"), route.path.split("/")
    if len(rule) != len(path):
        return ""  # a path converter took more than one segment
    for number, part in enumerate(rule):
        if part == f"<{name}>" or (part.startswith("<") and part.endswith(f":{name}>")):
            path[number] = value
            return "/".join(path)
    return ""


def drive(
    target: Target, route: Route, identity: str, path: str, *, rows: bool, variant: str = "plain", **options: Any
) -> Exchange:
    """One request as one identity, in a fresh session where the last one was logged out."""
    from seatrial.target.identities import still_logged_in

    reply = target.send(target.client(identity), route.method, path, rows=rows, **options)
    if route.safe and _turned_away(reply) and _shut_out(target, identity):
        # By a log-out that no cookie told of, or because the app allows one session per person.
        target.sessions.pop(identity, None)
        reply = target.send(target.client(identity), route.method, path, rows=rows, **options)
    alive = still_logged_in(target, identity, reply)
    if not alive:
        target.sessions.pop(identity, None)  # logged in again before the next request
    if variant == "plain" and reply.status in (403, 429):
        check_canary(target, route, identity, reply)
    return target.exchange(route, identity, reply, path=path, variant=variant, logged_in=alive)


def _turned_away(reply: Reply) -> bool:
    """What wrote and leads elsewhere was let in; it may itself have ended the session, as a link that locks does."""
    wrote = any(statement.kind is Kind.DML for statement in reply.statements)
    elsewhere = 300 <= reply.status < 400 and "login" not in reply.header("Location")
    return reply.status in _TURNED_AWAY and not (wrote and elsewhere)


def _shut_out(target: Target, identity: str) -> bool:
    """Whether the page that this identity alone may see is closed to it as well."""
    session = target.sessions.get(identity)
    if identity == ANONYMOUS or session is None or not session.proof:
        return False
    return target.send(session.client, "GET", session.proof).status in _TURNED_AWAY


def check_canary(target: Target, route: Route, identity: str, reply: Reply) -> None:
    """A page that answered before must still answer: else every later answer is the ban's, not the page's."""
    session = target.sessions.get(identity)
    if identity == ANONYMOUS or session is None or not session.proof:
        return
    canary = target.send(session.client, "GET", session.proof)
    if canary.status in (403, 429):
        raise InconclusiveError(
            f"after {route.subject(identity)} answered {reply.status}, {session.proof} answers {canary.status} too: "
            f"the trial was banned or locked out; put the route that bans on `skip` under [tool.seatrial]"
        )
