"""The oracle: two states of a database are the same where only what varies anyway is different.

A state is what differs from the rows that were there at the beginning. In it

* the surrogate key of a new row is left out, and a foreign key to a new row becomes that row's content, so a child of
  the wrong parent is caught and a burnt sequence value is not;
* columns that differ between two clean runs (time, sequences, randomness) are left out;
* columns of an explicit list (`bookkeeping`) are left out, and the list is printed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.faults.shapes import Schema, Table
from seatrial.faults.stores import Delta, Row
from seatrial.model.webhooks import (
    DOUBLE,
    LOST,
    OUTBOUND_LOST,
    OUTBOUND_REPEATED,
    PARTIAL,
    Difference,
)

Columns = frozenset[tuple[str, str]]
SHOWN_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Changed:
    """One row in a form that can be compared: `key` names an old row, and is empty for a new one."""

    table: str
    how: str
    """`new`, `changed` or `gone`."""
    key: str
    values: tuple[tuple[str, str], ...]


State = Counter[Changed]


def state_of(delta: Delta, schema: Schema, left_out: Columns) -> State:
    """The comparable form of what has changed."""
    return Counter(_Canon(delta, schema, left_out).rows())


def work_of(state: State, ledger: frozenset[str]) -> State:
    """Without the tables that only remember the event."""
    return State({row: times for row, times in state.items() if row.table not in ledger})


class _Canon:
    def __init__(self, delta: Delta, schema: Schema, left_out: Columns) -> None:
        self._delta, self._schema, self._left_out = delta, schema, left_out
        self._old = {name: {_key(schema[name], row): row for row in removed} for name, (_, removed) in delta.items()}
        self._new: dict[str, dict[Any, Row]] = {}
        for name, (added, _) in delta.items():
            for row in added:
                if not schema[name].primary or _key(schema[name], row) not in self._old[name]:
                    for column in schema[name].types:
                        self._new.setdefault(f"{name}.{column}", {})[_hashable(row.get(column))] = row
        self._forms: dict[int, str] = {}

    def rows(self) -> Iterable[Changed]:
        for name, (added, removed) in self._delta.items():
            table = self._schema[name]
            seen = set()
            for row in added:
                key = _key(table, row)
                before = self._old[name].get(key) if table.primary else None
                if before is None:
                    yield Changed(name, "new", "", self._content(table, row, ()))
                    continue
                seen.add(key)
                values = tuple(
                    (column, value)
                    for column, value in self._content(table, row, (), keep_key=True)
                    if row.get(column) != before.get(column)
                )
                if values:  # else only what is left out has changed
                    yield Changed(name, "changed", _shown_key(table, row), values)
            for row in removed:
                if not table.primary:
                    yield Changed(name, "gone", json.dumps(row, default=str), ())
                elif _key(table, row) not in seen:
                    yield Changed(name, "gone", _shown_key(table, row), ())

    def _content(
        self, table: Table, row: Row, path: tuple[int, ...], *, keep_key: bool = False
    ) -> tuple[tuple[str, str], ...]:
        found = []
        for column in table.types:
            value = row.get(column)
            if column == table.surrogate and not keep_key:
                continue
            if column in table.foreign and value is not None:
                target, referred = table.foreign[column]
                parent = self._new.get(f"{target}.{referred}", {}).get(_hashable(value))
                if parent is not None:
                    found.append((column, self._form(self._schema[target], parent, path)))
                    continue
            if (table.name, column) not in self._left_out:
                found.append((column, json.dumps(value, default=repr)))
        return tuple(found)

    def _form(self, table: Table, row: Row, path: tuple[int, ...]) -> str:
        if id(row) in path:
            return "itself"
        if id(row) not in self._forms:
            content = self._content(table, row, (*path, id(row)))
            self._forms[id(row)] = f"{table.name}({', '.join(f'{c}={v}' for c, v in content)})"
        return self._forms[id(row)]


def volatile(first: Delta, second: Delta, schema: Schema) -> Columns:
    """Columns that differ between two clean runs although the same happened."""
    found = set()
    for name in first.keys() | second.keys():
        table = schema[name]
        for column in table.types:
            one, other = (_values(table, delta.get(name, ([], [])), column) for delta in (first, second))
            if one != other:
                found.add((name, column))
    return frozenset(found)


def _values(table: Table, rows: tuple[list[Row], list[Row]], column: str) -> Counter[str]:
    added, removed = rows
    old = {_key(table, row) for row in removed} if table.primary else set()
    # With its key where the row is an old one: two rows that swap a value have not kept it.
    return Counter(
        json.dumps([_shown_key(table, row) if _key(table, row) in old else "", row.get(column)], default=repr)
        for row in added
    )


# ---------------------------------------------------------------------------------------------------- comparing
@dataclass(frozen=True, slots=True)
class Compared:
    """What a state differs in from the wanted one. No difference: the two are the same."""

    verdict: str = ""
    differences: tuple[Difference, ...] = ()
    only_counters: bool = False
    """All differences are such as a count of tries would make, in the table that remembers the event."""

    def __bool__(self) -> bool:
        return bool(self.differences)


def compare(wanted: State, found: State, ledger: frozenset[str] = frozenset()) -> Compared:
    """`ledger`: tables that remember the event; without a change elsewhere the effects are lost."""
    missing, extra = wanted - found, found - wanted
    if not missing and not extra:
        return Compared()
    differences: list[Difference] = []
    over = under = False
    counters = True
    for table in sorted({row.table for row in (*missing, *extra)}):
        without = sorted((row for row in missing.elements() if row.table == table), key=_order)
        beyond = sorted((row for row in extra.elements() if row.table == table), key=_order)
        for one, other in _pairs(without, beyond):
            difference = _difference(table, one, other)
            differences.append(difference)
            counters = counters and table in ledger and _counter_like(one, other)
            over = over or (table not in ledger and (one is None or _further(one, other)))
            under = under or other is None
    work = any(row.table not in ledger for row in wanted)
    # Where nothing but the record of the event was to change, it is lost when that does not say so.
    lost = not any(row.table not in ledger for row in found) if work else not over and found.total() <= wanted.total()
    verdict = LOST if lost else DOUBLE if over else PARTIAL
    return Compared(verdict, tuple(differences), counters)


def _pairs(missing: list[Changed], extra: list[Changed]) -> Iterable[tuple[Changed | None, Changed | None]]:
    """A wanted row beside the found one that is most like it."""
    extra = list(extra)
    for row in missing:
        like = [other for other in extra if other.how == row.how and other.key == row.key]
        best = max(like, key=lambda other: len(set(other.values) & set(row.values)), default=None)
        if best is not None:
            extra.remove(best)
        yield row, best
    yield from ((None, row) for row in extra)


def _difference(table: str, one: Changed | None, other: Changed | None) -> Difference:
    row = one or other
    assert row is not None
    place = f"{table}[{row.key}]" if row.key else table
    if one is None:
        assert other is not None
        if other.how == "new":
            return Difference(table, f"{place}: a row more")
        return Difference(table, f"{place}: {other.how}, {_shown(other.values)}" if other.values else f"{place}: gone")
    if other is None:
        if one.how == "new":
            return Difference(table, f"{place}: a row is missing")
        return Difference(
            table, f"{place}: unchanged, wanted {_shown(one.values)}" if one.values else f"{place}: still there"
        )
    wanted, found = dict(one.values), dict(other.values)
    columns = [c for c in dict.fromkeys((*wanted, *found)) if wanted.get(c) != found.get(c)]
    told = ", ".join(f"{c} {_short(found.get(c))} in place of {_short(wanted.get(c))}" for c in columns)
    return Difference(table, f"{place}: {told}")


def _counter_like(one: Changed | None, other: Changed | None) -> bool:
    """Whole numbers that grew, or a text where there was none: what a record of tries looks like."""
    if one is None or other is None or one.how != other.how:
        return False
    wanted, found = dict(one.values), dict(other.values)
    for column in {*wanted, *found}:
        before, after = wanted.get(column, "null"), found.get(column, "null")
        if before == after:
            continue
        numbers = before.isdecimal() and after.isdecimal()
        if not numbers and "null" not in (before, after):
            return False
    return True


def _further(one: Changed | None, other: Changed | None) -> bool:
    """A number of an old row went beyond the wanted value: as seen from 0, which is all that is known here."""
    if one is None or other is None:
        return False
    found = dict(other.values)
    for column, value in one.values:
        try:
            if abs(float(found.get(column, "0"))) > abs(float(value)):
                return True
        except ValueError:
            continue
    return False


def _shown(values: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{column} {_short(value)}" for column, value in values)


def _short(value: str | None) -> str:
    """Numbers, words of a status, nothing that may be somebody's."""
    if value is None:
        return "as before"
    if value.startswith('"'):
        text = value.strip('"')
        return text if len(text) <= SHOWN_LENGTH and text.replace("_", "").replace("-", "").isalnum() else "‹text›"
    return value if len(value) <= SHOWN_LENGTH else "‹row›"


def _order(row: Changed) -> tuple[str, str, str]:
    return row.how, row.key, str(row.values)


def _key(table: Table, row: Row) -> Any:
    return tuple(_hashable(row.get(column)) for column in table.primary)


def _shown_key(table: Table, row: Row) -> str:
    return ", ".join(_short(json.dumps(row.get(column), default=repr)) for column in table.primary)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bytes | None) else json.dumps(value, default=repr)


# ---------------------------------------------------------------------------------------------------- outbound
@dataclass(frozen=True, slots=True)
class Call:
    """One outbound call as it was told."""

    method: str
    url: str
    key: str
    body: str


def calls_of(told: Iterable[Mapping[str, Any]]) -> list[Call]:
    """Calls that may have an effect: a GET is none."""
    calls = [Call(*line["out"]) for line in told if "out" in line]
    return [call for call in calls if call.method not in ("GET", "HEAD", "OPTIONS")]


@dataclass(frozen=True, slots=True)
class Effects:
    """What a peer has done: calls with the same key are one effect, without a key every call counts."""

    calls: tuple[Call, ...] = ()
    bodies_vary: bool = False
    """Two clean runs sent different bodies: then they cannot tell effects apart."""

    def count(self) -> Counter[tuple[str, str, str]]:
        keyed = set()
        found: Counter[tuple[str, str, str]] = Counter()
        for call in self.calls:
            place = (call.method, call.url.partition("?")[0], "" if self.bodies_vary else call.body)
            if not call.key:
                found[place] += 1
            else:
                keyed.add((call.key, place))
        found.update(place for _, place in keyed)
        return found


def compare_effects(wanted: Effects, found: Effects) -> Compared:
    """Effects that a peer has had too often, or never."""
    one, other = wanted.count(), found.count()
    more, fewer = other - one, one - other
    differences = [Difference("outbound", f"{method} {url}: {times} more") for (method, url, _), times in more.items()]
    differences += [
        Difference("outbound", f"{method} {url}: {times} fewer") for (method, url, _), times in fewer.items()
    ]
    if not differences:
        return Compared()
    return Compared(OUTBOUND_LOST if fewer and not more else OUTBOUND_REPEATED, tuple(differences))


@dataclass(slots=True)
class Reference:
    """What one clean delivery leaves: everything else is compared with it."""

    state: State
    effects: Effects
    volatile: Columns
    left_out: Columns
    ledger: frozenset[str]
    delta: Delta = field(default_factory=dict)
    only_work: bool = False
    """Two events leave two records: then nothing but their work is compared."""
