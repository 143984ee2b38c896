"""What a keeper does to one kind of database: put rows back, and tell which rows are not as they were."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from seatrial.faults.shapes import Schema, Table

BASE = "seatrial_base"
"""Schema that holds a copy of every table as it was at the beginning."""
QUIET_S = 5.0
SEQUENCE_BUMP = 1000

Row = dict[str, Any]
Delta = dict[str, tuple[list[Row], list[Row]]]
"""By table: rows that are there now and were not, rows that were there and are not."""


class Store(Protocol):
    """One trial database, seen from outside of the app."""

    schema: Schema

    def delta(self) -> Delta: ...

    def reset(self, bump: bool = False) -> None: ...

    def age(self, columns: Sequence[tuple[str, str]], seconds: int) -> None: ...

    def blocked(self, backends: Sequence[int]) -> list[int]: ...

    def working(self, backends: Sequence[int]) -> list[int]: ...

    def texts(self, prefixes: Sequence[str]) -> list[str]: ...

    def close(self) -> None: ...


def open_store(url: str) -> Store:
    """Copies every row. Raises sqlalchemy.exc.SQLAlchemyError or sqlite3.Error."""
    return SqliteStore(url) if sa.make_url(url).get_backend_name() == "sqlite" else PostgresStore(url)


def _schema(engine: sa.Engine) -> Schema:
    inspector = sa.inspect(engine)
    names = [name for name in inspector.get_table_names() if name != "alembic_version"]
    found = {}
    for name in names:
        columns = inspector.get_columns(name)
        primary = tuple(inspector.get_pk_constraint(name).get("constrained_columns") or ())
        foreign = {
            key["constrained_columns"][0]: (key["referred_table"], key["referred_columns"][0])
            for key in inspector.get_foreign_keys(name)
            if len(key["constrained_columns"]) == 1 and len(key["referred_columns"]) == 1
        }
        types = {column["name"]: _kind(column["type"]) for column in columns}
        stored = tuple(column["name"] for column in columns if not column.get("computed"))
        nullable = frozenset(column["name"] for column in columns if column.get("nullable"))
        found[name] = Table(name, primary, foreign, types, stored, nullable)
    return found


def _kind(type_: Any) -> str:
    if isinstance(type_, sa.Boolean):
        return "boolean"
    if isinstance(type_, sa.Integer):
        return "integer"
    if isinstance(type_, sa.DateTime | sa.Date):
        return "time"
    if isinstance(type_, sa.Numeric):
        return "number"
    return "text"


class PostgresStore:
    """Rows are kept in a schema beside the app's, and put back without firing triggers."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.StaticPool)
        self.schema = _schema(self._engine)
        self._connection = self._engine.connect()
        run = self._run
        run(f"DROP SCHEMA IF EXISTS {BASE} CASCADE")
        run(f"CREATE SCHEMA {BASE}")
        for name in self.schema:
            run(f"CREATE TABLE {BASE}.{_q(name)} AS TABLE {_q(name)}")
        # Without this the rows of tables that refer to each other could not be put back one by one.
        run("SET session_replication_role = replica")
        run("SET synchronous_commit = off")
        self._sequences = [
            (f"{_q(schema)}.{_q(name)}", last, start)
            for schema, name, last, start in run(
                "SELECT schemaname, sequencename, last_value, start_value FROM pg_sequences"
            )
        ]
        digests = [
            f"SELECT {index}, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {_q(name)} t"
            for index, name in enumerate(self.schema)
        ]
        self._digest_query = " UNION ALL ".join(digests)
        self._base = self._digests()

    def _run(self, statement: str, *parameters: Any) -> Sequence[Any]:
        # Plain text for the driver: a percent sign stands for itself, for there are no parameters.
        result = self._connection.exec_driver_sql(statement.replace("%", "%%") if not parameters else statement)
        return result.fetchall() if result.returns_rows else []

    def _digests(self) -> dict[str, tuple[int, int]]:
        if not self.schema:
            return {}
        names = list(self.schema)
        return {names[index]: (rows, int(digest)) for index, rows, digest in self._run(self._digest_query)}

    def _changed(self) -> list[str]:
        return [name for name, digest in self._digests().items() if digest != self._base[name]]

    def quiet(self) -> None:
        """End what a killed process has left behind: its backend may still hold locks, or wait for one."""
        end = time.monotonic() + QUIET_S
        ending = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        while self._run(ending) and time.monotonic() < end:
            time.sleep(0.001)

    def delta(self) -> Delta:
        self.quiet()
        found: Delta = {}
        for name in self._changed():
            now, base = _q(name), f"{BASE}.{_q(name)}"
            added, removed = (
                [json.loads(row) for (row,) in self._run(_except(one, other))]
                for one, other in ((now, base), (base, now))
            )
            found[name] = (added, removed)
        return found

    def reset(self, bump: bool = False) -> None:
        self.quiet()
        for name in self._changed():
            table = self.schema[name]
            now, base = _q(name), f"{BASE}.{_q(name)}"
            columns = ", ".join(map(_q, table.stored))
            again = f"INSERT INTO {now} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {base} b"
            # In this order: a unique value that was changed must be free before its row comes back.
            self._run(f"DELETE FROM {now} t WHERE t::text NOT IN (SELECT b::text FROM {base} b)")
            self._run(f"{again} WHERE b::text NOT IN (SELECT t::text FROM {now} t)")
            if self._digests()[name] != self._base[name]:  # rows without a key that are all the same
                self._run(f"DELETE FROM {now}")
                self._run(again)
        if self._sequences:
            self._run("SELECT " + ", ".join(_setval(*sequence, bump) for sequence in self._sequences))

    def age(self, columns: Sequence[tuple[str, str]], seconds: int) -> None:
        for name, column in columns:
            moved = f"{_q(column)} - interval '{seconds} seconds'"
            if self.schema[name].types[column] != "time":
                moved = f"{_q(column)} - {seconds}"
            self._run(
                f"UPDATE {_q(name)} t SET {_q(column)} = {moved} "
                f"WHERE t::text NOT IN (SELECT b::text FROM {BASE}.{_q(name)} b)"
            )

    def blocked(self, backends: Sequence[int]) -> list[int]:
        listed = ", ".join(map(str, backends))
        rows = self._run(f"SELECT pid FROM unnest(ARRAY[{listed}]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0")
        return [pid for (pid,) in rows]

    def working(self, backends: Sequence[int]) -> list[int]:
        listed = ", ".join(map(str, backends))
        rows = self._run(
            f"SELECT pid FROM pg_stat_activity WHERE pid IN ({listed}) AND state = 'active' "
            "AND cardinality(pg_blocking_pids(pid)) = 0"
        )
        return [pid for (pid,) in rows]

    def texts(self, prefixes: Sequence[str]) -> list[str]:
        found: list[str] = []
        for name, table in self.schema.items():
            for column in (column for column, kind in table.types.items() if kind == "text"):
                for prefix in prefixes:
                    starts = f"left({_q(column)}::text, {len(prefix)}) = '{prefix}'"
                    found += [
                        value
                        for (value,) in self._run(
                            f"SELECT {_q(column)}::text FROM {BASE}.{_q(name)} WHERE {starts} ORDER BY 1 LIMIT 1"
                        )
                    ]
        return found

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._run(f"DROP SCHEMA IF EXISTS {BASE} CASCADE")
        self._connection.close()
        self._engine.dispose()


def _except(one: str, other: str) -> str:
    return f"SELECT to_jsonb(t)::text FROM {one} t EXCEPT ALL SELECT to_jsonb(t)::text FROM {other} t"


def _setval(name: str, last: int | None, start: int, bump: bool) -> str:
    name = name.replace("'", "''")
    if bump:
        return f"setval('{name}', {(last or start) + SEQUENCE_BUMP})"
    return f"setval('{name}', {last or start}, {'true' if last is not None else 'false'})"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class SqliteStore:
    """A copy of the file. Nobody may be connected when it is put back."""

    def __init__(self, url: str) -> None:
        self._path = str(sa.make_url(url).database)
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self.schema = _schema(engine)
        engine.dispose()
        self._copy = f"{self._path}.base"
        with (
            contextlib.closing(sqlite3.connect(self._path)) as now,
            contextlib.closing(sqlite3.connect(self._copy)) as to,
        ):
            now.backup(to)
        self._base = self._rows()

    def _rows(self) -> dict[str, Counter[tuple[Any, ...]]]:
        with contextlib.closing(sqlite3.connect(self._path)) as now:
            found = {}
            for name, table in self.schema.items():
                columns = ", ".join(map(_q, table.types))
                found[name] = Counter(now.execute(f"SELECT {columns} FROM {_q(name)}").fetchall())
            return found

    def delta(self) -> Delta:
        found: Delta = {}
        for name, rows in self._rows().items():
            if rows != self._base[name]:
                columns = list(self.schema[name].types)
                added = [dict(zip(columns, row, strict=True)) for row in (rows - self._base[name]).elements()]
                gone = [dict(zip(columns, row, strict=True)) for row in (self._base[name] - rows).elements()]
                found[name] = (added, gone)
        return found

    def reset(self, bump: bool = False) -> None:
        for companion in ("-wal", "-shm", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path + companion)
        shutil.copyfile(self._copy, self._path)
        if bump:
            with contextlib.closing(sqlite3.connect(self._path)) as now, contextlib.suppress(sqlite3.Error):
                # Only tables with AUTOINCREMENT have a sequence; others take the next number whatever was before.
                now.execute("UPDATE sqlite_sequence SET seq = seq + ?", (SEQUENCE_BUMP,))
                now.commit()

    def age(self, columns: Sequence[tuple[str, str]], seconds: int) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as now:
            for name, column in columns:
                known = self._base[name]
                if self.schema[name].types[column] == "time":
                    # SQLAlchemy's own format, with microseconds: what strftime() makes of it has milliseconds.
                    moved = f"strftime('%Y-%m-%d %H:%M:%f', {_q(column)}, '-{seconds} seconds') || '000'"
                else:
                    moved = f"{_q(column)} - {seconds}"
                columns_ = ", ".join(map(_q, self.schema[name].types))
                for rowid, *row in now.execute(f"SELECT rowid, {columns_} FROM {_q(name)}").fetchall():
                    if tuple(row) not in known:
                        now.execute(f"UPDATE {_q(name)} SET {_q(column)} = {moved} WHERE rowid = ?", (rowid,))
            now.commit()

    def blocked(self, backends: Sequence[int]) -> list[int]:
        return []

    def working(self, backends: Sequence[int]) -> list[int]:
        return []

    def texts(self, prefixes: Sequence[str]) -> list[str]:
        values = (value for rows in self._base.values() for row in rows for value in row)
        return sorted(value for value in values if isinstance(value, str) and value.startswith(tuple(prefixes)))

    def close(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._copy)
