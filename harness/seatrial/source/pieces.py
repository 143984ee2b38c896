"""Small questions about pieces of a tree: is it constant, is it text, does it only answer."""

from __future__ import annotations

import ast
from typing import Any

from seatrial.source.chains import chain

_ENDINGS = frozenset({"abort", "flash", "redirect", "render_template", "jsonify", "make_response", "url_for"})


def only_answers(body: list[Any]) -> bool:
    """Whether statements do nothing but answer: return, raise, abort, flash."""
    for statement in body:
        match statement:
            case ast.Return() | ast.Raise() | ast.Pass() | ast.Continue() | ast.Break():
                continue
            case ast.Expr(value=ast.Call(func=called)):
                made = chain(called)
                last = made.rpartition(".")[2]
                if last not in _ENDINGS and ".logger." not in f".{made}" and not made.startswith(("log.", "logging.")):
                    return False
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.If():
                if not (only_answers(statement.body) and only_answers(statement.orelse)):
                    return False
            case _:
                return False
    return True


def is_constant(node: Any) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Dict():
            return all(key is not None and is_constant(key) for key in node.keys) and all(map(is_constant, node.values))
        case ast.List() | ast.Tuple() | ast.Set():
            return all(map(is_constant, node.elts))
        case ast.UnaryOp():
            return is_constant(node.operand)
        case _:
            return False


def is_text(node: Any) -> bool:
    """Text, a list, a mapping: what is put together from them is no calculation."""
    while isinstance(node, ast.BinOp):
        if is_text(node.right):
            return True
        node = node.left
    if isinstance(node, ast.Call):
        return chain(node.func).rpartition(".")[2] in (
            "str",
            "join",
            "format",
            "strip",
            "lower",
            "upper",
            "list",
            "url_for",
        )
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.Dict | ast.Set | ast.ListComp)


def operands(node: Any) -> list[Any]:
    found: list[Any] = []
    while isinstance(node, ast.BinOp):
        found.append(node.right)
        node = node.left
    return [*found, node]


def exceptions(node: Any) -> tuple[str, ...]:
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    return tuple(chain(element).rpartition(".")[2] for element in elements)
