"""What could fill an empty database: commands of the app's own CLI, and functions that take the app."""

import ast
import re
from dataclasses import dataclass

from seatrial.scaffold.project import Module, Project, keyword, last_name, text_of

_SEED = re.compile(r"seed|sow|populate|fixtures|demo_?data|sample_?data", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seed:
    """One way to sow: `flask seed`, or `package.module:seed`."""

    spec: str
    place: str
    ready: bool
    """It can be used as it stands: a command that asks for nothing, a function of the app."""

    @property
    def is_command(self) -> bool:
        return self.spec.startswith("flask ")


def seeds(project: Project) -> list[Seed]:
    """Commands first, each once."""
    groups = _cli_names(project)
    commands: dict[str, Seed] = {}
    functions: dict[str, Seed] = {}
    for module in project.app_modules:
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef) and not isinstance(module.parents.get(node), ast.ClassDef):
                command = _command(module, node, groups)
                if command is not None:
                    if _SEED.search(command.spec):
                        commands.setdefault(command.spec, command)
                elif (seed := _function(module, node)) is not None:
                    functions.setdefault(seed.spec, seed)
    return [*commands.values(), *functions.values()]


def unambiguous(found: list[Seed]) -> Seed | None:
    """The one to use without asking: the only ready function that takes the app, else the only ready command."""
    for command in (False, True):
        ready = [seed for seed in found if seed.is_command is command and seed.ready]
        if len(ready) == 1:
            return ready[0]
        if ready:
            return None
    return None


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
    """Something that nothing is asked of but the app; without a parameter for it, it needs a wrapper that has one."""
    if node not in module.tree.body or not module.name or not _SEED.search(node.name):
        return None
    positional = [*node.args.posonlyargs, *node.args.args]
    required = positional[: len(positional) - len(node.args.defaults)]
    takes_app = bool(positional) and positional[0].arg in ("app", "application", "flask_app") and len(required) <= 1
    if required and not takes_app:
        return None
    return Seed(f"{module.name}:{node.name}", module.place(node), takes_app)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)
