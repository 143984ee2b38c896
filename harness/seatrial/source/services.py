"""The table of public service callables of one revision, for comparisons."""

from __future__ import annotations

import ast
from pathlib import Path

from seatrial.model.signatures import Callable_, Parameter, Table, Way
from seatrial.source.files import Lines, find, import_root, module_name

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def table(root: Path, services: tuple[str, ...]) -> Table:
    """Of the modules under these folders."""
    found: dict[str, Callable_] = {}
    unread: dict[str, str] = {}
    lines = Lines(root)
    paths = find(root, services).python
    prefix = import_root(root, find(root).python)
    for path in paths:
        module = module_name(path, prefix) or path
        try:
            tree = ast.parse((root / path).read_bytes())
        except (SyntaxError, ValueError, RecursionError, OSError):
            unread[module] = path
            continue
        for owner, node in _public(tree.body, ""):
            name = f"{module}:{owner}{node.name}"
            found[name] = Callable_(
                name,
                _parameters(node, method=bool(owner)),
                "" if node.returns is None else ast.unparse(node.returns),
                lines.place(path, node.lineno),
            )
    return Table(found, unread)


def _public(body: list[ast.stmt], owner: str) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    found: list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]] = []
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += _public(node.body, f"{owner}{node.name}.")
        elif isinstance(node, _FUNCTIONS) and (not node.name.startswith("_") or node.name == "__init__"):
            found.append((owner, node))
    return found


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> tuple[Parameter, ...]:
    given = node.args
    placed = [*((a, Way.POSITIONAL) for a in given.posonlyargs), *((a, Way.EITHER) for a in given.args)]
    optional = [False] * (len(placed) - len(given.defaults)) + [True] * len(given.defaults)
    found = [
        Parameter(argument.arg, way, has_default, _annotation(argument))
        for (argument, way), has_default in zip(placed, optional, strict=True)
    ]
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    if method and not static:
        found = found[1:]
    if given.vararg is not None:
        found.append(Parameter(given.vararg.arg, Way.MANY, True, _annotation(given.vararg)))
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found.append(Parameter(argument.arg, Way.KEYWORD, default is not None, _annotation(argument)))
    if given.kwarg is not None:
        found.append(Parameter(given.kwarg.arg, Way.NAMED, True, _annotation(given.kwarg)))
    return tuple(found)


def _annotation(argument: ast.arg) -> str:
    return "" if argument.annotation is None else ast.unparse(argument.annotation)
