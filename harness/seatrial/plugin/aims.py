"""What a guard is aimed at: a selector turns the inventory into one aim per item that is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from seatrial.model import webhooks as faults
from seatrial.model.inventory import ANONYMOUS, BUILT_IN_SKIP, Access, Hook, Inventory, Route
from seatrial.model.rates import guards_accounts
from seatrial.model.sessions import logs_in, logs_out

APP = "app"
"""Subject of a check that is about the app as a whole."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What one guard item is about: a route as an identity, a blueprint, or the whole app."""

    route: Route | None = None
    identity: str = ANONYMOUS
    blueprint: str = ""
    members: tuple[tuple[Route, str], ...] = ()
    """Of a blueprint (or of the app outside of blueprints): its routes, and who asks for each. Of a log-in: by whom.
    Of one with a provider: where it begins, and where those with others do."""
    hook: Hook | None = None
    event: str = ""
    family: str = ""
    """Of a webhook: the event that is broken, and how."""

    @property
    def subject(self) -> str:
        if self.hook is not None:
            return self.hook.subject
        if self.blueprint:
            return f"blueprint {self.blueprint}"
        return self.route.subject(self.identity) if self.route else APP

    @property
    def id(self) -> str:
        """For people: shadowed bindings are never aimed at, so method, rule and identity are unique."""
        if self.hook is not None:
            return " ".join(part for part in (self.hook.subject, self.event, self.family) if part)
        return f"{self.route.method} {self.route.rule} [{self.identity}]" if self.route else self.subject


Selector = Callable[[Inventory], Iterable[Aim]]


def pages(inventory: Inventory) -> Iterable[Aim]:
    """Every readable route as everyone who may see it: strangers where it is public, each identity always."""
    for route in _requestable(inventory, safe=True):
        for identity in inventory.identities:
            if identity == ANONYMOUS and route.access is Access.LOGIN and len(inventory.identities) > 1:
                continue
            yield Aim(route, identity)


def growing(inventory: Inventory) -> Iterable[Aim]:
    """Pages, and the routes with unsafe methods that the configuration names."""
    yield from pages(inventory)
    if inventory.grown:
        yield from (
            aim
            for aim in every_route(inventory)
            if aim.route and not aim.route.safe and f"{aim.route.method} {aim.route.rule}" in inventory.grown
        )


def critical(inventory: Inventory) -> Iterable[Aim]:
    """Pages that the configuration names as hot."""
    for aim in pages(inventory):
        if aim.route is not None and f"{aim.route.method} {aim.route.rule}" in inventory.hot:
            yield aim


def responses(inventory: Inventory) -> Iterable[Aim]:
    """Every readable route once: as a stranger where it is public, else as the first identity."""
    for route in _requestable(inventory, safe=True):
        yield Aim(route, _visitor(inventory, route))


def blueprints(inventory: Inventory) -> Iterable[Aim]:
    """Every blueprint once, and once what stands outside of blueprints."""
    found: dict[str, list[tuple[Route, str]]] = {}
    for route in _requestable(inventory, safe=False):
        if route.path:
            found.setdefault(route.blueprint, []).append((route, _visitor(inventory, route)))
    yield from (Aim(blueprint=name, members=tuple(members)) for name, members in found.items())


def _visitor(inventory: Inventory, route: Route) -> str:
    """A stranger where the route is public, else the first identity."""
    return ANONYMOUS if route.access is Access.PUBLIC else _first(inventory)


def every_route(inventory: Inventory) -> Iterable[Aim]:
    """Every route, unsafe methods included, as the first identity (else as a stranger)."""
    first = _first(inventory)
    yield from (Aim(route, first) for route in _requestable(inventory, safe=False))


def unsafe_routes(inventory: Inventory) -> Iterable[Aim]:
    """Every route with an unsafe method, as the first identity (else as a stranger)."""
    yield from (aim for aim in every_route(inventory) if aim.route is not None and not aim.route.safe)


def limited(inventory: Inventory) -> Iterable[Aim]:
    """Log-ins and what stands around them, and every other route with a limit of its own; as a stranger."""
    for route in _requestable(inventory, safe=False):
        if route.limited or guards_accounts(route):
            yield Aim(route)


def log_ins(inventory: Inventory) -> Iterable[Aim]:
    """Every route that somebody logged in through, as a stranger; else those that are called so."""
    doors = dict(reversed(inventory.doors))
    for route in _requestable(inventory, safe=False):
        if route.key in doors or (not doors and route.method == "POST" and logs_in(route)):
            yield Aim(route, members=((route, doors.get(route.key, "")),))


def log_outs(inventory: Inventory) -> Iterable[Aim]:
    """Every route that logs out, by its name, as the first identity; what the built-in list skips is meant here."""
    first = _first(inventory)
    for route in inventory.routes:
        if logs_out(route) and not route.shadowed_by and (not route.skipped or route.skipped == BUILT_IN_SKIP):
            yield Aim(route, first)


def showing(inventory: Inventory) -> Iterable[Aim]:
    """Every route as the first identity, each with all of them: what one takes another may show."""
    aims = list(every_route(inventory))
    members = tuple((aim.route, aim.identity) for aim in aims if aim.route is not None)
    yield from (replace(aim, members=members) for aim in aims)


def leading(inventory: Inventory) -> Iterable[Aim]:
    """Every route as the first identity, log-outs too; and every log-in, which somebody goes through."""
    outs = (replace(aim, route=replace(aim.route, skipped="")) for aim in log_outs(inventory) if aim.route)
    aims = (*every_route(inventory), *outs, *log_ins(inventory))
    yield from {aim.subject: aim for aim in aims}.values()  # without identities a log-in is among every route, too


def addressed(inventory: Inventory) -> Iterable[Aim]:
    """Every readable route once, and what a stranger may post about an account: a reset mails a link."""
    yield from responses(inventory)
    for route in _requestable(inventory, safe=False):
        if not route.safe and guards_accounts(route):
            yield Aim(route)


def oauth_starts(inventory: Inventory) -> Iterable[Aim]:
    """Every route that begins a log-in with a provider; the whole app where there is none."""
    yield from [Aim(start, members=_log_in(inventory, start)) for start in _starts(inventory)] or [Aim()]


def oauth_callbacks(inventory: Inventory) -> Iterable[Aim]:
    """What such a log-in comes back to, each once; where that is not known, its beginning."""
    found: dict[str, Aim] = {}
    for start in _starts(inventory):
        callback = inventory.callback_of(start)
        found.setdefault(callback.key, Aim(callback, members=_log_in(inventory, start)))
    yield from list(found.values()) or [Aim()]


def _starts(inventory: Inventory) -> list[Route]:
    return [route for route in _requestable(inventory, safe=False) if route.oauth is not None]


def _log_in(inventory: Inventory, start: Route) -> tuple[tuple[Route, str], ...]:
    """Where the log-in begins, then those with other providers: they come back elsewhere."""
    assert start.oauth is not None
    others = [s for s in _starts(inventory) if s.oauth is not None and s.oauth.callback != start.oauth.callback]
    return tuple((route, ANONYMOUS) for route in (start, *others))


def webhooks(inventory: Inventory) -> Iterable[Aim]:
    """Every webhook once."""
    yield from (Aim(hook=hook) for hook in inventory.webhooks)


def webhook_events(inventory: Inventory) -> Iterable[Aim]:
    """Every event of every webhook."""
    yield from (Aim(hook=hook, event=event) for hook in inventory.webhooks for event in hook.events)


def broken_by(*families: str) -> Selector:
    """Every event of every webhook under each of these families of faults."""

    def over(inventory: Inventory) -> Iterable[Aim]:
        for aim in webhook_events(inventory):
            yield from (replace(aim, family=family) for family in families)

    return over


_FAMILY_OF = {
    "error": faults.ERRORS,
    "constraint": faults.ERRORS,
    "lost-ack": faults.ERRORS,
    "down": faults.ERRORS,
    "outbound": faults.CALLS,
    "answered": faults.ACKNOWLEDGED,
}


def breaks_with(aim: Aim, fault: str) -> bool:
    """Whether an aim is the one that `EVENT/ID` comes from (`invoice.paid/death@7`)."""
    event, _, id = fault.rpartition("/")
    name = id.partition("@")[0]
    if name == faults.ORDER:
        return aim.hook is not None and not aim.event
    return aim.event == event and aim.family == _FAMILY_OF.get(name, name)


def keyed_routes(inventory: Inventory) -> Iterable[Aim]:
    """Every route that the configuration says honours an idempotency key, as the first identity."""
    first = _first(inventory)
    for route in _requestable(inventory, safe=False):
        if f"{route.method} {route.rule}" in inventory.keyed:
            yield Aim(route, first)


def whole_app(_: Inventory) -> Iterable[Aim]:
    """Once."""
    yield Aim()


def whole_database(inventory: Inventory) -> Iterable[Aim]:
    """Once, with everything that can be asked: those that read as who may see them, then those that write."""
    yield Aim(
        members=tuple(
            (route, _visitor(inventory, route) if route.safe else _first(inventory))
            for route in _requestable(inventory, safe=False)
        )
    )


def _first(inventory: Inventory) -> str:
    """The first identity, else a stranger."""
    return next((name for name in inventory.identities if name != ANONYMOUS), ANONYMOUS)


def _requestable(inventory: Inventory, *, safe: bool) -> Iterable[Route]:
    for route in inventory.routes:
        if route.skipped or route.shadowed_by or (safe and not route.safe):
            continue
        yield route
