"""The routes that stand in the source, with their blueprint's prefix where it can be told without running anything."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.scaffold.project import Module, Project, keyword, last_name, text_of

_VERBS = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class View:
    """One rule bound to one function."""

    rule: str
    methods: frozenset[str]
    function: ast.FunctionDef | ast.AsyncFunctionDef
    module: Module

    @property
    def place(self) -> str:
        return self.module.place(self.function)

    @property
    def takes_arguments(self) -> bool:
        return "<" in self.rule


def views(project: Project) -> list[View]:
    """Every decorated view function of the app's own code."""
    prefixes = _Prefixes(project)
    found: list[View] = []
    for module in project.app_modules:
        for node in module.nodes:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for decorator in node.decorator_list:
                if (bound := _bound(decorator)) is not None:
                    owner, rule, methods = bound
                    found.append(View(_joined(prefixes.of(module, owner), rule), methods, node, module))
    return found


def _bound(decorator: ast.expr) -> tuple[ast.expr, str, frozenset[str]] | None:
    """Owner, rule and methods of `@owner.route("/rule", methods=[…])` or `@owner.post("/rule")`."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return None
    verb = decorator.func.attr
    rule = text_of(decorator.args[0]) if decorator.args else text_of(keyword(decorator, "rule"))
    if rule is None or not rule.startswith("/") or (verb != "route" and verb not in _VERBS):
        return None
    methods = frozenset({verb.upper()}) if verb in _VERBS else _methods(keyword(decorator, "methods"))
    return decorator.func.value, rule, methods


def _methods(node: ast.expr | None) -> frozenset[str]:
    if not isinstance(node, ast.List | ast.Tuple | ast.Set):
        return frozenset({"GET"})
    return frozenset(text.upper() for element in node.elts if (text := text_of(element)))


def _joined(prefix: str, rule: str) -> str:
    return f"{prefix.rstrip('/')}{rule}" if prefix else rule


class _Prefixes:
    """URL prefixes of blueprints: their own, or the one they are registered with."""

    def __init__(self, project: Project) -> None:
        self._own: dict[str, str] = {}
        """By the name of the variable: apps register blueprints out of dicts and lists, under that name."""
        self._given: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        for module in project.app_modules:
            for node in module.nodes:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    self._blueprint(node.targets, node.value)
        for module in project.app_modules:
            for node in module.nodes:
                if isinstance(node, ast.Call) and last_name(node.func) == "register_blueprint":
                    self._registered(node)
                elif isinstance(node, ast.Tuple):
                    self._paired(node)

    def of(self, module: Module, owner: ast.expr) -> str:
        name = last_name(owner)
        target = module.imports.get(name, "").rpartition(".")[2]
        return self._whole(target if target in self._own else name, 3)

    def _whole(self, name: str, depth: int) -> str:
        if name not in self._own or not depth:
            return ""
        parent = self._parents.get(name, "")
        return self._whole(parent, depth - 1) + self._given.get(name, self._own[name])

    def _blueprint(self, targets: list[ast.expr], call: ast.Call) -> None:
        if "Blueprint" in last_name(call.func):
            for target in targets:
                prefix = text_of(keyword(call, "url_prefix")) or ""
                if name := last_name(target):
                    self._own[name] = self._own.get(name) or prefix

    def _registered(self, call: ast.Call) -> None:
        name = self._name(call.args[0]) if call.args else ""
        prefix = text_of(keyword(call, "url_prefix"))
        if name and prefix is not None:
            self._given[name] = prefix
        parent = last_name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if name and parent in self._own:
            self._parents[name] = parent

    def _paired(self, pair: ast.Tuple) -> None:
        """`(auth_bp, "/auth")` in a list that a loop registers."""
        names = [name for element in pair.elts if (name := self._name(element))]
        paths = [text for element in pair.elts if (text := text_of(element)) and text.startswith("/")]
        if len(names) == 1 and len(paths) == 1:
            self._given.setdefault(names[0], paths[0])

    def _name(self, node: ast.expr) -> str:
        """The blueprint that an expression stands for: `auth_bp`, `auth.auth_bp`, `blueprints["auth_bp"]`."""
        text = text_of(node.slice) if isinstance(node, ast.Subscript) else text_of(node)
        name = text or last_name(node)
        return name if name in self._own else ""


def calls(view: View) -> Iterator[ast.Call]:
    for node in ast.walk(view.function):
        if isinstance(node, ast.Call):
            yield node


def said(view: View) -> str:
    """Rule, function and everything it names, in lower case, for searching."""
    names = [last_name(node) for node in ast.walk(view.function) if isinstance(node, ast.Name | ast.Attribute)]
    return " ".join([view.rule, view.function.name, *names]).lower()


def is_about(view: View, words: str) -> bool:
    return re.search(words, f"{view.rule} {view.function.name}", re.IGNORECASE) is not None
