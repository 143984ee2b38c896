"""What to write instead of statements that repeat, by what sent them."""

import re
from collections.abc import Sequence

from seatrial.model.evidence import Kind, Load, Statement
from seatrial.rules.statements import written

_AGGREGATE = re.compile(r"^\s*SELECT\s+(?:coalesce\s*\(\s*)?(count|sum|min|max|avg)\s*\(", re.IGNORECASE)
_GETS = frozenset({"get", "get_one"})


def remedy(statements: Sequence[Statement]) -> str:
    """One or two sentences that fit the case; empty where nothing better than the rule's own is known.

    `statements` are executions of one statement. Where they all had the same parameters, there is nothing to ask for
    at once: the answer is to be kept.
    """
    known = best_known(statements)
    if known.eager:
        return ""
    if known.kind is Kind.DML:
        return _write(known)
    identical = len(statements) > 1 and len({s.parameters for s in statements}) == 1
    if known.load in (Load.DEFERRED, Load.EXPIRED, Load.REFRESH):
        return _columns(known)
    if identical:
        return _kept(known)
    if known.relationship:
        return _relationship(known)
    return _loop(known)


def best_known(statements: Sequence[Statement]) -> Statement:
    """The execution of which most is known: attribution may begin with the second."""
    return max(statements, key=lambda s: (bool(s.relationship), s.load is not Load.NONE, s.place is not None))


def _relationship(known: Statement) -> str:
    name = known.relationship
    if known.load is Load.LAZY and known.to_many:
        return f"Load {name} with the query of the page: .options(selectinload({name}))."
    if known.load is Load.LAZY:
        return (
            f"Load {name} with the query of the page: .options(joinedload({name})), "
            f"or selectinload({name}) where many rows share few of them."
        )
    # dynamic, write-only, with_parent(): no option of a query loads these
    if function := _aggregate(known):
        return (
            f"Ask for {name} of all objects at once: one select with func.{function}() and GROUP BY on the foreign key."
        )
    return f"Read {name} of all objects at once: one select joined to its owner, with WHERE … IN over their keys."


def _columns(known: Statement) -> str:
    entity = known.entity or "Model"
    if known.load is Load.EXPIRED:
        return (
            f"Read what is needed of {entity} before the commit, or make the session with expire_on_commit=False; "
            f"many objects come back with one select({entity})."
        )
    if known.load is Load.REFRESH:
        return (
            f"Leave session.refresh() out of the loop: select({entity}).where({entity}.id.in_(ids))"
            f".execution_options(populate_existing=True) refreshes all of them at once."
        )
    columns = [f"{entity}.{name}" for name in known.columns]
    undeferred = ", ".join(f"undefer({column})" for column in columns) or "undefer(…)"
    return (
        f"Load {_listed(columns) or 'the column'} with the query of the page: .options({undeferred}), or name it in "
        f"load_only(); a column of a subclass comes with selectin_polymorphic() on the query of its base class."
    )


def _kept(known: Statement) -> str:
    if known.relationship:
        return (
            f"Nothing keeps the object whose {known.relationship} is read: hold it for the length of the request "
            f"(flask.g), so that the session finds it again."
        )
    if known.api in _GETS:
        entity = known.entity or "object"
        return f"Hold the {entity} that get() returned for the length of the request: the session's own memory is weak."
    return ""


def _loop(known: Statement) -> str:
    entity = known.entity
    if known.api in _GETS and entity:
        return f"Get all of them before the loop: select({entity}).where({entity}.id.in_(ids))."
    if function := _aggregate(known):
        of = f" of {entity}" if entity else ""
        return (
            f"Ask for all values at once: select(key, func.{function}(…)).group_by(key), where key is the column{of} "
            f"that the loop compares."
        )
    if entity:
        return (
            f"Ask for all of them before the loop: select({entity}) with .in_(values) on the column that the loop "
            f"compares, then a dict by that column."
        )
    return (
        "Ask for all of them before the loop: one statement with WHERE … IN in place of one per value "
        "(in text() by bindparam(…, expanding=True))."
    )


def _write(known: Statement) -> str:
    verb, _ = written(known.sql)
    entity = known.entity or "Model"
    if known.api in ("flush", "commit"):
        return "Add all objects first and flush or commit once, after the loop: the session then sends them in batches."
    match verb:
        case "INSERT":
            return f"Send all rows in one statement: session.execute(insert({entity}), rows)."
        case "UPDATE":
            return (
                f"Send one UPDATE for all rows: update({entity}) with a WHERE that covers them, or "
                f"session.execute(update({entity}), rows) where the values differ."
            )
        case "DELETE":
            return f"Send one DELETE for all rows: delete({entity}).where({entity}.id.in_(ids))."
    return "Send one statement for all rows in place of one per row."


def _aggregate(known: Statement) -> str:
    """`count`, where the statement does nothing but count; or another function of that kind; or empty."""
    found = _AGGREGATE.search(known.sql)
    return found[1].lower() if found else "count" if known.api == "count" else ""


def _listed(parts: Sequence[str]) -> str:
    *head, last = parts or ("",)
    return f"{', '.join(head)} and {last}" if head else last
