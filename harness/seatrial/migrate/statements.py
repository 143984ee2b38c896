"""The SQL of every step, in one place: what `upgrade` sends is what `plan --sql` shows."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import Dialect

from seatrial.migrate.specs import IndexSpec

MARK = "seatrial"
"""What the comment on our indexes and tables begins with: they are ours to drop."""
MYSQL = ("mysql", "mariadb")


def _quote(dialect: Dialect) -> Callable[[str], str]:
    return lambda name: ".".join(map(dialect.identifier_preparer.quote, name.split(".", 1)))


def create(dialect: Dialect, spec: IndexSpec) -> str:
    quote = _quote(dialect)
    columns = ", ".join(dialect.identifier_preparer.quote(column) for column in spec.columns)
    concurrently = "CONCURRENTLY " if dialect.name == "postgresql" else ""
    online = " ALGORITHM=INPLACE LOCK=NONE" if dialect.name in MYSQL else ""
    condition = f" WHERE {spec.where}" if spec.where else ""
    return (
        f"CREATE {'UNIQUE ' if spec.unique else ''}INDEX {concurrently}{quote(spec.name)} "
        f"ON {quote(spec.table)} ({columns}){condition}{online}"
    )


def drop(dialect: Dialect, spec: IndexSpec) -> str:
    quote = _quote(dialect)
    if dialect.name in MYSQL:
        # MariaDB knows no options of DROP INDEX itself.
        return f"ALTER TABLE {quote(spec.table)} DROP INDEX {quote(spec.name)}, ALGORITHM=INPLACE, LOCK=NONE"
    if dialect.name == "sqlite":
        return f"DROP INDEX IF EXISTS {quote(spec.name)}"
    # In the table's schema, which need not be on the search path.
    schema, dot, _ = spec.table.rpartition(".")
    return f"DROP INDEX CONCURRENTLY IF EXISTS {quote(f'{schema}{dot}{spec.name}')}"


def comment(dialect: Dialect, spec: IndexSpec, mark: str) -> str:
    schema, dot, _ = spec.table.rpartition(".")
    text = f"{MARK} {mark}".strip().replace("'", "''")
    return f"COMMENT ON INDEX {_quote(dialect)(f'{schema}{dot}{spec.name}')} IS '{text}'"


def analyze(dialect: Dialect, spec: IndexSpec) -> str:
    return f"ANALYZE {'TABLE ' if dialect.name in MYSQL else ''}{_quote(dialect)(spec.table)}"


LOCKS = {
    "postgresql": "SHARE UPDATE EXCLUSIVE: reads and writes go on; it waits for older transactions",
    "sqlite": "the whole file: writers wait until it is built",
    "mysql": "LOCK=NONE: reads and writes go on, but for a moment at the beginning and the end",
    "mariadb": "LOCK=NONE: reads and writes go on, but for a moment at the beginning and the end",
}
"""What a build locks, by dialect."""
