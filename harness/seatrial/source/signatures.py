"""Signatures as they are annotated: what counts as typed, and which annotations have no shape."""

from __future__ import annotations

import ast
import re

from seatrial.source.chains import chain
from seatrial.source.facts import Parameters

_FREE = frozenset({"Any", "object"})
_LOOSE = frozenset({"dict", "Dict", "defaultdict", "OrderedDict", "Mapping", "MutableMapping"})
_CONTAINERS = frozenset(
    {"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Iterator", "set", "Set", "frozenset", "Optional",
     "Union", "Annotated", "Awaitable", "Coroutine", "Generator", "Collection", "AsyncIterator", "Page"}
)  # fmt: skip


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> Parameters:
    """Typed is what has every parameter (bar self and cls) and the return annotated; `*args` and `**kwargs` are slots.

    Functions inside of functions are part of them.
    """
    decorators = {chain(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2] for d in node.decorator_list}
    given = node.args
    listed = [*given.posonlyargs, *given.args]
    if method and listed and "staticmethod" not in decorators:
        listed = listed[1:]
    listed += given.kwonlyargs
    listed += [extra for extra in (given.vararg, given.kwarg) if extra is not None]
    missing = [argument.arg for argument in listed if argument.annotation is None]
    free = [argument.arg for argument in listed if _is_any(argument.annotation)]
    slots = len(listed)
    # A constructor with an annotated parameter needs no return, as mypy has it.
    if node.name != "__init__" or not any(argument.annotation for argument in listed):
        slots += 1
        if node.returns is None:
            missing.append("return")
        elif _is_any(node.returns):
            free.append("return")
    returns = node.returns
    return Parameters(
        slots,
        tuple(missing),
        tuple(free),
        "" if returns is None else ast.unparse(returns),
        "" if returns is None else loose(returns),
        "overload" in decorators,
    )


def loose(annotation: ast.expr) -> str:
    """The part of an annotation that says nothing of what is inside: `dict[str, Any]`, `Any`, a bare `dict`."""
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                return loose(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return ""
        case ast.Name() | ast.Attribute():
            name = chain(annotation).rpartition(".")[2]
            return name if name in _LOOSE or name == "Any" else ""
        case ast.BinOp(left=left, right=right):
            return loose(left) or loose(right)
        case ast.Subscript(value=base, slice=inner):
            name = chain(base).rpartition(".")[2]
            parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
            if name in _LOOSE:
                return ast.unparse(annotation) if len(parts) == 2 and _is_shapeless(parts[1]) else ""
            if name in _CONTAINERS:
                return next((found for part in parts if (found := loose(part))), "")
            return ""
        case _:
            return ""


def _is_shapeless(node: ast.expr) -> bool:
    """Whether the values of a dict may be anything: then its keys are what a shape would name."""
    name = chain(node).rpartition(".")[2]
    if name in _FREE or name in _LOOSE:
        return True
    return isinstance(node, ast.BinOp) or bool(loose(node))


def _is_any(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.fullmatch(r"(\w+\.)?Any", node.value.strip()) is not None
    return isinstance(node, ast.Name | ast.Attribute) and chain(node).rpartition(".")[2] == "Any"
