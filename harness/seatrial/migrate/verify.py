"""Are the planned indexes there, valid and used? Asked of the catalog, whatever the version table says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from seatrial.migrate.catalog import IndexRow, snapshot
from seatrial.migrate.specs import IndexSpec
from seatrial.migrate.state import Standing, State, standing


@dataclass(frozen=True, slots=True)
class Verified:
    """What the catalog says of every planned index, and which indexes of the app are broken."""

    standings: tuple[Standing, ...]
    invalid: tuple[IndexRow, ...] = ()
    """Planned by nobody: leftovers of builds that ended in the middle."""

    @property
    def red(self) -> list[Standing]:
        """Planned, applicable here, and not deployed."""
        return [now for now in self.standings if not now.state.settled]

    @property
    def sound(self) -> bool:
        return not self.red and not self.invalid


def verify(connection: sa.Connection, specs: Sequence[IndexSpec]) -> Verified:
    """One look at the catalog. Changes nothing."""
    catalog = snapshot(connection)
    names = {spec.name for spec in specs}
    found = {
        (index.definition or index.name): index
        for index in catalog.all()
        if not index.valid and not index.building and index.name not in names
    }
    return Verified(tuple(standing(spec, catalog) for spec in specs), tuple(found.values()))


_METRICS = (
    ("deployed", "gauge", "1 where the planned index, or one that covers it, is there and valid."),
    ("valid", "gauge", "0 where a build ended in the middle: the index costs writes and serves no reader."),
    ("used", "gauge", "1 where a statement has used it since the statistics were reset."),
    ("scans_total", "counter", "Scans of it since the statistics were reset."),
    ("size_bytes", "gauge", "Bytes on disk."),
)


def exposition(standings: Iterable[Standing]) -> str:
    """For the textfile collector of Prometheus. What does not apply to this database is left out."""
    listed = [now for now in standings if now.state.applies]
    lines = []
    for name, kind, text in _METRICS:
        lines += [f"# HELP seatrial_index_{name} {text}", f"# TYPE seatrial_index_{name} {kind}"]
        for now in listed:
            value = _value(name, now)
            if value is not None:
                lines.append(f"seatrial_index_{name}{{{_labels(now)}}} {value}")
    return "\n".join(lines) + "\n"


def _labels(now: Standing) -> str:
    index = now.index.name if now.index is not None else now.spec.name
    labels = {"table": now.spec.table, "columns": ",".join(now.spec.columns), "index": index}
    return ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _value(name: str, now: Standing) -> int | None:
    index = now.index
    match name:
        case "deployed":
            return int(now.state.deployed)
        case "valid":
            return int(now.state.deployed) if now.state is not State.BUILDING else 0
        case "used":
            return int(index.scans > 0) if index is not None and index.scans is not None else None
        case "scans_total":
            return index.scans if index is not None else None
        case _:
            return index.size if index is not None else None
