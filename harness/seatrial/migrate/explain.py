"""How PostgreSQL executes a captured statement with its real parameters; nothing it does is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.model.indexes import Execution

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|(?<!:):(\w+)")


def explain(connection: sa.Connection, text: str, parameters: Any, *, run: bool = True) -> Execution | None:
    """The plan, after a real execution where `run`; a DML statement is undone. None: the server refuses to.

    `text` and `parameters` are as the driver gets them.
    """
    options = "FORMAT JSON, ANALYZE, BUFFERS, TIMING OFF" if run else "FORMAT JSON"
    savepoint = connection.begin_nested()
    try:
        raw = connection.exec_driver_sql(f"EXPLAIN ({options}) {text}", parameters).scalar()
    except DBAPIError:
        return None
    finally:
        savepoint.rollback()
    return _read(raw)


def explain_generic(connection: sa.Connection, text: str) -> Execution | None:
    """The plan of the prepared statement for whatever values; None: its types cannot be told without them."""
    prepared, count = numbered(text)
    arguments = f"({', '.join(['NULL'] * count)})" if count else ""
    savepoint = connection.begin_nested()
    try:
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.exec_driver_sql(f"PREPARE seatrial_probe AS {prepared}".replace("%", "%%"))
        try:
            raw = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) EXECUTE seatrial_probe {arguments}").scalar()
        finally:
            connection.exec_driver_sql("DEALLOCATE seatrial_probe")
    except DBAPIError:
        return None
    finally:
        savepoint.rollback()
    return _read(raw)


def numbered(text: str) -> tuple[str, int]:
    """The statement with `$1`, `$2` … in place of the driver's placeholders, and how many there are."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2) or f"#{len(names)}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    # A colon is a placeholder of pg8000 alone; the other drivers write casts with two of them.
    pattern = _PLACEHOLDER if "%(" not in text and "%s" not in text else re.compile(r"%\((\w+)\)s|%s()")
    return pattern.sub(number, text).replace("%%", "%"), len(names)


def _read(raw: Any) -> Execution:
    plan = (raw if isinstance(raw, list) else json.loads(raw))[0]["Plan"]
    nodes = list(_walk(plan))
    return Execution(
        buffers=plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0),
        cost=plan["Total Cost"],
        nodes=tuple(node["Node Type"] for node in nodes),
        indexes=tuple(sorted({node["Index Name"] for node in nodes if "Index Name" in node})),
        sorts=any(node["Node Type"] in ("Sort", "Incremental Sort") for node in nodes),
    )


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)
