"""What a route or a blueprint answers to requests that are no visit: foreign origins, wrong methods, unknown paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from seatrial.model.evidence import Exchange
from seatrial.model.inventory import ANONYMOUS, Access, Route
from seatrial.trials.sweep import check_canary, drive

if TYPE_CHECKING:
    from seatrial.target import Target

FOREIGN = "seatrial-foreign.example"
UNKNOWN = "seatrial-no-such-page"
LARGEST = 32 * 1024 * 1024
"""Bytes of the largest body that is sent to go beyond the limit of the app."""
_ODD_METHODS = ("DELETE", "PUT", "PATCH", "POST")


class Provocation(NamedTuple):
    """One request that is to be refused."""

    variant: str
    route: Route
    identity: str
    options: dict[str, Any]


def origins(target: Target, route: Route, identity: str) -> tuple[Exchange, ...]:
    """The route as a page of another site asks for it: one GET per Origin that a careless comparison lets in."""
    found = []
    for variant, origin in origins_of(target.host_name):
        exchange = drive(target, route, identity, route.path, rows=False, variant=variant, headers={"Origin": origin})
        found.append(replace(exchange, marks={**exchange.marks, "origin": origin}))
        if exchange.failure:
            break
    return tuple(found)


def origins_of(host: str) -> Iterator[tuple[str, str]]:
    """Origins that are not the app's, and how each was made."""
    name = host.partition(":")[0]
    yield "a foreign origin", f"https://{FOREIGN}"
    yield "the null origin", "null"
    yield "a host that begins like the app's", f"https://{name}.{FOREIGN}"
    yield "a host that ends like the app's", f"https://seatrial{name}"


def provoke(target: Target, routes: Sequence[Route], identity: str) -> tuple[Exchange, ...]:
    """Answers of every class that can be had without knowing the app; `identity` is who may see its pages."""
    found = []
    for variant, route, who, options in _provocations(target, routes, identity):
        host = options.pop("host", None)
        if host is not None:
            options["base_url"] = f"{target.scheme}://{host}"
        exchange = drive(target, route, who, route.path, rows=False, variant=variant, **options)
        found.append(exchange)
        if exchange.status in (403, 429):
            check_canary(target, route, identity, target.send(target.client(identity), "GET", route.path))
        if exchange.failure:
            break
    return tuple(found)


def _provocations(target: Target, routes: Sequence[Route], identity: str) -> Iterator[Provocation]:
    pages = [route for route in routes if route.method == "GET" and route.path and not route.arguments]
    pages = pages or [route for route in routes if route.method == "GET" and route.path]
    unsafe = [route for route in routes if not route.safe and route.path]
    prefix = _prefix(routes)
    lost = Route("GET", f"{prefix}/{UNKNOWN}", "", path=f"{prefix}/{UNKNOWN}")
    yield Provocation("an unknown path", lost, ANONYMOUS, {})
    yield Provocation("an unknown path, as JSON", lost, ANONYMOUS, {"headers": {"Accept": "application/json"}})
    for page in pages[:1]:
        bound = {route.method for route in routes if route.rule == page.rule}
        odd = next((method for method in _ODD_METHODS if method not in bound), "")
        if odd:
            yield Provocation(f"{odd}, which is not bound", replace(page, method=odd), identity, {})
        yield Provocation("OPTIONS", replace(page, method="OPTIONS"), ANONYMOUS, {})
        yield Provocation("a forged Host", page, ANONYMOUS, {"host": FOREIGN})
    for page in [route for route in pages if route.access is Access.LOGIN][:1]:
        yield Provocation("a stranger behind the login", page, ANONYMOUS, {})
    for page in [route for route in pages if route.rule.endswith("/") and route.rule != "/"][:1]:
        yield Provocation("without the slash", replace(page, path=page.path.rstrip("/")), identity, {})
    limit = target.app.config.get("MAX_CONTENT_LENGTH")
    for route in unsafe[:1]:
        yield Provocation("malformed JSON", route, identity, {"data": b'{"a":', "content_type": "application/json"})
        if isinstance(limit, int) and 0 < limit < LARGEST:
            form = "application/x-www-form-urlencoded"
            yield Provocation("too large a body", route, identity, {"data": b"a" * (limit + 1), "content_type": form})


def _prefix(routes: Sequence[Route]) -> str:
    """The folder that all rules of a blueprint stand in; empty where that is the root."""
    folders = [route.rule.split("/")[:-1] for route in routes if not route.endpoint.endswith("static")]
    common = takewhile(lambda parts: len(set(parts)) == 1 and "<" not in parts[0], zip(*folders, strict=False))
    return "/".join(parts[0] for parts in common)
