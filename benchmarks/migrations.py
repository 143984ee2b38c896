"""What building an index costs those who write meanwhile, and how long verify and the advisor take.

    python -m benchmarks.migrations [--rows 1000000]

On an embedded PostgreSQL. The stall is the longest time that one single-row update took while the index was built:
by plain CREATE INDEX, and by what `seatrial db upgrade` sends.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable

import sqlalchemy as sa

from seatrial.database import open_databases
from seatrial.database.growth.catalog import Catalog
from seatrial.migrate.build import ensure
from seatrial.migrate.policy import Policy
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.verify import verify
from seatrial.model.evidence import Kind, Statement
from seatrial.trials.indexes.advisor import suggest
from seatrial.trials.indexes.workload import Captured

STALL = 0.1
"""Of plain CREATE INDEX's, at most."""
VERIFY_S, ADVISE_S = 1.0, 20.0
TABLES, STATEMENTS = 100, 50
SPEC = IndexSpec("history", ("item_id", "remaining"))


def engine_of(url: str) -> sa.Engine:
    return sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")


def fill(engine: sa.Engine, rows: int) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE history (id integer PRIMARY KEY, item_id integer, remaining integer, "
            "organization_id integer, moment timestamp, note text)"
        )
        connection.exec_driver_sql(
            "INSERT INTO history SELECT g, 1 + g %% 20000, g %% 20, 1 + g %% 50, timestamp '2024-01-01' + g * "
            f"interval '1 min', repeat('x', 60) FROM generate_series(1, {rows}) g"
        )
        connection.exec_driver_sql("VACUUM ANALYZE history")


def stalled(engine: sa.Engine, rows: int, build: Callable[[sa.Connection], object]) -> tuple[float, int, list[str]]:
    """(longest write in seconds, writes, failures) while `build` runs."""
    ended, longest, failures, writes = threading.Event(), [0.0], [], [0]

    def write() -> None:
        with engine.connect() as connection:
            while not ended.is_set():
                writes[0] += 1
                began = time.perf_counter()
                try:
                    connection.exec_driver_sql(
                        f"UPDATE history SET remaining = remaining + 1 WHERE id = {1 + writes[0] * 7919 % rows}"
                    )
                except sa.exc.DBAPIError as error:
                    failures.append(str(error.orig))
                longest[0] = max(longest[0], time.perf_counter() - began)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.5)
    longest[0] = 0.0
    with engine.connect() as connection:
        build(connection)
    ended.set()
    writer.join()
    return longest[0], writes[0], failures


def stall(engine: sa.Engine, rows: int) -> bool:
    plain, plain_writes, _ = stalled(
        engine, rows, lambda c: c.exec_driver_sql("CREATE INDEX plain ON history (item_id, remaining)")
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP INDEX plain")
    ours, writes, failures = stalled(engine, rows, lambda c: ensure(c, SPEC, Policy()))
    print(f"longest write while an index is built on {rows} rows")
    print(f"    CREATE INDEX           {plain * 1000:8.1f} ms ({plain_writes} writes)")
    print(f"    seatrial db upgrade    {ours * 1000:8.1f} ms ({writes} writes, {len(failures)} failed)")
    kept = ours <= plain * STALL and not failures
    print(f"    ratio {ours / plain:.3f}, limit {STALL}: {'kept' if kept else 'MISSED'}")
    return kept


def verified(engine: sa.Engine) -> bool:
    specs = []
    with engine.connect() as connection:
        for number in range(TABLES):
            connection.exec_driver_sql(f"CREATE TABLE t{number} (id integer PRIMARY KEY, a integer, b integer, c text)")
            connection.exec_driver_sql(f"CREATE INDEX ON t{number} (a, b)")
            specs += [IndexSpec(f"t{number}", ("a",)), IndexSpec(f"t{number}", ("b",))]
    began = time.perf_counter()
    with engine.connect() as connection:
        found = verify(connection, specs)
    took = time.perf_counter() - began
    kept = took <= VERIFY_S and len(found.red) == TABLES
    print(f"verify of {len(specs)} indexes on {TABLES} tables: {took:.2f} s, limit {VERIFY_S:g} s: "
          f"{'kept' if kept else 'MISSED'}")  # fmt: skip
    return kept


def advised(url: str, rows: int) -> bool:
    """Different statements on the large table: every mix of columns that is compared or sorted by."""
    compared = ("item_id", "organization_id", "remaining", "moment", "note")
    captured = []
    for number in range(STATEMENTS):
        one, other = compared[number % 5], compared[(number // 5) % 5]
        text = f"SELECT id, {one} FROM history WHERE {one} = %(a)s"
        parameters: dict[str, object] = {"a": value(one, number)}
        if other != one:
            text += f" AND {other} > %(b)s"
            parameters["b"] = value(other, number)
        text += f" ORDER BY moment DESC LIMIT {10 + number}"
        statement = Statement(sql=text, fingerprint=str(number), kind=Kind.SELECT)
        captured.append(Captured(f"GET /{number}", statement, text, parameters, frozenset({"history"})))
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection, engine_of(url).connect() as plain:
        catalog = Catalog.read(connection)
        connection.rollback()
        began = time.perf_counter()
        advice = suggest(connection, plain, catalog, captured, {"history": rows})
        took = time.perf_counter() - began
    kept = took <= ADVISE_S and bool(advice.suggestions)
    print(
        f"advisor on {len(captured)} statements, {advice.candidates} candidates ({advice.built} built"
        f"{': ' + advice.unjudged if advice.unjudged else ''}), {rows} rows: {took:.1f} s, limit "
        f"{ADVISE_S:g} s: {'kept' if kept else 'MISSED'}"
    )
    for one in advice.suggestions:
        print(f"    {one.trial.subject}")
    return kept


def value(column: str, number: int) -> object:
    return {"moment": "2024-06-01", "note": "y"}.get(column, 7 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with open_databases("embedded", run="bench") as databases:
        names = [databases.name(name) for name in ("stall", "verify", "advise")]
        for name in names:
            databases.create(name)
        stall_url, verify_url, advise_url = map(databases.url, names)
        fill(engine_of(stall_url), arguments.rows)
        fill(engine_of(advise_url), 50_000)
        kept = [
            stall(engine_of(stall_url), arguments.rows),
            verified(engine_of(verify_url)),
            advised(advise_url, 50_000),
        ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
