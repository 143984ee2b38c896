"""Which indexes a statement could use, read from its predicates. Needs sqlglot (extra `migrate`)."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.migrate.explain import numbered

LONGEST = 3
"""Columns of a candidate: more cost more than they bring."""

Schema = Mapping[str, Mapping[str, str]]
"""Column types by table and column."""


@dataclass(slots=True)
class _Uses:
    """How the columns of one table are used in one SELECT."""

    equal: list[str] = field(default_factory=list)
    ranged: list[str] = field(default_factory=list)
    sorted: list[str] = field(default_factory=list)


def available() -> bool:
    """sqlglot is installed."""
    try:
        import sqlglot  # noqa: F401
    except ImportError:
        return False
    return True


def candidates(text: str, schema: Schema) -> set[tuple[str, tuple[str, ...]]]:
    """(table, columns): those compared for equality, then those sorted by or one that is compared for order.

    A condition under OR is no help to an index alone, and is left out. What sqlglot cannot read has no candidates.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    found: set[tuple[str, tuple[str, ...]]] = set()
    try:
        tree = sqlglot.parse_one(numbered(text)[0], read="postgres")
        if isinstance(tree, exp.Select | exp.Subquery | exp.Union):
            tree = qualify(
                tree,
                schema={table: dict(columns) for table, columns in schema.items()},
                dialect="postgres",
                validate_qualify_columns=False,
                quote_identifiers=False,
            )
    except (SqlglotError, ValueError, RecursionError):
        return found
    for scope in (*tree.find_all(exp.Select), *tree.find_all(exp.Update, exp.Delete)):
        for table, uses in _uses(scope, schema, exp).items():
            found.update((table, columns) for columns in _combined(uses))
    return found


def _uses(scope: Any, schema: Schema, exp: Any) -> dict[str, _Uses]:
    names = {table.alias_or_name: table.name for table in scope.find_all(exp.Table)}
    only = next(iter(names.values())) if len(set(names.values())) == 1 else ""
    found: dict[str, _Uses] = {}

    def uses(node: Any) -> tuple[_Uses, str] | None:
        node = node.this if isinstance(node, exp.Cast) else node
        if not isinstance(node, exp.Column):
            return None
        table = names.get(node.table, only)
        if node.name not in schema.get(table, {}):
            return None
        return found.setdefault(table, _Uses()), node.name

    def add(kept: list[str], name: str) -> None:
        if name not in kept:
            kept.append(name)

    for condition in _conditions(scope, exp):
        if isinstance(condition, exp.EQ):
            for side in (condition.left, condition.right):
                if (known := uses(side)) is not None:
                    add(known[0].equal, known[1])
        elif isinstance(condition, exp.In | exp.Is):
            if (known := uses(condition.this)) is not None:
                add(known[0].equal, known[1])
        elif isinstance(condition, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Between) and (
            (known := uses(condition.this)) is not None
        ):
            add(known[0].ranged, known[1])
    order = scope.args.get("order")
    if order is not None:
        keys = [uses(ordered.this) for ordered in order.expressions]
        if keys and all(key is not None for key in keys) and len({id(key[0]) for key in keys if key}) == 1:
            for key in keys:
                if key is not None:
                    add(key[0].sorted, key[1])
    return found


def _conditions(scope: Any, exp: Any) -> Iterator[Any]:
    where = scope.args.get("where")
    roots = [where.this] if where is not None else []
    roots += [join.args["on"] for join in scope.args.get("joins") or () if join.args.get("on") is not None]
    while roots:
        node = roots.pop()
        node = node.this if isinstance(node, exp.Paren) else node
        if isinstance(node, exp.And):
            roots += [node.right, node.left]
        else:
            yield node


def _combined(uses: _Uses) -> Iterator[tuple[str, ...]]:
    tails: list[list[str]] = [[], *([column] for column in uses.ranged if column not in uses.equal)]
    if kept := [column for column in uses.sorted if column not in uses.equal]:
        tails.append(kept)
    equal = uses.equal[:LONGEST]
    for length in range(len(equal) + 1):
        for prefix in itertools.permutations(equal, length):
            for tail in tails:
                columns = (*prefix, *tail)[:LONGEST]
                if columns:
                    yield columns
