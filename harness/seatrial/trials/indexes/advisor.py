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
from seatrial.trials.indexes.trial import KEY_ROWS, enlarge, pair
from seatrial.trials.indexes.workload import Captured

if TYPE_CHECKING:
    from seatrial.target import Target

KEPT = 0.5
"""A statement counts as helped when its cost falls below this share."""
WORTH = 0.002
"""A pick must save this share of what all statements cost: one slow report must not hide what pages need."""
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
        wanted = {table: KEY_ROWS for one in found.captured for table in one.tables}
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
    for pick in picks:
        spec, helped = pick.spec, [statements[number] for number in pick.costs]
        trial = try_index(connection, standing(spec, now), helped, rows=rows.get(spec.table, 0))
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


def _greedy(
    connection: sa.Connection, wanted: dict[IndexSpec, list[int]], statements: Sequence[Captured]
) -> tuple[list[_Found], float, float]:
    """The best candidate, then the best beside it, until none is worth it. Returns the picks, cost before and after.

    What a candidate saves can only fall when another index is there: what it saved in an earlier round is a bound, and
    only those are built again that could still be the best.
    """
    until = time.monotonic() + SECONDS
    current = {
        number: plan.cost
        for number, one in enumerate(statements)
        if (plan := explain(connection, one.text, one.parameters, run=False)) is not None
    }
    before = sum(current.values())
    picks: list[_Found] = []

    def tried(spec: IndexSpec) -> _Found:
        return _cost(connection, spec, wanted[spec], statements, current)

    bounds = {spec: tried(spec) for spec in wanted if time.monotonic() < until}
    fresh = set(bounds)
    while len(picks) < PICKS and time.monotonic() < until:
        worth = {spec: found for spec, found in bounds.items() if found.saved > before * WORTH}
        if not worth:
            break
        first = max(worth.values(), key=lambda found: found.saved)
        near = [found for found in worth.values() if found.saved >= first.saved * (1 - TIE)]
        stale = [found.spec for found in near if found.spec not in fresh]
        if stale:
            bounds |= {spec: tried(spec) for spec in stale}
            fresh.update(stale)
            continue
        best = min(near, key=lambda found: (len(found.spec.columns), -found.saved, found.spec.name))
        picks.append(best)
        del bounds[best.spec]
        connection.exec_driver_sql(create_sql(connection, best.spec))
        current |= best.costs
        fresh = {spec for spec in fresh if spec in bounds and not set(bounds[spec].costs) & set(best.costs)}
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


def _without_prefixes(picks: Sequence[_Found]) -> list[_Found]:
    """An early narrow pick may have become the beginning of a later one, which serves its readers as well."""
    return [
        one
        for one in picks
        if not any(
            other is not one
            and other.spec.table == one.spec.table
            and other.spec.columns[: len(one.spec.columns)] == one.spec.columns
            for other in picks
        )
    ]
