"""Sample values for route arguments, from the seeded rows."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from werkzeug.routing import Rule

from seatrial.model.inventory import Route

if TYPE_CHECKING:
    from seatrial.target.target import Target

VALUES_PER_ARGUMENT = 4
TRIES_PER_ROUTE = 8
# So that a rule is at least requested (and may answer 404) when nothing fits.
_DEFAULTS = {
    "int": 1,
    "float": 1.0,
    "uuid": "00000000-0000-4000-8000-000000000001",
    "path": "sample",
    "string": "sample",
}


@dataclass(slots=True)
class Samples:
    """Candidate values by argument; rows are read once."""

    target: "Target"
    _tables: dict[str, sa.Table]
    _values: dict[tuple[str, str], list[Any]]

    @classmethod
    def read(cls, target: "Target") -> "Samples":
        tables: dict[str, sa.Table] = {}
        for bind in target.binds:
            if bind.metadata is not None:
                tables.update(bind.metadata.tables)
        if not tables and target.binds:
            reflected = sa.MetaData()
            with target.connection() as connection:
                reflected.reflect(connection)
            tables = dict(reflected.tables)
        return cls(target, tables, {})

    def paths(self, route: Route) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(path, unresolved arguments), the likeliest first, at most TRIES_PER_ROUTE."""
        rule = self._rule(route)
        choices: list[list[tuple[str, Any, bool]]] = []
        for name, converter in route.arguments:
            found = [(name, value, True) for value in self._candidates(route, rule, name, converter)]
            choices.append(found or [(name, _DEFAULTS.get(converter.partition("(")[0], "sample"), False)])
        seen: set[str] = set()
        for combination in itertools.islice(itertools.product(*choices), TRIES_PER_ROUTE * 4):
            values = {name: value for name, value, _ in combination}
            path = _build(rule, values)
            if path is None or path in seen:
                continue
            seen.add(path)
            yield path, tuple(name for name, _, known in combination if not known)
            if len(seen) == TRIES_PER_ROUTE:
                return

    def _rule(self, route: Route) -> Rule:
        return next(
            rule
            for rule in self.target.app.url_map.iter_rules(route.endpoint)
            if rule.rule == route.rule and route.method in (rule.methods or ())
        )

    def _candidates(self, route: Route, rule: Rule, name: str, converter: str) -> list[Any]:
        given = self.target.settings.arguments
        if name in given:
            return [given[name]]
        if name == "filename" and route.endpoint.rpartition(".")[2] == "static":
            return self._static_files(route)
        if converter.startswith("any("):
            return [item.strip(" '\"") for item in converter[4:-1].split(",")]
        stem = _stem(rule.rule, name, route)
        values: list[Any] = []
        for table, column in self._columns(name, stem):
            for value in self._rows(table, column):
                if value is not None and value not in values:
                    values.append(value)
        return values[:VALUES_PER_ARGUMENT]

    def _columns(self, name: str, stem: str) -> list[tuple[str, str]]:
        """(table, column) pairs that may hold the argument, best first."""
        scored: list[tuple[int, str, str]] = []
        is_key = name in ("id", "pk") or name.endswith(("_id", "_pk")) or name == stem
        for table in self._tables.values():
            keys = [column.name for column in table.primary_key.columns]
            fit = _likeness(stem, table.name)
            if is_key and fit and len(keys) == 1:
                scored.append((fit * 2 + 1, table.name, keys[0]))
            if not is_key and name in table.columns:
                scored.append((fit * 2 + 2, table.name, name))
            elif not is_key and fit:
                scored += [
                    (fit, table.name, column.name)
                    for column in table.columns
                    if column.name.endswith(f"_{name}") or name.endswith(f"_{column.name}")
                ]
        scored.sort(key=lambda entry: (-entry[0], len(entry[1]), entry[1]))
        return [(table, column) for _, table, column in scored[:3]]

    def _rows(self, table: str, column: str) -> list[Any]:
        key = (table, column)
        if key not in self._values:
            found = self._tables[table].columns[column]
            try:
                with self.target.connection() as connection:
                    query = sa.select(found).where(found.is_not(None)).order_by(found).limit(VALUES_PER_ARGUMENT)
                    self._values[key] = list(connection.execute(query).scalars())
            except sa.exc.SQLAlchemyError:
                self._values[key] = []  # the table could not be created; the repair was named
        return self._values[key]

    def _static_files(self, route: Route) -> list[Any]:
        app = self.target.app
        owner: Any = app.blueprints.get(route.blueprint) if route.blueprint else app
        folder = getattr(owner, "static_folder", None)
        if not folder:
            return []
        from pathlib import Path

        files = (p for p in sorted(Path(folder).rglob("*")) if p.is_file() and not p.name.startswith("."))
        return [p.relative_to(folder).as_posix() for p in itertools.islice(files, 1)]


def _build(rule: Rule, values: dict[str, Any]) -> str | None:
    try:
        built = rule.build(values, append_unknown=False)
    except Exception:  # a converter of the app's that does not take the value
        return None
    return str(built[1]) if built else None


def _stem(rule: str, name: str, route: Route) -> str:
    """What the argument is about: `item` for item_id; for a bare id the static part before it, else the blueprint."""
    if name.endswith(("_id", "_pk")):
        return name[:-3]
    if name not in ("id", "pk", "slug", "code", "key", "name", "uuid", "token", "number", "public_id"):
        return name
    before = rule.split(f"{name}>")[0].rpartition("<")[0]
    words = [part for part in before.split("/") if part and not part.startswith("<")]
    return _singular(words[-1]) if words else _singular(route.blueprint.rpartition(".")[2])


def _likeness(stem: str, table: str) -> int:
    """0 (nothing in common) to 4 (the same word)."""
    wanted, found = _singular(stem.lower().replace("-", "_")), _singular(table.lower())
    if not wanted:
        return 0
    if wanted == found:
        return 4
    if found.endswith(f"_{wanted}"):
        return 3
    if wanted.endswith(f"_{found}"):
        return 2
    return 1 if wanted in found.split("_") or found in wanted.split("_") else 0


def _singular(word: str) -> str:
    word = word.lower().replace("-", "_")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(s|x|z|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
