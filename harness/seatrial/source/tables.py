"""Who writes to a table: its model, and every line that adds, changes or deletes a row of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from seatrial.model.findings import Place
from seatrial.model.structure import WRITE, Piece, TableWrites
from seatrial.source.facts import Class, Function, Module
from seatrial.source.files import within
from seatrial.source.project import Project

_STATEMENTS = frozenset({"insert", "update", "delete"})
_BULK = re.compile(r"\.bulk_(insert_mappings|update_mappings|save_objects)$")
_ON_QUERY = re.compile(r"\.(delete|update)$")


def writes(project: Project, canonical: Mapping[str, str], seeds: Sequence[str]) -> tuple[TableWrites, ...]:
    """One for each configured table. `seeds`: modules whose business it is to fill tables."""
    if canonical:
        for module in project.modules.values():
            for target in module.imports.values():
                project.locate(target)  # models may stand outside of the sources
    models = _models(project)
    return tuple(_of(project, table, service, models.get(table), seeds) for table, service in canonical.items())


def _models(project: Project) -> dict[str, tuple[Module, Class]]:
    found: dict[str, tuple[Module, Class]] = {}
    for module in (*project.modules.values(), *filter(None, project.borrowed.values())):
        for cls in module.classes.values():
            if cls.table:
                found.setdefault(cls.table, (module, cls))
            elif any(base.rpartition(".")[2] in ("Model", "Base") for base in cls.bases):
                found.setdefault(_snake(cls.name), (module, cls))
    return found


def _snake(name: str) -> str:
    """The table of a class, as Flask-SQLAlchemy names it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _of(
    project: Project, table: str, service: str, model: tuple[Module, Class] | None, seeds: Sequence[str]
) -> TableWrites:
    if model is None:
        return TableWrites(table, service)
    owner, cls = model
    inside = 0
    outside: list[tuple[str, Piece, Place]] = []
    for module in project.modules.values():
        if module.name in seeds or not _names(module, cls):
            continue
        for function in (module.body, *module.functions.values()):
            for line, what in sorted(set(_written(function, cls))):
                if within(module.path, [service]):
                    inside += 1
                    continue
                subject = f"{module.name or module.path}:{function.qualname or '<module>'}"
                outside.append((subject, Piece(WRITE, line, what), project.lines.place(module.path, line)))
    return TableWrites(table, service, f"{owner.name or owner.path}:{cls.qualname}", inside, tuple(outside))


def _names(module: Module, cls: Class) -> bool:
    """Whether the module knows the class by its own name."""
    return cls.name in module.imports or cls.qualname in module.classes


def _written(function: Function, cls: Class) -> Iterator[tuple[int, str]]:
    rows = _rows(function, cls.name)
    for call in function.calls:
        owner, _, last = call.chain.rpartition(".")
        if call.chain == cls.name:
            yield call.line, f"{cls.name}(…)"
        elif call.chain.startswith(f"{cls.name}.query") and _ON_QUERY.search(call.chain):
            yield call.line, f"{cls.name}.query….{last}()"
        elif call.first == cls.name and (last in _STATEMENTS or _BULK.search(call.chain)):
            yield call.line, f"{last}({cls.name})"
        elif last == "delete" and call.first in rows and "session" in owner:
            yield call.line, f"{call.chain}({call.first})"
    for name, line in function.stores:
        if name in rows:
            yield line, f"{name}.… = …"


def _rows(function: Function, model: str) -> set[str]:
    """Variables that hold rows of a model, by what they were assigned from."""
    known: set[str] = set()
    for assigned in sorted(function.assigned, key=lambda one: one.line):
        roots = {re.split(r"[.(\[]", name, maxsplit=1)[0] for name in assigned.names}
        source = re.split(r"[.(\[]", assigned.chain, maxsplit=1)[0]
        asked = "query" in assigned.chain or ".session" in f".{assigned.chain}" or assigned.chain.startswith(model)
        if (model in roots and asked) or source in known:
            known.add(assigned.name)
    return known
