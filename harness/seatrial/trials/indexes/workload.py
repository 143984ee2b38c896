"""The statements of the app's pages with their real parameters. They stay in the host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.database.growth.catalog import Catalog
from seatrial.model.errors import InconclusiveError
from seatrial.model.evidence import Kind, Statement
from seatrial.model.inventory import Route

if TYPE_CHECKING:
    from seatrial.target import Target

_READS = re.compile(r"\s*(SELECT|WITH|UPDATE|DELETE)\b", re.IGNORECASE)
_SET = re.compile(r"\bSET\b(.*?)(?:\bWHERE\b|\bRETURNING\b|\bFROM\b|$)", re.IGNORECASE | re.DOTALL)
_ASSIGNED = re.compile(r"(?:^|,)\s*\"?([A-Za-z_]\w*)\"?\s*=")


@dataclass(frozen=True, slots=True)
class Captured:
    """One statement as the driver got it, the first time that it was sent."""

    subject: str
    statement: Statement
    text: str
    parameters: Any
    tables: frozenset[str]
    hot: bool = False

    @property
    def assigned(self) -> tuple[str, ...]:
        """Columns that an UPDATE sets."""
        if not re.match(r"\s*UPDATE\b", self.text, re.IGNORECASE):
            return ()
        found = _SET.search(self.text)
        return tuple(dict.fromkeys(_ASSIGNED.findall(found.group(1)))) if found else ()


@dataclass(frozen=True, slots=True)
class Workload:
    """Different statements, and how many routes answered."""

    captured: tuple[Captured, ...]
    routes: int

    def naming(self, table: str) -> list[Captured]:
        return [one for one in self.captured if table in one.tables]


def capture(
    target: Target,
    members: Sequence[tuple[Route, str]],
    catalog: Catalog,
    hot: frozenset[str],
    options: Mapping[str, Mapping[str, Any]],
) -> Workload:
    """Ask every route once, those that only read first. What is no answer is no workload."""
    found: dict[str, Captured] = {}
    answered = 0
    for route, identity in sorted(members, key=lambda pair: not pair[0].safe):
        if not route.path or route.unresolved:
            continue
        sent, ok = _ask(target, route, identity, options.get(f"{route.method} {route.rule}", {}))
        answered += ok
        critical = f"{route.method} {route.rule}" in hot
        for one in sent:
            statement = one.statement
            known = found.get(statement.fingerprint)
            if known is not None and (known.hot or not critical):
                continue
            if statement.kind in (Kind.SELECT, Kind.DML) and _READS.match(one.text):
                tables = catalog.mentioned(statement.sql)
                found[statement.fingerprint] = Captured(
                    route.subject(identity), statement, one.text, one.parameters, tables, critical
                )
    return Workload(tuple(found.values()), answered)


def _ask(target: Target, route: Route, identity: str, options: Mapping[str, Any]) -> tuple[Sequence[Any], bool]:
    from seatrial.target.identities import still_logged_in

    client = target.client(identity)
    sending = dict(options) if route.safe or options else {"data": {}}
    reply = target.send(client, route.method, route.path, keep=True, **sending)
    if not still_logged_in(target, identity, reply):
        target.sessions.pop(identity, None)
    if reply.status in (403, 429):
        try:
            from seatrial.trials.sweep import check_canary

            check_canary(target, route, identity, reply)
        except InconclusiveError:
            return (), False
    return (reply.kept, 200 <= reply.status < 400) if not reply.failure else ((), False)
