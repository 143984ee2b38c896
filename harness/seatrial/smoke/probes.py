"""Single requests: static files, unsigned deliveries, the debugger. Each is a safe method, or must be refused."""

from __future__ import annotations

import json

from seatrial.model.evidence import Exchange
from seatrial.model.inventory import Route
from seatrial.model.requests import Sent
from seatrial.smoke.client import Client
from seatrial.smoke.exchanges import exchange
from seatrial.smoke.plan import Plan

MOST_ASSETS = 40
UNSIGNED = json.dumps(
    {"id": "evt_seatrial_smoke", "object": "event", "type": "seatrial.smoke", "data": {"object": {}}}
).encode()
"""An event of a type that nobody handles: where it is accepted, it means nothing."""
_DEBUGGER = "/?__debugger__=yes&cmd=resource&f=debugger.js"
"""A file of Werkzeug's debugger, which answers it in front of every app."""


def asset(plan: Plan, ask: Client, route: Route, asked_by: str) -> Exchange:
    """A static file; `asked_by` is the page that links it."""
    answer = ask.ask("GET", route.path, headers={"Accept": "*/*"})
    return exchange(plan.base, route, answer, marks={"asked-by": asked_by})


def unsigned(plan: Plan, ask: Client, route: Route) -> Exchange:
    """A delivery without a signature."""
    kind = {"Content-Type": "application/json"}
    answer = ask.ask("POST", route.path, headers=kind, body=UNSIGNED)
    sent = Sent(tuple(kind.items()), UNSIGNED.decode())
    return exchange(plan.base, route, answer, variant="an unsigned delivery", sent=sent)


def debugger(plan: Plan, ask: Client) -> Exchange | None:
    """What Werkzeug's debugger answers; None where it does not."""
    answer = ask.ask("GET", _DEBUGGER)
    there = answer.status == 200 and "javascript" in answer.content_type and "debugger" in answer.text.lower()
    route = Route("GET", "/", "debugger", path=_DEBUGGER)
    return exchange(plan.base, route, answer, variant="the debugger's own file") if there else None


def once_more(plan: Plan, ask: Client, page: Exchange) -> Exchange:
    """The same page again, as a stranger."""
    return exchange(plan.base, page.route, ask.ask("GET", page.path), path=page.path)
