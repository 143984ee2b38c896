"""The whole trial, inside the host: capture, make the tables large, prove each index, name its price."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from seatrial.database.growth.catalog import Catalog
from seatrial.database.growth.scaling import Scaler
from seatrial.migrate.catalog import Snapshot, snapshot
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import standing
from seatrial.migrate.structure import ForeignKey, foreign_keys, redundant
from seatrial.model.indexes import Database, IndexTrial, Redundant
from seatrial.model.inventory import Route
from seatrial.trials.indexes import price, workload
from seatrial.trials.indexes.proof import try_index
from seatrial.trials.indexes.workload import Workload

if TYPE_CHECKING:
    from seatrial.target import Target

ROWS = 50_000
"""Of a table whose index is tried: below some hundreds no server would use any."""
KEY_ROWS = 20_000
"""Of a table that holds a foreign key without an index."""
KEYS = 12
"""Foreign keys that are tried at most, those of the largest tables first."""
OTHER = (
    'plans are proved on PostgreSQL, and those of {0} do not carry over: set url = "embedded" under '
    "[tool.seatrial.database]"
)


def prove(
    target: Target,
    members: Sequence[tuple[Route, str]],
    specs: Sequence[IndexSpec],
    hot: frozenset[str],
    options: Mapping[str, Mapping[str, Any]],
) -> Database:
    """What the rules on indexes judge. Afterwards the trial's database is another one, and has to be restored."""
    engine = sa.create_engine(target.database_url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        now = snapshot(connection)
        connection.rollback()
        facts = structure(now)
        if now.dialect != "postgresql":
            trials = tuple(_untried(spec, now) for spec in specs)
            return replace(facts, planned=trials, reason=OTHER.format(now.dialect))
        catalog = Catalog.read(connection)
        connection.rollback()
    found = workload.capture(target, members, catalog, hot, options)
    target.dispose()
    with pair(engine) as (connection, plain):
        keys = foreign_keys(connection, now)
        connection.rollback()
        bare = [key for key in keys if not key.indexed and not _is_planned(key, specs)]
        named = [key for key in bare if any(mentions(one.text, key) for one in found.naming(key.table))]
        facts = replace(
            facts,
            statements=len(found.captured),
            routes=found.routes,
            indexed_keys=len(keys) - len(bare),
            unread_keys=len(bare) - len(named),
        )
        priced = {spec.table: ROWS for spec in specs if standing(spec, now).state.applies}
        wanted = {key.table: KEY_ROWS for key in named[:KEYS]} | priced
        rows, notes = enlarge(connection, plain, catalog, wanted, priced=frozenset(priced))
        planned = tuple(_try(connection, plain, catalog, now, spec, found, rows) for spec in specs)
        tried = tuple(
            try_index(connection, standing(spec, now), found.naming(spec.table), rows=rows.get(spec.table, 0))
            for spec in (IndexSpec(key.table, key.columns) for key in named[:KEYS])
        )
    return replace(facts, planned=planned, keys=tried, tables=rows, notes=tuple(notes))


def structure(now: Snapshot) -> Database:
    """What the catalog alone says."""
    own = {(index.table.rpartition(".")[2], index.name): index for index in now.all()}
    return Database(
        dialect=now.dialect,
        indexes=len(own),
        invalid=tuple(sorted(key for key, index in own.items() if not index.valid and not index.building)),
        redundant=tuple(
            Redundant(
                one.table.removeprefix("public."),
                one.name,
                _plain(one.columns),
                other.name,
                _plain(other.columns),
                one.size or 0,
            )
            for one, other in redundant(now)
        ),
    )


def _plain(columns: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(column or "…" for column in columns)


def _untried(spec: IndexSpec, now: Snapshot) -> IndexTrial:
    where = standing(spec, now)
    return IndexTrial(spec.subject, spec.name, where.state.value, where.detail, reason=OTHER.format(now.dialect))


def _is_planned(key: ForeignKey, specs: Sequence[IndexSpec]) -> bool:
    """What is planned for it is judged as such."""
    return any(spec.table == key.table and set(spec.columns[: len(key.columns)]) == set(key.columns) for spec in specs)


def mentions(text: str, key: ForeignKey) -> bool:
    """Its columns stand behind WHERE, ON or ORDER BY. By words: whether that helps, the plan says."""
    condition = re.split(r"\b(?:WHERE|ON)\b", text, maxsplit=1, flags=re.IGNORECASE)
    words = set(re.findall(r"\w+", condition[1])) if len(condition) > 1 else set()
    return set(key.columns) <= words


@contextmanager
def pair(engine: sa.Engine) -> Iterator[tuple[sa.Connection, sa.Connection]]:
    """One connection whose transactions are undone, and one without transactions, for VACUUM."""
    with engine.connect() as connection, engine.connect() as other:
        yield connection, other.execution_options(isolation_level="AUTOCOMMIT")


def enlarge(
    connection: sa.Connection,
    plain: sa.Connection,
    catalog: Catalog,
    wanted: Mapping[str, int],
    *,
    priced: frozenset[str] = frozenset(),
) -> tuple[dict[str, int], list[str]]:
    """Tables as in production, with statistics that know it. `plain` is in autocommit mode.

    `priced`: tables whose updates are to be counted.
    """
    scaler = Scaler(connection, catalog)
    rows = scaler.scale(wanted)
    connection.rollback()
    for name in rows:
        table = catalog.tables[name]
        if name in priced:
            price.prepare(plain, table)
        else:
            plain.exec_driver_sql(f"VACUUM (ANALYZE) {plain.dialect.identifier_preparer.format_table(table)}")
    return rows, scaler.notes


def _try(
    connection: sa.Connection,
    plain: sa.Connection,
    catalog: Catalog,
    now: Snapshot,
    spec: IndexSpec,
    found: Workload,
    rows: Mapping[str, int],
) -> IndexTrial:
    where = standing(spec, now)
    statements = found.naming(spec.table)
    trial = try_index(connection, where, statements, rows=rows.get(spec.table, 0))
    if not where.state.applies or trial.reason or spec.table not in catalog.tables:
        return trial
    table = catalog.tables[spec.table]
    indexed = frozenset(column or "" for index in now.of(spec.table) for column in index.columns) | set(spec.columns)
    updated = [column for one in statements for column in one.assigned if f"UPDATE {spec.table} " in one.text + " "]
    # Of what the app changes, the columns of this index decide; without any, what most updates are like.
    touched = [column for column in dict.fromkeys(updated) if column in spec.columns]
    columns = touched or list(dict.fromkeys(updated))[:1]
    seen = bool(columns)
    if not columns:
        other = price.neutral(table, indexed)
        columns = [other] if other else []
    connection.rollback()
    cost = price.measure(plain, table, where, columns, seen=seen, rows=rows.get(spec.table, 0))
    return replace(trial, price=cost)
