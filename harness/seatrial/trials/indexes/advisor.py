"""Which further indexes would serve the app's statements: built for real, kept if the planner takes them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.database.growth.catalog import Catalog
from seatrial.migrate.catalog import Snapshot, snapshot
from seatrial.migrate.explain import explain
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import State, standing
from seatrial.model.indexes import Advice, Suggestion
from seatrial.model.inventory import Route
from seatrial.trials.indexes import price, workload
from seatrial.trials.indexes.candidates import candidates
from seatrial.trials.indexes.proof import create_sql, try_index
from seatrial.trials.indexes.trial import ROWS, enlarge, pair
from seatrial.trials.indexes.workload import Captured

if TYPE_CHECKING:
    from seatrial.target import Target

KEPT = 0.5
"""A statement counts as helped when its cost falls below this share."""
WORTH = 0.02
"""A pick must save this share of what all statements cost."""
TIE = 0.02
"""Within this share of the best one, the narrower index is taken."""
PICKS = 8
SECONDS = 60.0


@dataclass(slots=True)
class _Found:
    spec: IndexSpec
    saved: float
    costs: dict[int, float]


def advise(
    target: Target,
    members: Sequence[tuple[Route, str]],
    hot: frozenset[str],
    options: Mapping[str, Mapping[str, Any]],
) -> Advice:
    """Suggestions for the app's own statements, in the order of what they save. The database must be restored after."""
    engine = sa.create_engine(target.database_url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        catalog = Catalog.read(connection)
        connection.rollback()
    found = workload.capture(target, members, catalog, hot, options)
    target.dispose()
    with pair(engine) as (connection, plain):
        wanted = {table: ROWS for one in found.captured for table in one.tables}
        rows, notes = enlarge(connection, plain, catalog, wanted)
        advice = suggest(connection, plain, catalog, found.captured, rows)
    return replace(advice, routes=found.routes, notes=tuple(notes))


def suggest(
    connection: sa.Connection,
    plain: sa.Connection,
    catalog: Catalog,
    statements: Sequence[Captured],
    rows: Mapping[str, int],
) -> Advice:
    """On tables that are large already. Every candidate is built in a transaction that is undone."""
    now = snapshot(connection)
    connection.rollback()
    wanted = _wanted(catalog, now, statements)
    picks, before, after = _greedy(connection, wanted, statements)
    suggestions = []
    for spec in picks:
        trial = try_index(connection, standing(spec, now), _of(statements, spec), rows=rows.get(spec.table, 0))
        connection.rollback()
        table = catalog.tables[spec.table]
        indexed = frozenset(c or "" for index in now.of(spec.table) for c in index.columns) | set(spec.columns)
        updated = [column for one in statements for column in one.assigned if column in spec.columns]
        other = price.neutral(table, indexed)
        columns = list(dict.fromkeys(updated)) or ([other] if other else [])
        where = standing(spec, now)
        price.prepare(plain, table)
        cost = price.measure(plain, table, where, columns, seen=bool(updated), rows=rows.get(spec.table, 0))
        suggestions.append(Suggestion(spec.table, spec.columns, spec.name, replace(trial, price=cost)))
    return Advice(tuple(suggestions), len(statements), len(wanted), round(before, 1), round(after, 1))


def _wanted(catalog: Catalog, now: Snapshot, statements: Sequence[Captured]) -> dict[IndexSpec, list[int]]:
    """Candidates that no index covers, with the numbers of the statements that they come from."""
    schema = {name: {c.name: str(c.type) for c in table.columns} for name, table in catalog.tables.items()}
    found: dict[IndexSpec, list[int]] = {}
    for number, one in enumerate(statements):
        for table, columns in sorted(candidates(one.text, schema)):
            spec = IndexSpec(table, columns)
            if standing(spec, now).state is State.MISSING:
                found.setdefault(spec, []).append(number)
    return found


def _of(statements: Sequence[Captured], spec: IndexSpec) -> list[Captured]:
    return [one for one in statements if spec.table in one.tables]


def _greedy(
    connection: sa.Connection, wanted: dict[IndexSpec, list[int]], statements: Sequence[Captured]
) -> tuple[list[IndexSpec], float, float]:
    """The best candidate, then the best beside it, until none is worth it. Returns the picks, cost before and after."""
    until = time.monotonic() + SECONDS
    current = {
        number: plan.cost
        for number, one in enumerate(statements)
        if (plan := explain(connection, one.text, one.parameters, run=False)) is not None
    }
    before = sum(current.values())
    picks: list[IndexSpec] = []
    left = dict(wanted)
    while left and len(picks) < PICKS and time.monotonic() < until:
        tried = [_cost(connection, spec, numbers, statements, current) for spec, numbers in left.items()]
        # What helps nobody now helps nobody beside a further index either.
        left = {found.spec: left[found.spec] for found in tried if found.saved > 0}
        best = _best([found for found in tried if found.saved > before * WORTH])
        if best is None:
            break
        picks.append(best.spec)
        left.pop(best.spec, None)
        connection.exec_driver_sql(create_sql(connection, best.spec))
        for number in [n for n, one in enumerate(statements) if best.spec.table in one.tables and n in current]:
            plan = explain(connection, statements[number].text, statements[number].parameters, run=False)
            current[number] = plan.cost if plan is not None else current[number]
    connection.rollback()
    return _without_prefixes(picks), before, sum(current.values())


def _cost(
    connection: sa.Connection,
    spec: IndexSpec,
    numbers: Sequence[int],
    statements: Sequence[Captured],
    current: Mapping[int, float],
) -> _Found:
    savepoint = connection.begin_nested()
    saved, costs = 0.0, {}
    try:
        connection.exec_driver_sql(create_sql(connection, spec))
        for number in numbers:
            one = statements[number]
            plan = explain(connection, one.text, one.parameters, run=False) if number in current else None
            if plan is not None and spec.name in plan.indexes and plan.cost < current[number] * KEPT:
                saved += current[number] - plan.cost
                costs[number] = plan.cost
    except DBAPIError:
        return _Found(spec, 0.0, {})  # a type that has no order
    finally:
        savepoint.rollback()
    return _Found(spec, saved, costs)


def _best(tried: Sequence[_Found]) -> _Found | None:
    if not tried:
        return None
    most = max(found.saved for found in tried)
    near = [found for found in tried if found.saved >= most * (1 - TIE)]
    return min(near, key=lambda found: (len(found.spec.columns), -found.saved, found.spec.name))


def _without_prefixes(picks: Sequence[IndexSpec]) -> list[IndexSpec]:
    """An early narrow pick may have become the beginning of a later one, which serves its readers as well."""
    return [
        one
        for one in picks
        if not any(
            other is not one and other.table == one.table and other.columns[: len(one.columns)] == one.columns
            for other in picks
        )
    ]
