"""ARC: how far a route reaches: other machines, the database, the classes of providers."""

from collections.abc import Iterable

from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.model.structure import QUERY, WRITE, Caller, Outside, Provider, View
from seatrial.rules.arc.views import SOURCE_READ
from seatrial.rules.registry import rule

_SHOWN = 4


@rule(
    code="ARC003",
    name="external-call-in-route",
    level=Level.BLOCK,
    claim="No route module calls an external service directly.",
    control="the source of the function was read",
    rationale="A request that waits for another's server holds a worker, and no test of the view runs without it.",
    source="A. Cockburn, Hexagonal Architecture (2005); M. Nygard, Release It! (2018), Integration Points",
    remedy="Move the call into a gateway behind a port, and let a service use it: the route calls the service.",
    static=True,
)
def external_call_in_route(rule: Rule, caller: Caller, _: Context) -> Judgement:
    if caller.unseen:
        return rule.not_proved(caller.subject, caller.unseen)
    if not caller.calls:
        return rule.passed(caller.subject)
    first = min(caller.calls, key=lambda call: (call.observed, call.place.line))
    packages = ", ".join(dict.fromkeys(call.package for call in caller.calls))
    return rule.failed(
        caller.subject,
        rule.finding(
            caller.subject,
            f"A route module must leave external services to services and gateways but this one calls {packages}: "
            f"{_listed(caller.calls)}",
            place=first.place,
            evidence={"calls": [_shown(call) for call in caller.calls]},
        ),
    )


@rule(
    code="ARC004",
    name="database-in-route",
    level=Level.INFO,
    claim="Queries live in services, not in views.",
    control=SOURCE_READ,
    rationale="A query in a view is written again for the next page, and drifts from its twin.",
    source="M. Fowler, Patterns of Enterprise Application Architecture (2002), Repository and Service Layer",
    remedy="Give the query a name in a service, and call it.",
    static=True,
)
def database_in_route(rule: Rule, view: View, _: Context) -> Judgement:
    if view.unseen:
        return rule.not_proved(view.subject, view.unseen)
    found = [piece for piece in view.logic if piece.kind in (QUERY, WRITE)]
    if not found:
        return rule.passed(view.subject)
    times = "1 time" if len(found) == 1 else f"{len(found)} times"
    where = ", ".join(f"{piece.what} at line {piece.line}" for piece in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return rule.failed(
        view.subject,
        rule.finding(
            view.subject,
            f"Queries must live in services but this view turns to the database {times}: {where}{more}",
            place=view.place,
            evidence={"statements": [{"line": piece.line, "what": piece.what} for piece in found]},
        ),
    )


@rule(
    code="ARC005",
    name="concrete-dependency",
    level=Level.INFO,
    claim="Routes depend on ports, not on the classes of providers.",
    control=SOURCE_READ,
    rationale="A route that makes its provider by itself cannot be tried with another one, nor without any.",
    source="R. C. Martin, The Dependency Inversion Principle (1996); A. Cockburn, Hexagonal Architecture (2005)",
    remedy="Make the provider where the app is built, and let the route ask for what it can do.",
    static=True,
)
def concrete_dependency(rule: Rule, view: View, _: Context) -> Judgement:
    if view.unseen:
        return rule.not_proved(view.subject, view.unseen)
    if not view.providers:
        return rule.passed(view.subject)
    return rule.failed(view.subject, *(_concrete(rule, view, provider) for provider in view.providers))


def _concrete(rule: Rule, view: View, provider: Provider) -> Finding:
    name = provider.name.rpartition(":")[2]
    methods = ", ".join(f"{method}()" for method in provider.methods[:_SHOWN]) or "what it calls of it"
    offer = f"{provider.port} already asks for it" if provider.port else f"a Protocol with {methods} would do"
    return rule.finding(
        view.subject,
        f"A route must depend on a port but this one names {name}, which talks to {provider.package}; {offer}",
        place=provider.place,
        detail=provider.name,
        evidence={"provider": provider.name, "methods": list(provider.methods), "port": provider.port},
    )


def _listed(calls: Iterable[Outside]) -> str:
    told = list(dict.fromkeys(map(_told, calls)))
    return ", ".join(told[:_SHOWN]) + (f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")


def _told(call: Outside) -> str:
    if call.observed:
        return f"{call.what} (seen while the app ran, line {call.place.line})"
    through = f", through {call.through}" if call.through else ""
    return f"{call.what} at line {call.place.line}{through}"


def _shown(call: Outside) -> dict[str, object]:
    return {
        "package": call.package,
        "call": call.what,
        "line": call.place.line,
        "through": call.through,
        "seen": "while the app ran" if call.observed else "in the source",
    }
