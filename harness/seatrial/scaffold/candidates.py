"""Where the app is: functions that make a Flask app, modules that hold one; ranked, with the reasons."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.scaffold.declared import Declaration, declarations
from seatrial.scaffold.project import Module, Project, is_main_guard, last_name

_FLASK = frozenset(
    {"flask.Flask", "flask.app.Flask", "apiflask.APIFlask", "flask_openapi3.OpenAPI", "quart_flask_patch.Flask"}
)
_NOT_THE_APP = re.compile(r"celery|worker|test|mock|fake|dummy|stub", re.IGNORECASE)
_ENTRY = frozenset({"wsgi", "run", "manage", "main", "asgi", "app", "application", "server", "serve", "autoapp"})
_NAME_SCORES = {"create_app": 50, "make_app": 42, "build_app": 42, "app_factory": 42, "application_factory": 40}
_ATTRIBUTES = ("app", "application", "create_app", "make_app")


@dataclass(eq=False)
class Candidate:
    """A factory or an app that the project could be tried by."""

    module: Module
    name: str
    node: ast.AST
    factory: ast.FunctionDef | None
    score: int
    reasons: list[str] = field(default_factory=list)
    calls: list[tuple[Module, ast.Call]] = field(default_factory=list)
    """Where the app itself calls this factory."""

    @property
    def spec(self) -> str:
        return f"{self.module.name}:{self.name}"

    @property
    def place(self) -> str:
        return self.module.place(self.node)


def candidates(project: Project) -> list[Candidate]:
    """Best first."""
    classes = _flask_classes(project)
    factories = _factories(project, classes)
    apps = list(_apps(project, classes, factories))
    found = [*factories.values(), *apps]
    _believe(project, found, declarations(project))
    package = _package_name(project)
    for one in found:
        if package and one.module.name.partition(".")[0] == package:
            one.score += 10
            one.reasons.append("its package has the project's name")
        one.score -= 2 * one.module.name.count(".")
        if one.module.is_test or one.module.is_aside:
            one.score -= 60
        if _NOT_THE_APP.search(one.name):
            one.score -= 30
    return sorted(found, key=lambda one: (-one.score, one.spec))


def _flask_classes(project: Project) -> set[str]:
    """Dotted names of Flask and of the project's own subclasses."""
    known = set(_FLASK)
    for _ in range(3):  # a subclass of a subclass; deeper is rare
        for module in project.modules:
            for statement in module.at_import():
                if isinstance(statement, ast.ClassDef) and any(module.dotted(b) in known for b in statement.bases):
                    known.add(f"{module.name}.{statement.name}")
    return known


def _makes(project: Project, module: Module, call: ast.Call, classes: set[str]) -> bool:
    dotted = module.dotted(call.func)
    if dotted in classes:
        return True
    found = project.definition(dotted)
    return found is not None and f"{found[0].name}.{found[1]}" in classes


def _factories(project: Project, classes: set[str]) -> dict[str, Candidate]:
    """Functions that make an app and return something, and functions that return what such a function made."""
    found: dict[str, Candidate] = {}
    wrappers: list[tuple[Module, ast.FunctionDef]] = []
    for module in project.modules:
        if not module.name:
            continue
        for statement in module.at_import():
            if not isinstance(statement, ast.FunctionDef) or not _returns(statement):
                continue
            calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
            if any(_makes(project, module, call, classes) for call in calls):
                found[f"{module.name}.{statement.name}"] = _factory(module, statement, 25)
            elif not _NOT_THE_APP.search(statement.name):
                wrappers.append((module, statement))
    for module, statement in wrappers:
        if any(_called(project, module, call, found) for call in _returned_calls(statement)):
            found[f"{module.name}.{statement.name}"] = _factory(module, statement, 15)
    return found


def _factory(module: Module, function: ast.FunctionDef, score: int) -> Candidate:
    score = max(score, _NAME_SCORES.get(function.name, 0))
    positional = [*function.args.posonlyargs, *function.args.args]
    if len(positional) - len(function.args.defaults) > 1:
        score -= 30  # nobody could tell what to call it with
    return Candidate(module, function.name, function, function, score)


def _returns(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function))


def _returned_calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
            yield node.value


def _called(project: Project, module: Module, call: ast.Call, factories: dict[str, Candidate]) -> Candidate | None:
    """The factory that a call goes to."""
    dotted = module.dotted(call.func)
    if dotted in factories:
        return factories[dotted]
    found = project.definition(dotted)
    return factories.get(f"{found[0].name}.{found[1]}") if found else None


def _apps(project: Project, classes: set[str], factories: dict[str, Candidate]) -> Iterator[Candidate]:
    """Module-level apps; what they are made by gains by it."""
    for module in project.modules:
        for statement in module.at_import():
            match statement:
                case ast.Assign(targets=[target, *_], value=ast.Call() as value):
                    name = last_name(target)
                case ast.AnnAssign(target=target, value=ast.Call() as value):
                    name = last_name(target)
                case _:
                    continue
            if module.is_test or not module.name:
                continue
            by = _called(project, module, value, factories)
            if by is not None:
                by.calls.append((module, value))
                by.score += 10
                by.reasons.append(f"{module.path} calls it")
            if name and (by is not None or _makes(project, module, value, classes)):
                score = (25 if by else 30) + (5 if name in ("app", "application") else 0)
                yield Candidate(module, name, statement, None, score - (40 if _serves(module) else 0))


def _serves(module: Module) -> bool:
    """Whether importing the module starts a server."""
    return any(
        isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and last_name(s.value.func) in ("run", "serve")
        for s in module.at_import()
        if not is_main_guard(s)
    )


def _believe(project: Project, found: list[Candidate], declared: list[Declaration]) -> None:
    """What the project is started with outranks every guess; the factory behind it is better still."""
    bonus = 100
    for one in declared:
        module = project.by_name.get(one.module) or project.by_name.get(f"{one.module}.__init__")
        if module is None:
            continue
        names = [one.attribute] if one.attribute else list(_ATTRIBUTES)
        hit = next((c for name in names if (c := _candidate(project, found, module, name))), None)
        if hit is None:
            continue
        by = next((f for f in found if any(m is hit.module and c is _value(hit.node) for m, c in f.calls)), None)
        for gains in {id(c): c for c in (hit, by) if c is not None}.values():
            gains.score += bonus + (20 if gains is by else 0)
            gains.reasons.append(f"{one.how} in {one.file} names it")
        bonus = max(bonus - 30, 10)
    if not declared:
        for one_candidate in found:
            if one_candidate.factory is None and one_candidate.module.name in _ENTRY:
                one_candidate.score += 3


def _candidate(project: Project, found: list[Candidate], module: Module, name: str) -> Candidate | None:
    """The candidate of that name in a module; an app that a module only imports is a candidate of that module."""
    own = next((c for c in found if c.module is module and c.name == name), None)
    if own is not None or name not in module.imports:
        return own
    origin = project.definition(f"{module.name}.{name}")
    target = next((c for c in found if origin and c.module is origin[0] and c.name == origin[1]), None)
    if target is None or target.factory is not None:
        return target
    # Importing this module may register what the app's own module does not: keep to what is declared.
    entry = Candidate(module, name, module.tree, None, target.score)
    found.append(entry)
    return entry


def _value(node: ast.AST) -> ast.expr | None:
    return node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None


def _package_name(project: Project) -> str:
    try:
        name = tomllib.loads(project.text("pyproject.toml")).get("project", {}).get("name", "")
    except (tomllib.TOMLDecodeError, AttributeError):
        return ""
    return re.sub(r"[-.]+", "_", str(name)).lower()
