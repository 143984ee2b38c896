"""The routes that stand in the source, with their blueprint's prefix where it can be told without running anything."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.scaffold.project import Module, Project, keyword, last_name, text_of

_VERBS = frozenset({"get", "post", "put", "patch", "delete"})
_CLASSES = frozenset({"MethodView", "View", "Resource", "MethodResource"})


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
                    if path := _joined(prefixes.of(module, owner), rule):
                        found.append(View(path, methods, node, module))
    return found


def bound_in(module: Module) -> Iterator[ast.AST]:
    """Functions and classes of a module that answer requests, also where nobody can tell their path."""
    for node in module.nodes:
        by_class = any(last_name(base) in _CLASSES for base in getattr(node, "bases", ()))
        if by_class or any(_bound(decorator) for decorator in getattr(node, "decorator_list", ())):
            yield node


def _bound(decorator: ast.expr) -> tuple[ast.expr, str, frozenset[str]] | None:
    """Owner, rule (it may be empty) and methods of `@owner.route("/rule", methods=[…])` or `@owner.post("/rule")`."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return None
    verb = decorator.func.attr
    rule = text_of(decorator.args[0]) if decorator.args else text_of(keyword(decorator, "rule"))
    if rule is None or (rule and not rule.startswith("/")) or (verb != "route" and verb not in _VERBS):
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
    """URL prefixes of blueprints: their own, or the one they are registered with. Keys are dotted, `app.auth.bp`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._own: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        for module in project.app_modules:
            for node in module.nodes:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    self._blueprint(module, node.targets, node.value)
        for module in project.app_modules:
            for node in module.nodes:
                if isinstance(node, ast.Call) and last_name(node.func) == "register_blueprint":
                    self._registered(module, node)
                elif isinstance(node, ast.Tuple):
                    self._paired(module, node)

    def of(self, module: Module, owner: ast.expr) -> str:
        return self._whole(self._key(module, owner), 3)

    def _whole(self, key: str, depth: int) -> str:
        if key not in self._own or not depth:
            return ""
        return self._whole(self._parents.get(key, ""), depth - 1) + self._given.get(key, self._own[key])

    def _blueprint(self, module: Module, targets: list[ast.expr], call: ast.Call) -> None:
        if "Blueprint" in last_name(call.func):
            for target in targets:
                if name := last_name(target):
                    self._own[f"{module.name}.{name}"] = text_of(keyword(call, "url_prefix")) or ""

    def _registered(self, module: Module, call: ast.Call) -> None:
        prefix = text_of(keyword(call, "url_prefix"))
        parent = self._key(module, call.func.value) if isinstance(call.func, ast.Attribute) else ""
        for key in self._meant(module, call.args[0]) if call.args else ():
            if prefix is not None:
                self._given[key] = prefix
            if parent in self._own:
                self._parents[key] = parent

    def _paired(self, module: Module, pair: ast.Tuple) -> None:
        """`(auth_bp, "/auth")` in a list that a loop registers."""
        paths = [text for element in pair.elts if (text := text_of(element)) and text.startswith("/")]
        if len(paths) == 1:
            for key in {key for element in pair.elts for key in self._meant(module, element)}:
                self._given.setdefault(key, paths[0])

    def _meant(self, module: Module, node: ast.expr) -> list[str]:
        """The blueprints that an expression stands for; by the variable's name alone in `blueprints["auth_bp"]`."""
        if isinstance(node, ast.Name | ast.Attribute):
            key = self._key(module, node)
            return [key] if key in self._own else []
        name = text_of(node.slice) if isinstance(node, ast.Subscript) else text_of(node)
        return [key for key in self._own if name and key.rpartition(".")[2] == name]

    def _key(self, module: Module, node: ast.expr) -> str:
        dotted = module.dotted(node)
        found = self._project.definition(dotted)
        return f"{found[0].name}.{found[1]}" if found else dotted


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
