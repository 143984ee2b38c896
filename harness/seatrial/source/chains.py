"""Expressions as plain text: chains of names, arguments, and the names that stand in a test."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from seatrial.source.facts import Ref, Value

_QUIET: frozenset[type] = frozenset({ast.Load, ast.Store, ast.Del})


def _fields() -> dict[type, tuple[str, ...]]:
    """The fields of every node class that can hold children worth a visit."""
    leave_out = {"ctx", "annotation", "returns", "type_comment", "type_params", "op", "ops", "kind", "decorator_list"}
    found: dict[type, tuple[str, ...]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that a newer Python keeps for older code
        classes = [getattr(ast, name) for name in dir(ast)]
    for cls in classes:
        if isinstance(cls, type) and issubclass(cls, ast.AST):
            found[cls] = tuple(field for field in cls._fields if field not in leave_out)
    found[ast.Constant] = found[ast.Name] = found[ast.alias] = ()
    found[ast.Attribute] = found[ast.Starred] = ("value",)
    found[ast.keyword] = ("value",)
    return found


FIELDS = _fields()


def children(node: ast.AST) -> Iterator[ast.AST]:
    for name in FIELDS[type(node)]:
        value = getattr(node, name, None)
        if type(value) is list:
            for inner in value:
                if isinstance(inner, ast.AST):
                    yield inner
        elif isinstance(value, ast.AST):
            yield value


def chain(node: ast.AST | None) -> str:
    """`Item.query.filter_by().all` of whatever is called, looked up or indexed; `?` stands for any other expression."""
    parts: list[str] = []
    while True:
        kind = type(node)
        if kind is ast.Attribute:
            parts.append("." + node.attr)  # type: ignore[union-attr]
            node = node.value  # type: ignore[union-attr]
        elif kind is ast.Call:
            parts.append("()")
            node = node.func  # type: ignore[union-attr]
        elif kind is ast.Name:
            parts.append(node.id)  # type: ignore[union-attr]
            break
        elif kind is ast.Subscript:
            parts.append("[]")
            node = node.value  # type: ignore[union-attr]
        elif kind is ast.Await or kind is ast.NamedExpr:
            node = node.value  # type: ignore[union-attr]
        elif kind is ast.BoolOp:
            node = node.values[0]  # type: ignore[union-attr]
        elif kind is ast.Constant:
            parts.append('""' if isinstance(node.value, str) else "1")  # type: ignore[union-attr]
            break
        else:
            parts.append("?")
            break
    if len(parts) == 1:
        return parts[0]
    parts.reverse()
    return "".join(parts)


def names(node: ast.AST) -> frozenset[str]:
    """The longest chain of every name in an expression: `request.form.get()`, `item.quantity`."""
    found: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Name:
            found.add(node.id)  # type: ignore[attr-defined]
        elif kind is ast.Attribute or kind is ast.Call or kind is ast.Subscript:
            found.add(chain(node))
            inner: ast.AST = node
            while type(inner) in (ast.Attribute, ast.Call, ast.Subscript):
                if type(inner) is ast.Call:
                    waiting += inner.args
                    waiting += [keyword.value for keyword in inner.keywords]
                    inner = inner.func
                elif type(inner) is ast.Subscript:
                    waiting.append(inner.slice)
                    inner = inner.value
                else:
                    inner = inner.value  # type: ignore[attr-defined]
            if type(inner) is not ast.Name:
                waiting.append(inner)
        else:
            waiting.extend(children(node))
    return frozenset(found)


def value(node: ast.AST | None, constants: dict[str, str]) -> Value:
    """What an argument says: text (through `+` and constants of the module), a name, a list of both."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.List() | ast.Tuple() | ast.Set():
            return tuple(value(element, constants) for element in node.elts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            first, second = value(left, constants), value(right, constants)
            return first + second if isinstance(first, str) and isinstance(second, str) else None
        case ast.Name() | ast.Attribute():
            return Ref(chain(node))
        case ast.Call():
            made = chain(node.func)
            if made.rpartition(".")[2] == "as_view":
                return Ref(made)
            inner = value(node.args[0], constants) if node.args else None  # login_required(view), csrf.exempt(view)
            return inner if isinstance(inner, Ref) else Ref(made + "()")
        case _:
            return None


def texts(node: ast.AST | None) -> tuple[str, ...]:
    """Every text that an expression can be: both sides of `a if x else b`; empty where it is put together."""
    match node:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.IfExp():
            return (*texts(node.body), *texts(node.orelse))
        case _:
            return ()
