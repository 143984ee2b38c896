"""What is asked of a deployment: the exported inventory, and what the configuration adds to it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from seatrial.config.deployed import Deployed
from seatrial.config.settings import Smoke, SmokeRoute
from seatrial.model.deployment import Expected
from seatrial.model.inventory import ANONYMOUS, Access, Route
from seatrial.smoke.base import Base, parsed

CONFIGURED = "configured"
"""Who asks a route with headers of the configuration."""
PROBE_MOST = 120
"""Attempts that the probe of a limit makes at all."""
_API = re.compile(r"^(.*?/api)(?=/|$|[-_.])", re.IGNORECASE)
_AMOUNT = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Aim:
    """One route to ask."""

    route: Route
    expected: Expected
    identity: str = ANONYMOUS
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def subject(self) -> str:
        return self.route.subject(self.identity)


@dataclass(frozen=True, slots=True)
class Door:
    """The form that is sent without its token, and tried until its limit refuses."""

    route: Route
    page: str
    """Where its form is shown."""
    protected: bool = False
    """A token is asked for in front of the view, by what the inventory or the configuration says."""
    limits: tuple[str, ...] | None = None
    """As declared; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class CommitSource:
    """Where answers name the commit that they were made by."""

    header: str = ""
    path: str = ""
    """With `key`: a page of JSON; asked in place of the header."""
    key: str = ""

    @property
    def said(self) -> str:
        return f"{self.key} of {self.path}" if self.path else f"the header {self.header}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One smoke of one deployment."""

    base: Base
    aims: tuple[Aim, ...] = ()
    ready: str = "/"
    ready_s: float = 60.0
    timeout_s: float = 10.0
    slow_ms: float = 1000.0
    at_once: int = 8
    marker: str = ""
    expected_commit: str = ""
    commit: CommitSource = CommitSource("X-Commit")
    token: str = field(default="", repr=False)
    days: int = 14
    ca: str | None = None
    http: str | None = None
    door: Door | None = None
    webhooks: tuple[Route, ...] = ()
    assets: tuple[Route, ...] = ()
    api: str = ""
    """Path that the routes of an API stand below, or empty."""
    catches_all: bool = False
    """A route answers every address, so that none is missing."""
    environment: str = "production"
    workers: int = 1
    probe_limits: bool = False
    posts: bool = True
    """Requests that must be refused are sent, too; without, safe methods alone (the later rounds of a watch)."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The command line."""

    expected_commit: str = ""
    token: str = field(default="", repr=False)
    probe_limits: bool = False
    ready_s: float | None = None


def plan(url: str, deployed: Deployed, inventory: Mapping[str, Any] | None, wishes: Wishes) -> Plan:
    """Everything that is to be asked.

    Raises:
        ConfigurationError: The address is none.
    """
    smoke, rows = deployed.smoke, list((inventory or {}).get("routes", ()))
    login = ((inventory or {}).get("login") or {}).get("path") or ""
    statics = [path for path in (inventory or {}).get("static") or () if isinstance(path, str)]
    source = CommitSource(smoke.commit_header)
    if smoke.commit_path:
        source = CommitSource(path=smoke.commit_path, key=smoke.commit_json)
    found = [aim for aim in _exported(rows, smoke, login) if aim.route.path not in statics]
    match = next((match for row in rows if (match := _API.match(row["rule"])) and "<" not in match[1]), None)
    return Plan(
        base=parsed(url),
        aims=tuple(_with_configured(found, smoke)),
        ready=smoke.ready,
        ready_s=wishes.ready_s if wishes.ready_s is not None else smoke.ready_s,
        timeout_s=smoke.timeout_s,
        slow_ms=smoke.slow_ms,
        at_once=smoke.at_once,
        marker=smoke.marker,
        expected_commit=wishes.expected_commit,
        commit=source,
        token=wishes.token or smoke.token,
        days=smoke.days,
        ca=smoke.ca,
        http=smoke.http,
        door=_door(rows, smoke, login),
        webhooks=tuple(_webhooks(inventory or {}, rows)),
        assets=tuple(Route("GET", path, "static", path=path) for path in dict.fromkeys([*statics, *smoke.assets])),
        api=match[1] if match else "",
        catches_all=any(re.fullmatch(r"/<path:\w+>", row["rule"]) for row in rows),
        environment=deployed.environment,
        workers=deployed.workers,
        probe_limits=wishes.probe_limits,
    )


def skips(smoke: Smoke, route: Route) -> bool:
    """As `skip` under [tool.seatrial] means it."""
    return any(
        fnmatch.fnmatchcase(name, pattern)
        for pattern in smoke.skip
        for name in (f"{route.method} {route.rule}", route.rule)
    )


def _exported(rows: list[Mapping[str, Any]], smoke: Smoke, login: str) -> Iterator[Aim]:
    some_hot = any(row.get("hot") for row in rows)
    for row in rows:
        route = _route(row)
        if route.method != "GET" or not route.path or skips(smoke, route):
            continue
        expected = replace(_expected(row, route, login), slow_ms=smoke.slow_ms)
        if row.get("hot") or not some_hot:
            expected = replace(expected, statements=_budget(row))
        yield Aim(route, expected)


def _route(row: Mapping[str, Any]) -> Route:
    access = row.get("auth")
    return Route(
        row["method"],
        row["rule"],
        str(row.get("endpoint") or ""),
        blueprint=str(row.get("endpoint") or "").rpartition(".")[0],
        arguments=tuple((name, "") for name in re.findall(r"<(?:[^<>:]+:)?(\w+)>", row["rule"])),
        path=row["path"],
        access=Access(access) if access in set(Access) else Access.UNKNOWN,
    )


def _expected(row: Mapping[str, Any], route: Route, login: str) -> Expected:
    """Of a stranger."""
    sample, status = "<" in route.rule, row.get("status")
    match route.access:
        case Access.LOGIN:
            return Expected(turned_away=True, login=login, sample=sample)
        case Access.PUBLIC:
            wanted = status if isinstance(status, int) else 200
            return Expected(wanted, sample=sample)
        case _:
            return Expected(sample=sample)


def _budget(row: Mapping[str, Any]) -> int | None:
    """Statements that are counted, as the monitor counts them."""
    budget = row.get("budget")
    return int(budget.get("select", 0)) + int(budget.get("dml", 0)) if isinstance(budget, Mapping) else None


def _with_configured(found: list[Aim], smoke: Smoke) -> Iterator[Aim]:
    """The exported routes, those that the configuration knows more of in its words."""
    named = list(smoke.routes)
    for aim in found:
        known = [route for route in named if _same(route, aim.route)]
        named = [route for route in named if route not in known]
        yield from (_configured(route, smoke, aim) for route in known)
        # With headers it is another question: what a stranger gets is asked all the same.
        if not known:
            yield aim
        elif all(route.headers for route in known):
            yield replace(aim, expected=replace(aim.expected, statements=None))
    yield from (_configured(route, smoke, None) for route in named)


def _same(route: SmokeRoute, other: Route) -> bool:
    return route.method == other.method and urlsplit(route.path).path in (other.path, other.rule)


def _configured(route: SmokeRoute, smoke: Smoke, aim: Aim | None) -> Aim:
    known = aim.route if aim is not None else Route(route.method, urlsplit(route.path).path, "")
    before = aim.expected if aim is not None and not route.headers else Expected()
    statements = route.statements
    if statements is None and aim is not None:
        statements = aim.expected.statements
    status = route.status if route.status is not None else (before.status or (None if before.turned_away else 200))
    expected = Expected(
        status=status,
        turned_away=before.turned_away and route.status is None,
        login=before.login,
        contains=tuple(route.contains),
        keys=tuple(route.keys),
        statements=statements,
        slow_ms=smoke.slow_ms,
    )
    path = known.path if "<" in route.path else route.path
    return Aim(replace(known, path=path), expected, CONFIGURED if route.headers else ANONYMOUS, dict(route.headers))


def _door(rows: list[Mapping[str, Any]], smoke: Smoke, login: str) -> Door | None:
    """What the configuration names, else the log-in."""
    method, path = smoke.csrf.split(" ", 1) if smoke.csrf else ("POST", login)
    if not path:
        return None
    row = next((row for row in rows if row["method"] == method and row["path"] == path), None)
    route = _route(row) if row is not None else Route(method, path, "", path=path)
    limits = row.get("limits") if row is not None else None
    return Door(
        route,
        page=path,
        protected=bool(smoke.csrf) or (row is not None and row.get("csrf") == "protected"),
        limits=tuple(map(str, limits)) if isinstance(limits, list) else None,
    )


def _webhooks(inventory: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> Iterator[Route]:
    for webhook in inventory.get("webhooks") or ():
        path = webhook["path"]
        row = next((row for row in rows if row["method"] == "POST" and row["path"] == path), None)
        yield _route(row) if row is not None else Route("POST", path, "", path=path)


def attempts(limits: tuple[str, ...], workers: int) -> int:
    """How many attempts the tightest limit must refuse at last: a count of its own in each worker lets more in."""
    amounts = [int(found[0]) for limit in limits if (found := _AMOUNT.search(limit))]
    return min(amounts) * workers + 1 if amounts else 0
