"""How rules name statements to people: never with values."""

import re

from seatrial.model.evidence import Kind, Statement

_SHOWN = 400
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
