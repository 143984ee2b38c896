"""Every error that a route can be made to answer without knowing the app, asked for as an API client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from seatrial.model.evidence import Exchange
from seatrial.model.inventory import ANONYMOUS, Access, Route
from seatrial.trials.fields import fields_read
from seatrial.trials.sweep import HUGE, check_canary, drive, variants

if TYPE_CHECKING:
    from flask import Flask

    from seatrial.target import Target

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
RETRY_AFTER = 17
"""Seconds that the raised 429 carries."""
UNFORESEEN = "invalid literal for int() with base 10: 'seatrial'"
"""Message of the raised exception: no answer may show it."""
REQUESTS = 24
"""More than one route is asked; for the deadline of the trial."""
_METHODS = ("DELETE", "PUT", "PATCH", "POST", "GET")
_MADE_UP = {"int": "999999", "float": "999999.5", "string": "no-such-thing", "path": "no-such-thing"}
_NAMES = 20
_DEEP = 5_000


@dataclass(frozen=True, slots=True)
class Provocation:
    """One request that is to be refused."""

    variant: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    method: str = ""
    """Another one than the route's."""
    identity: str = ""
    """Somebody else than who asks for the route."""
    raising: Exception | None = None
    """What a hook in front of every other raises in the view's place."""

    @property
    def instead(self) -> bool:
        """It is answered in the view's place."""
        return bool(self.method or self.identity or self.raising)


def provoke(target: Target, route: Route, identity: str) -> tuple[Exchange, ...]:
    """The answers to a plain request and to all that can go wrong with one; the subject is the route's throughout."""
    path = route.path or _made_up(route)
    if not path:
        return (replace(_nothing(route, identity), failure="no path could be made up for its arguments"),)
    found: list[Exchange] = []
    with fields_read(target.app) as names:
        if route.safe:
            found.append(_ask(target, route, identity, Provocation("plain", path)))
        for provocation in _provocations(target, replace(route, path=path), names):
            if found and found[-1].failure:
                break
            found.append(_ask(target, route, identity, provocation))
    return tuple(found)


def _ask(target: Target, route: Route, identity: str, provocation: Provocation) -> Exchange:
    from seatrial.target.reply import Reply

    asked = replace(route, method=provocation.method or route.method)
    who = provocation.identity or identity
    options = {"headers": {"Accept": JSON}} | provocation.options
    hook: AbstractContextManager[object] = nullcontext()
    if provocation.raising is not None:
        hook = _raising(target.app, provocation.raising)
    with hook:
        exchange = drive(target, asked, who, provocation.path, rows=False, variant=provocation.variant, **options)
    if exchange.status in (403, 429) and provocation.raising is None:
        check_canary(target, route, identity, Reply(status=exchange.status))
    marks = {
        "method": provocation.method,
        "as": provocation.identity,
        "instead": "yes" if provocation.instead else "",
    }
    return replace(
        exchange,
        route=route,
        identity=identity,
        marks={**exchange.marks, **{name: value for name, value in marks.items() if value}},
    )


def _provocations(target: Target, route: Route, names: set[str]) -> Iterator[Provocation]:
    """`names` grows while requests are answered: the fields that the app looked for."""
    from werkzeug.exceptions import TooManyRequests

    path = route.path
    for name, where, options in variants(route):
        # Bad queries come below, with the names that the app reads.
        if name != "plain" and "?" not in where:
            yield Provocation(name, where, options)
    yield from _bodies(path) if not route.safe else ()
    yield from _fields(route, names)
    bound = {other.method for other in target.routes() if other.rule == route.rule}
    if odd := next((method for method in _METHODS if method not in bound), ""):
        yield Provocation(f"{odd}, which is not bound", path, {"json": {}} if odd != "GET" else {}, method=odd)
    if route.access is Access.LOGIN:
        yield Provocation("a stranger", path, identity=ANONYMOUS)
    limit = target.app.config.get("MAX_CONTENT_LENGTH")
    if not route.safe and isinstance(limit, int) and limit > 0:
        # Announced and never sent: what is too long is refused before it is read.
        announced = {"environ_overrides": {"CONTENT_LENGTH": str(limit + 1)}}
        yield Provocation("too large a body", path, {"data": b"{}", "content_type": JSON} | announced)
    yield Provocation("a rate limit, raised", path, raising=TooManyRequests(retry_after=RETRY_AFTER))
    yield Provocation("an unforeseen exception, raised", path, raising=ValueError(UNFORESEEN))


def _bodies(path: str) -> Iterator[Provocation]:
    for name, body in {
        "JSON that is not UTF-8": b'{"name": "\xff\xfe"}',
        "deeply nested JSON": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
        "JSON with a huge number": b'{"id": ' + b"9" * _DEEP + b"}",
    }.items():
        yield Provocation(name, path, {"data": body, "content_type": JSON})
    yield Provocation(
        "a body of an unknown type", path, {"data": b"\x00\x01", "content_type": "application/x-seatrial"}
    )


def _fields(route: Route, names: set[str]) -> Iterator[Provocation]:
    """Bad values for every field that the app asked the query, or the form, for."""
    for said, value in {"no number": "abc", "huge": HUGE, "a NUL byte": "\0", "not UTF-8": b"\xff"}.items():
        read = dict.fromkeys(sorted(names)[:_NAMES], value)
        if not read:
            return
        variant = f"every field is {said}"
        if route.safe:
            yield Provocation(variant, f"{route.path}?{urlencode(read)}")
        else:
            yield Provocation(variant, route.path, {"data": urlencode(read), "content_type": FORM})
            if isinstance(value, str):
                yield Provocation(f"{variant}, as JSON", route.path, {"json": read})


@contextmanager
def _raising(app: Flask, error: Exception) -> Iterator[None]:
    """In front of every other hook, so that the handlers of the app, and nothing else of it, answer."""

    def hook() -> None:
        raise error

    hooks = app.before_request_funcs.setdefault(None, [])
    hooks.insert(0, hook)
    try:
        yield
    finally:
        hooks.remove(hook)


def _made_up(route: Route) -> str:
    """A path for a route whose arguments have no sample value: it is answered with an error, and that is wanted."""
    path = route.rule
    for name, converter in route.arguments:
        value = _MADE_UP.get(converter.partition("(")[0])
        if value is None:
            return ""
        parts = path.split("/")
        path = "/".join(value if p == f"<{name}>" or (p[:1] == "<" and p.endswith(f":{name}>")) else p for p in parts)
    return "" if "<" in path else path


def _nothing(route: Route, identity: str) -> Exchange:
    return Exchange(route, identity, route.rule, status=0)
