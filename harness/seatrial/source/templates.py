"""The endpoints that templates name. Jinja parses, nothing is rendered."""

from __future__ import annotations

import re
from functools import lru_cache

from jinja2 import Environment, TemplateError, nodes

from seatrial.source.facts import UrlFor

_BUILT_IN = ("jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.i18n", "jinja2.ext.debug")


class Unparsable(Exception):
    """A template that plain Jinja cannot read. The text is the reason."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(extensions=_BUILT_IN)  # nothing is rendered, so nothing is to be escaped


def links(content: bytes) -> list[UrlFor]:
    """
    Raises:
        Unparsable: A tag of an extension of the app's, a syntax error.
    """
    text = content.decode("utf-8", "replace")
    try:
        tree = _environment().parse(text)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise Unparsable(f"{f'line {line}: ' if line else ''}{error.message}") from None
    except RecursionError:
        raise Unparsable("nested too deeply") from None
    found: list[UrlFor] = []
    waiting: list[tuple[nodes.Node, bool]] = [(tree, False)]
    while waiting:
        node, guarded = waiting.pop()
        if isinstance(node, nodes.Call) and _is_url_for(node.node):
            named = node.args[0] if node.args else next((k.value for k in node.kwargs if k.key == "endpoint"), None)
            found.append(UrlFor(_texts(named), node.lineno, "url_for", guarded))
        if isinstance(node, nodes.If):
            inside = guarded or _asks(node.test)
            waiting += [(child, inside) for child in node.body]
            waiting += [(child, guarded) for child in (node.test, *node.elif_, *node.else_)]
            continue
        if isinstance(node, nodes.CondExpr):
            inside = guarded or _asks(node.test)
            waiting += [(node.test, guarded), (node.expr1, inside)]
            waiting += [(node.expr2, guarded)] if node.expr2 is not None else []
            continue
        waiting += [(child, guarded) for child in node.iter_child_nodes()]
    return sorted(found, key=lambda link: link.line)


def mentions(content: bytes) -> bool:
    return re.search(rb"\burl_for\b", content) is not None


def _is_url_for(node: nodes.Node) -> bool:
    return (isinstance(node, nodes.Name) and node.name == "url_for") or (
        isinstance(node, nodes.Getattr) and node.attr == "url_for"
    )


def _asks(test: nodes.Node) -> bool:
    """`{% if "labels.print" in current_app.view_functions %}`: whoever writes this knows that it may be missing."""
    names = {node.attr for node in test.find_all(nodes.Getattr)} | {node.name for node in test.find_all(nodes.Name)}
    if isinstance(test, nodes.Getattr):
        names.add(test.attr)
    return bool(names & {"view_functions", "url_map", "endpoint_exists", "has_endpoint", "url_exists"})


def _texts(node: nodes.Node | None) -> tuple[str, ...]:
    if isinstance(node, nodes.Const):
        return (node.value,) if isinstance(node.value, str) else ()
    if isinstance(node, nodes.CondExpr):
        return (*_texts(node.expr1), *_texts(node.expr2))
    return ()
