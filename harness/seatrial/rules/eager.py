"""SQL: what a request loaded ahead of time, and never looked at."""

import re

from seatrial.model.evidence import EagerLoad, Exchange, Kind
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, unexpected
from seatrial.rules.registry import rule

_DELETES = re.compile(r"\bDELETE\s+FROM\b", re.IGNORECASE)
_OPTIONS = {
    "joined": "joinedload",
    "selectin": "selectinload",
    "subquery": "subqueryload",
    "immediate": "immediateload",
    "contains_eager": "contains_eager",
}


@rule(
    code="SQL008",
    name="unused-eager-load",
    level=Level.INFO,
    claim="What a page loads eagerly, it reads.",
    control=RESPONSE,
    rationale="The fix of an N+1 outlives the page it was made for: rows are fetched for a column that is long gone.",
    source="bullet (unused eager loading); SQLAlchemy documentation, Relationship Loading Techniques",
    remedy="Take the option off the query, or load the relationship only where it is read.",
)
def unused_eager_load(rule: Rule, exchange: Exchange, _: Context) -> Judgement:
    if (silent := unexpected(rule, exchange)) is not None:
        return silent
    if not exchange.eager:
        return rule.skipped(exchange.subject, "the page loads nothing eagerly")
    read = {load.relationship for load in exchange.eager if load.read}
    unread: dict[str, list[EagerLoad]] = {}
    for load in exchange.eager:
        if load.relationship not in read:
            unread.setdefault(load.relationship, []).append(load)
    # One row that came with a join has cost next to nothing (the log-in of the current user, the owner of a detail).
    unread = {name: same for name, same in unread.items() if not all(_negligible(load) for load in same)}
    # What was loaded for objects that nobody looked at goes away together with them.
    outermost = {name: same for name, same in unread.items() if not all(load.through in unread for load in same)}
    doubts = {name: _doubt(exchange, same) for name, same in outermost.items()}
    certain = [_finding(rule, exchange, same) for name, same in outermost.items() if not doubts[name]]
    if certain:
        return rule.failed(exchange.subject, *certain)
    if doubts:
        name, doubt = next(iter(doubts.items()))
        return rule.not_proved(exchange.subject, f"no read of {name} was seen, but {doubt}")
    return rule.passed(exchange.subject)


def _negligible(load: EagerLoad) -> bool:
    return load.strategy in ("joined", "contains_eager") and load.parents == 1 and load.rows <= 1


def _doubt(exchange: Exchange, same: list[EagerLoad]) -> str:
    """Why the missing read proves nothing, or empty."""
    if not any(load.rows for load in same):
        return "nothing was found to load: seed some (`seed` under [tool.seatrial])"
    if unseen := next((load.unseen for load in same if load.unseen), ""):
        return f"{unseen}: read what is needed by name"
    if any(s.kind is Kind.DML and _DELETES.search(s.sql) for s in exchange.statements):
        return "the request deleted rows, and a cascade reads what it deletes without anybody seeing it"
    return ""


def _finding(rule: Rule, exchange: Exchange, same: list[EagerLoad]) -> Finding:
    load = same[0]
    rows, parents = sum(load.rows for load in same), sum(load.parents for load in same)
    return rule.finding(
        exchange.subject,
        f"What is loaded eagerly must be read but {load.relationship} was not: "
        f"{_amount(rows, 'row')} for {_amount(parents, 'object')}, loaded by {_by(load)}",
        remedy=_cure(load),
        place=load.place,
        detail=load.relationship,
        evidence={
            "relationship": load.relationship,
            "strategy": load.strategy,
            "set_by": "mapping" if load.mapped else "query",
            "objects": parents,
            "rows": rows,
        },
    )


def _by(load: EagerLoad) -> str:
    return f"the mapping's lazy='{load.strategy}'" if load.mapped else f"{_option(load)}()"


def _option(load: EagerLoad) -> str:
    return _OPTIONS.get(load.strategy, load.strategy)


def _cure(load: EagerLoad) -> str:
    name, option = load.relationship, _option(load)
    if load.mapped:
        return (
            f"Map {name} with lazy='select' and ask for it with {option}() where it is read, "
            f"or add lazyload({name}) to this query."
        )
    if load.strategy == "contains_eager":
        return f"Take contains_eager({name}) off this query; the join may stay."
    return f"Take {option}({name}) off this query."


def _amount(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
