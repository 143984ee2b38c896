"""What could fill an empty database: commands of the app's own CLI, functions of the app or of scripts beside it."""

import ast
import re
from dataclasses import dataclass

from seatrial.scaffold.project import Module, Project, is_main_guard, keyword, last_name, text_of

_SEED = re.compile(r"seed|sow|populate|fixtures|demo_?data|sample_?data", re.IGNORECASE)
_COMMAND = re.compile(rf"{_SEED.pattern}|\bfake", re.IGNORECASE)
_SCRIPTS = frozenset({"scripts", "script", "tools", "bin"})
_ENTRY = frozenset({"main", "run"})


@dataclass(frozen=True, slots=True)
class Seed:
    """One way to sow: `flask seed`, or `package.module:seed`."""

    spec: str
    place: str
    ready: bool
    """It can be used as it stands: a command that asks for nothing, a function that takes the app or nothing."""
    takes_app: bool = False

    @property
    def is_command(self) -> bool:
        return self.spec.startswith("flask ")

    @property
    def rank(self) -> int:
        """A function that takes the app was written for this; one that takes nothing may do anything."""
        return 0 if self.takes_app else 1 if self.is_command else 2


def seeds(near: Project, project: Project) -> list[Seed]:
    """Commands first, each once. `near` is what the app is made of; scripts beside it are looked for in the whole."""
    groups = _cli_names(near)
    commands: dict[str, Seed] = {}
    functions: dict[str, Seed] = {}
    for module in near.app_modules:
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef) and not isinstance(module.parents.get(node), ast.ClassDef):
                command = _command(module, node, groups)
                if command is not None:
                    if _COMMAND.search(command.spec):
                        commands.setdefault(command.spec, command)
                elif (seed := _function(module, node)) is not None:
                    functions.setdefault(seed.spec, seed)
    for module in _scripts(near, project):
        for statement in module.tree.body:
            if isinstance(statement, ast.FunctionDef) and (seed := _function(module, statement)) is not None:
                functions.setdefault(seed.spec, seed)
    return [*commands.values(), *functions.values()]


def unambiguous(found: list[Seed]) -> Seed | None:
    """The one to use without asking: the only ready one of the best rank."""
    ready = [seed for seed in found if seed.ready]
    best = [seed for seed in ready if seed.rank == min(one.rank for one in ready)]
    return best[0] if len(best) == 1 else None


def _scripts(near: Project, project: Project) -> list[Module]:
    """Modules in the project's root, and in folders of scripts, that nothing of the app imports and that import it."""
    known = {module.path for module in near.app_modules}
    own = {module.name.partition(".")[0] for module in near.app_modules}
    return [
        module
        for module in project.modules
        if module.name and module.path not in known and not module.is_test
        if "." not in module.name or (module.name.count(".") == 1 and module.name.partition(".")[0] in _SCRIPTS)
        if any(target.partition(".")[0] in own for target in module.imports.values())
    ]


def _command(module: Module, node: ast.FunctionDef, groups: dict[str, str]) -> Seed | None:
    """A function that is a command: `@app.cli.command("seed")`, `@bp.cli.command()`, `@click.command("seed")`."""
    names = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    for decorator, name in zip(node.decorator_list, names, strict=True):
        if last_name(name) != "command":
            continue
        given = text_of(decorator.args[0]) if isinstance(decorator, ast.Call) and decorator.args else None
        if given is None and isinstance(decorator, ast.Call):
            given = text_of(keyword(decorator, "name"))
        called = given or re.sub(r"-(command|cmd)$", "", node.name.replace("_", "-"))
        owner = name.value if isinstance(name, ast.Attribute) else None
        group = groups.get(last_name(owner.value), "") if isinstance(owner, ast.Attribute) else ""
        asked = any(last_name(n) in ("argument", "password_option") for n in names) or any(
            isinstance(d, ast.Call) and last_name(d.func) == "option" and _is_true(keyword(d, "required", "prompt"))
            for d in node.decorator_list
        )
        return Seed(" ".join(filter(None, ("flask", group, called))), module.place(node), not asked)
    return None


def _cli_names(project: Project) -> dict[str, str]:
    """Commands of a blueprint are called by its name: variable → that name."""
    found: dict[str, str] = {}
    for module in project.app_modules:
        for node in module.nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=variable)], value=ast.Call(func=func, args=[first, *_]) as call):
                    if "Blueprint" in last_name(func):
                        found[variable] = text_of(keyword(call, "cli_group")) or text_of(first) or ""
    return found


def _function(module: Module, node: ast.FunctionDef) -> Seed | None:
    """Something that nothing is asked of but the app; with a decorator it may be anything: a route, a task."""
    if node not in module.tree.body or not module.name or not _sows(module, node):
        return None
    positional = [*node.args.posonlyargs, *node.args.args]
    required = positional[: len(positional) - len(node.args.defaults)]
    takes_app = bool(positional) and positional[0].arg in ("app", "application", "flask_app") and len(required) <= 1
    if (required and not takes_app) or None in node.args.kw_defaults:
        return None
    takes_nothing = not positional and node.args.vararg is None and not node.decorator_list and not _part(module, node)
    return Seed(f"{module.name}:{node.name}", module.place(node), takes_app or takes_nothing, takes_app)


def _sows(module: Module, node: ast.FunctionDef) -> bool:
    """By its own name; else by the module's, where it is what the module is run for."""
    if _SEED.search(node.name):
        return True
    if not _SEED.search(module.name.rpartition(".")[2]) or node.name.startswith("_"):
        return False
    if any(isinstance(other, ast.FunctionDef) and _SEED.search(other.name) for other in module.tree.body):
        return False
    run = {
        last_name(call.func)
        for statement in module.tree.body
        if is_main_guard(statement)
        for call in ast.walk(statement)
        if isinstance(call, ast.Call)
    }
    return node.name in _ENTRY | run


def _part(module: Module, node: ast.FunctionDef) -> bool:
    """Whether another seed of the module calls it."""
    return any(
        isinstance(call, ast.Call) and last_name(call.func) == node.name
        for other in module.tree.body
        if isinstance(other, ast.FunctionDef) and other is not node and _SEED.search(other.name)
        for call in ast.walk(other)
    )


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)
