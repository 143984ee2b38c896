"""Which further indexes would serve the app's statements: built for real, kept if the planner takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from seatrial.database.growth.catalog import Catalog
from seatrial.migrate.catalog import Snapshot, snapshot
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import State, standing
from seatrial.model.indexes import Advice, Suggestion
from seatrial.model.inventory import Route
from seatrial.trials.indexes import price, workload
from seatrial.trials.indexes.candidates import candidates
from seatrial.trials.indexes.proof import try_index
from seatrial.trials.indexes.search import Search
from seatrial.trials.indexes.trial import KEY_ROWS, enlarge, pair
from seatrial.trials.indexes.workload import Captured

if TYPE_CHECKING:
    from seatrial.target import Target


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
    return replace(advice, routes=found.routes, notes=(*notes, *advice.notes))


def suggest(
    connection: sa.Connection,
    plain: sa.Connection,
    catalog: Catalog,
    statements: Sequence[Captured],
    rows: Mapping[str, int],
) -> Advice:
    """On tables that are large already. Candidates are built in a transaction that is undone."""
    now = snapshot(connection)
    connection.rollback()
    search = Search(connection, _wanted(catalog, now, statements), statements)
    suggestions: list[Suggestion] = []
    for pick in search.run():
        spec, helped = pick.spec, [statements[number] for number in pick.costs]
        trial = try_index(connection, standing(spec, now), helped, rows=rows.get(spec.table, 0))
        connection.rollback()
        table = catalog.tables[spec.table]
        indexed = frozenset(c or "" for index in now.of(spec.table) for c in index.columns) | set(spec.columns)
        updated = [column for one in statements for column in one.assigned if column in spec.columns]
        other = price.neutral(table, indexed)
        columns = list(dict.fromkeys(updated)) or ([other] if other else [])
        where = standing(spec, now)
        if all(known.table != spec.table for known in suggestions):
            price.prepare(plain, table)
        cost = price.measure(plain, table, where, columns, seen=bool(updated), rows=rows.get(spec.table, 0))
        suggestions.append(Suggestion(spec.table, spec.columns, spec.name, replace(trial, price=cost)))
    return Advice(
        tuple(suggestions),
        len(statements),
        len(search.wanted),
        round(search.before, 1),
        round(search.after, 1),
        built=len(search.built),
        unjudged=search.unjudged,
        notes=search.notes,
    )


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
