"""How rules name statements to people: never with values."""

import re
from collections.abc import Sequence

from seatrial.model.evidence import Kind, Load, Statement
from seatrial.model.findings import Place

_SHOWN = 400
_WORDS = {
    Load.NONE: "",
    Load.LAZY: "lazy load of ",
    Load.EAGER: "eager load of ",
    Load.DEFERRED: "deferred load of ",
    Load.EXPIRED: "reload of expired ",
    Load.REFRESH: "refresh of ",
}
_TABLE = r"(?:ONLY\s+)?([\w.$\"`\[\]]+)"
_FROM = re.compile(rf"\bFROM\s+{_TABLE}", re.IGNORECASE)
_WRITE = re.compile(
    rf"\b(?:(INSERT)\s+(?:OR\s+\w+\s+)?INTO|(REPLACE|MERGE)\s+INTO|(DELETE)\s+FROM|(TRUNCATE)(?:\s+TABLE)?|(UPDATE))"
    rf"\s+{_TABLE}",
    re.IGNORECASE,
)


def shorthand(statement: Statement) -> str:
    """`SELECT … FROM category`, `UPDATE item`: enough to know which one is meant."""
    if statement.kind is Kind.DML:
        return " ".join(written(statement.sql))
    found = _FROM.search(statement.sql)
    return f"SELECT … FROM {_bare(found[1])}" if found else " ".join(statement.sql.split())[:60]


def cause(statement: Statement) -> str:
    """`lazy load of Item.lots (SELECT … FROM lot)`: why it was sent, where more is known than its text."""
    what = statement.relationship or statement.entity
    if statement.load is Load.DEFERRED:
        what = ", ".join(f"{statement.entity}.{name}" for name in statement.columns) or what
    if not what or (statement.load is Load.NONE and not statement.relationship):
        return shorthand(statement)
    return f"{_WORDS[statement.load]}{what} ({shorthand(statement)})"


def line_of(place: Place) -> str:
    return f"{place.path}:{place.line}"


def places_of(statements: Sequence[Statement]) -> list[str]:
    """Lines that sent them, sorted."""
    return sorted({line_of(s.place) for s in statements if s.place is not None})


def written(sql: str) -> tuple[str, str]:
    """Verb and table of a write, inside a CTE too."""
    found = _WRITE.search(sql)
    if found is None:
        return (sql.split(maxsplit=1) or ["write"])[0].upper(), "an unknown table"
    *verbs, table = found.groups()
    return next(verb for verb in verbs if verb).upper(), _bare(table)


def text_of(statement: Statement) -> str:
    """The statement on one line, cut where it is long."""
    sql = " ".join(statement.sql.split())
    return sql if len(sql) <= _SHOWN else sql[: _SHOWN - 1] + "…"


def _bare(table: str) -> str:
    return re.sub(r"[\"`\[\]]", "", table)
