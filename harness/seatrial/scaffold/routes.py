"""Where the views lie, in as few paths as take nothing else for views."""

import ast
from collections.abc import Iterable, Iterator

from seatrial.scaffold.candidates import Candidate
from seatrial.scaffold.project import Module, Project, last_name
from seatrial.scaffold.views import bound_in

_NAMES = frozenset({"blueprints", "routes", "views", "controllers", "resources", "endpoints"})
_COLUMNS = frozenset({"Column", "mapped_column", "relationship"})


def routes(project: Project, apps: list[Candidate], services: list[str]) -> list[str]:
    """Folders with views and without wiring, models and services; the modules themselves where there is no such folder.

    A folder whose name says that it is for views is taken whatever else it holds, but for the wiring.
    """
    wiring = {one.module.path for one in apps}
    strange = wiring | {m.path for m in project.app_modules if _maps(m) or any(within(m.path, s) for s in services)}
    holding = _holding(project, apps)
    found: set[str] = set()
    for path in holding:
        folders = list(_above(path))
        named = (f for f in folders if f.rpartition("/")[2] in _NAMES and not _any_within(wiring, f))
        found.add(next(named, "") or _widest(project, folders, strange, holding) or path)
    return sorted(one for one in found if not any(one != other and within(one, other) for other in found))


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _holding(project: Project, apps: list[Candidate]) -> set[str]:
    """Modules with views. Views inside the factory make no route module of it, unless there are no others."""
    inside = {node for one in apps if one.factory is not None for node in ast.walk(one.factory)}
    bound = [(module.path, node) for module in project.app_modules for node in bound_in(module)]
    return {path for path, node in bound if node not in inside} or {path for path, _ in bound}


def _widest(project: Project, folders: list[str], strange: set[str], holding: set[str]) -> str:
    """The outermost folder without anything strange; above a module's own, each folder inside must have views."""
    widest = ""
    for folder in reversed(folders):
        inside = {one for m in project.app_modules for one in _above(m.path) if one.rpartition("/")[0] == folder}
        if _any_within(strange, folder) or (widest and not all(_any_within(holding, one) for one in inside)):
            break
        widest = folder
    return widest


def _above(path: str) -> Iterator[str]:
    """The folders that a file lies in, outermost first."""
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _any_within(paths: Iterable[str], folder: str) -> bool:
    return any(within(path, folder) for path in paths)


def _maps(module: Module) -> bool:
    """Whether it defines classes that stand for tables."""
    return any(_is_mapped(node) for node in module.nodes if isinstance(node, ast.ClassDef))


def _is_mapped(node: ast.ClassDef) -> bool:
    if any(last_name(base) == "Model" for base in node.bases):
        return True
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                made = last_name(value.func) if isinstance(value, ast.Call) else ""
                if last_name(target) == "__tablename__" or made in _COLUMNS:
                    return True
    return False
