"""What the catalog alone tells: indexes that another one makes superfluous, and foreign keys without one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import sqlalchemy as sa

from seatrial.migrate.catalog import IndexRow, Snapshot

_KEYS = sa.text("""
SELECT tn.nspname, t.relname, pt.relname,
       (SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY k (number, place)
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number),
       tn.nspname = ANY (current_schemas(false))
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_class pt ON pt.oid = c.confrelid
WHERE c.contype = 'f' AND c.conparentid = 0
ORDER BY 1, 2, 4""")


def redundant(catalog: Snapshot) -> list[tuple[IndexRow, IndexRow]]:
    """(superfluous, the one that serves its readers) per table; each superfluous one once."""
    found: dict[tuple[str, str], tuple[IndexRow, IndexRow]] = {}
    for indexes in catalog.indexes.values():
        for one, other in permutations(indexes, 2):
            if superfluous(one, other):
                found.setdefault((one.name, one.definition), (one, other))
    return list(found.values())


def superfluous(one: IndexRow, other: IndexRow) -> bool:
    """Whatever `one` does, `other` does: the same rows, sorted in the same way, and every promise kept."""
    if not (one.valid and other.valid and one.btree and other.btree) or one.predicate != other.predicate:
        return False
    if one.primary or one.constraint or one.replica or one.includes:
        return False
    length = len(one.columns)
    if _keys(one) != _keys(other)[:length]:
        return False
    if one.unique and not (other.unique and len(other.columns) == length):
        return False
    if length < len(other.columns):
        return True
    # Equal keys: the one that promises more stays; of twins the older one.
    return (other.unique and not one.unique) or (other.unique == one.unique and _stays(other, one))


def _keys(index: IndexRow) -> tuple[object, ...]:
    return index.keys or index.columns


def _stays(one: IndexRow, other: IndexRow) -> bool:
    if (one.primary or one.constraint) != (other.primary or other.constraint):
        return one.primary or one.constraint
    return (one.age, one.name) < (other.age, other.name)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key, seen from the table that holds it."""

    table: str
    columns: tuple[str, ...]
    parent: str
    indexed: bool
    """Some whole index begins with its columns, in any order."""


def foreign_keys(connection: sa.Connection, catalog: Snapshot) -> list[ForeignKey]:
    """Of every table. PostgreSQL only."""
    found = []
    for schema, table, parent, columns, visible in connection.execute(_KEYS):
        name = table if visible else f"{schema}.{table}"
        key = frozenset(columns)
        indexed = any(
            index.valid and index.predicate is None and frozenset(index.columns[: len(key)]) == key
            for index in catalog.of(name)
        )
        found.append(ForeignKey(name, tuple(columns), parent, indexed))
    return found
