"""Where a planned index stands, told by the catalog alone: never by a version table, never by a name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seatrial.migrate.catalog import IndexRow, Snapshot
from seatrial.migrate.specs import IndexSpec

MAKE_ROOM = "rename or drop it, then run seatrial db upgrade again"
"""The way out where a name is taken."""


class State(StrEnum):
    """What is there of a planned index."""

    VALID = "valid"
    COVERED = "covered"
    """Another index of the table begins with its columns."""
    MISSING = "missing"
    INVALID = "invalid"
    """A build ended in the middle: it costs writes and serves no reader."""
    BUILDING = "building"
    """Another session is at work on it."""
    CONFLICT = "conflict"
    """Its name is taken by something else."""
    NO_TABLE = "no such table"
    NO_COLUMN = "no such column"
    PARTITIONED = "partitioned"
    """CONCURRENTLY cannot be used on a partitioned table."""

    @property
    def settled(self) -> bool:
        """Nothing is to be done here: it is deployed, or does not apply."""
        return self in (State.VALID, State.COVERED, State.NO_TABLE, State.NO_COLUMN)

    @property
    def deployed(self) -> bool:
        return self in (State.VALID, State.COVERED)

    @property
    def applies(self) -> bool:
        """The database has what the index is about."""
        return self not in (State.NO_TABLE, State.NO_COLUMN)


@dataclass(frozen=True, slots=True)
class Standing:
    """One planned index and where it stands."""

    spec: IndexSpec
    state: State
    detail: str = ""
    """The covering index, the missing columns, what has taken the name."""
    index: IndexRow | None = None
    """The index that serves (or is to serve) its readers."""


def standing(spec: IndexSpec, catalog: Snapshot) -> Standing:
    table = catalog.tables.get(spec.table)
    if table is None or table.kind == "view":
        detail = spec.table if table is None else f"{spec.table} is a view"
        return Standing(spec, State.NO_TABLE, detail)
    absent = [column for column in spec.columns if column not in table.columns]
    if absent:
        return Standing(spec, State.NO_COLUMN, ", ".join(absent))
    own = next((index for index in catalog.of(spec.table) if index.name == spec.name), None)
    if own is not None:
        return _own(spec, own)
    taken = catalog.names.get((table.schema, spec.name))
    if taken is not None:
        where = f"of {taken}" if taken != spec.name else "that is no index"
        return Standing(spec, State.CONFLICT, f"the name {spec.name} belongs to something {where}; {MAKE_ROOM}")
    covering = next((index for index in catalog.of(spec.table) if covers(index, spec)), None)
    if covering is not None:
        return Standing(spec, State.COVERED, covering.name, covering)
    if table.kind == "partitioned":
        return Standing(spec, State.PARTITIONED, spec.table)
    return Standing(spec, State.MISSING)


def _own(spec: IndexSpec, own: IndexRow) -> Standing:
    if own.building:
        return Standing(spec, State.BUILDING, own.name, own)  # not valid yet is normal then
    same = (
        own.columns == spec.columns
        and own.btree
        and own.unique == spec.unique
        and (own.predicate is not None) == bool(spec.where)
    )
    if not same:
        what = own.definition or f"({', '.join(column or '…' for column in own.columns)})"
        return Standing(spec, State.CONFLICT, f"{own.name} is another index: {what}; {MAKE_ROOM}", own)
    return Standing(spec, State.VALID if own.valid else State.INVALID, own.name, own)


def covers(index: IndexRow, spec: IndexSpec) -> bool:
    """Readers of the planned index are served by this one. A unique or partial one promises more than columns."""
    return not spec.unique and not spec.where and index.begins_with(spec.columns)
