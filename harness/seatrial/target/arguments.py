"""Sample values for route arguments, from the seeded rows."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from werkzeug.routing import Rule

from seatrial.model.inventory import Route
from seatrial.target import protections

if TYPE_CHECKING:
    from seatrial.target.target import Target

COLUMNS_PER_ARGUMENT = 8
VALUES_PER_ARGUMENT = 4
TRIES_PER_ROUTE = 8
_KEYS = frozenset({"id", "pk", "identifier", "uuid"})
_ATTRIBUTES = frozenset({"slug", "code", "key", "name", "number", "sku", "username", "email", "handle", "title"})
# Where the argument of a log-in route says which provider.
_OAUTH = re.compile(r"(log-?in|sign-?in|auth|connect|callback|sso).*<(string:)?(name|provider|client|service|idp)>")
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
            found = [(name, value, True) for value in self._candidates(route, name, converter)]
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

    def _candidates(self, route: Route, name: str, converter: str) -> list[Any]:
        given = self.target.settings.arguments
        if name in given:
            return [given[name]]
        if name == "filename" and route.endpoint.rpartition(".")[2] == "static":
            return self._static_files(route)
        if converter.startswith("any("):
            return [item.strip(" '\"") for item in converter[4:-1].split(",")]
        values: list[Any] = []
        if _OAUTH.search(route.rule):
            values += protections.oauth_clients(self.target.app)
        for table, column in self._columns(route, name):
            for value in self._rows(table, column):
                if value not in values:
                    values.append(value)
            if len(values) >= VALUES_PER_ARGUMENT:
                break
        return values[:VALUES_PER_ARGUMENT]

    def _columns(self, route: Route, name: str) -> list[tuple[str, str]]:
        """(table, column) pairs that may hold the argument, best first."""
        scored: list[tuple[int, str, str]] = []
        subject, _, suffix = name.rpartition("_")
        if not subject and (name in _KEYS or name in _ATTRIBUTES):
            # A bare id or slug: what it is about stands before it, in the blueprint or in the endpoint.
            stems, suffix = self._subjects(route, name), name
        elif suffix in _KEYS or suffix in _ATTRIBUTES:
            stems = [subject]
        else:
            stems, suffix = [name], ""
        for distance, stem in enumerate(stems):
            for table in self._tables.values():
                fit = _likeness(stem, table.name)
                keys = [column.name for column in table.primary_key.columns]
                if fit and suffix in _KEYS and len(keys) == 1:
                    scored.append((fit * 10 - distance, table.name, keys[0]))
                elif fit and suffix in table.columns:
                    scored.append((fit * 10 - distance - 1, table.name, suffix))
                elif fit >= 4 and not suffix:
                    own = next((c.name for c in table.columns if c.name in ("key", "slug", "code", "name")), None)
                    scored += [(fit, table.name, own)] if own else []
        for table in self._tables.values():
            if name in table.columns and name not in ("id", "name"):
                fit = max((_likeness(stem, table.name) for stem in stems), default=0)
                scored.append((fit * 10 + 5, table.name, name))
        scored.sort(key=lambda entry: (-entry[0], len(entry[1]), entry[1]))
        return [(table, column) for _, table, column in scored[:COLUMNS_PER_ARGUMENT]]

    def _subjects(self, route: Route, name: str) -> list[str]:
        """Words that may name what a bare id is about, nearest first."""
        before = route.rule.partition(f"{name}>")[0].rpartition("<")[0]
        words = [part for part in reversed(before.split("/")) if part and not part.startswith("<")]
        words += [route.blueprint.rpartition(".")[2], *reversed(route.endpoint.rpartition(".")[2].split("_"))]
        return list(dict.fromkeys(word for word in words if word))

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


def _likeness(stem: str, table: str) -> int:
    """0 (nothing in common) to 5 (the same word)."""
    wanted, found = _singular(stem.lower().replace("-", "_")), _singular(table.lower())
    if not wanted:
        return 0
    if wanted == found:
        return 5
    if found.endswith(f"_{wanted}"):
        return 4
    if wanted.endswith(f"_{found}"):
        return 3
    if wanted in found.split("_") or found in wanted.split("_"):
        return 2
    # org_id for organization
    return 1 if len(wanted) >= 3 and found.startswith(wanted) else 0


def _singular(word: str) -> str:
    word = word.lower().replace("-", "_")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(s|x|z|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
