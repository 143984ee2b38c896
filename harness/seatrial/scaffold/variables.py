"""Environment variables that the source reads: which, where, and whether there is a default."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from seatrial.scaffold.project import Module, Project, keyword, last_name, text_of


class Need(Enum):
    """How badly a variable is wanted."""

    REQUIRED = auto()
    """Reading it fails where it is not set."""
    EMPTY = auto()
    """Nothing stands in its place where it is not set."""
    DEFAULT = auto()


@dataclass(frozen=True, slots=True)
class Reading:
    """One place that reads one variable."""

    name: str
    place: str
    need: Need
    purpose: str = ""
    """The setting, keyword or function that the value goes to: `SQLALCHEMY_DATABASE_URI`, `create_engine`."""
    part: bool = False
    """The value is only a piece of a longer text, such as the host in a URL."""
    default: str = ""
    """What stands in its place, where that is a text."""


_ENVIRON = "os.environ"
_READERS = frozenset({"environs", "environ", "decouple", "starlette.config"})
_READER_METHODS = re.compile(r"str|bool|int|float|list|json|url|dict|decimal|path|db|db_url|dj_db_url|enum|date")
_SETTINGS_BASES = ("pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings")


def readings(project: Project) -> list[Reading]:
    """Every place of the app's own code, in the order of files and lines."""
    found: list[Reading] = []
    for module in project.app_modules:
        readers, aliases = _readers(module), _aliases(module)
        for node in module.nodes:
            if (reading := _reading(module, node, readers, aliases)) is not None:
                found.append(reading)
            if isinstance(node, ast.ClassDef):
                found += _settings_fields(module, node)
    return found


def firmest(found: list[Reading]) -> dict[str, Reading]:
    """One reading per variable: the first of those that want it most."""
    best: dict[str, Reading] = {}
    for reading in found:
        known = best.get(reading.name)
        if known is None or reading.need.value < known.need.value:
            best[reading.name] = reading
    return best


def _reading(module: Module, node: ast.AST, readers: frozenset[str], aliases: frozenset[str]) -> Reading | None:
    default: ast.expr | None = None
    match node:
        case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if _is_environ(module, value, aliases):
            name, need = text_of(key), Need.REQUIRED
        case ast.Call(func=func, args=[first, *rest]) if _is_getter(module, func, aliases):
            name = text_of(first)
            default = rest[0] if rest else keyword(node, "default")
            need = Need.EMPTY if default is None or _is_nothing(default) else Need.DEFAULT
        case ast.Call(func=func, args=[first, *rest]) if readers and _is_reader(func, readers):
            name = text_of(first)
            default = rest[0] if rest else keyword(node, "default")
            need = Need.REQUIRED if default is None else Need.EMPTY if _is_nothing(default) else Need.DEFAULT
        case _:
            return None
    if not name or not re.fullmatch(r"_*[A-Za-z]\w*", name):
        return None  # shells keep `_` for themselves, and nobody calls a setting so
    need = _in_context(module, node, need)
    purpose, part = _purpose(module, node)
    match module.parents.get(node):
        case ast.BoolOp(op=ast.Or(), values=values) if default is None:
            default = values[-1]
    return Reading(name, module.place(node), need, purpose, part, text_of(default) or "")


def _is_environ(module: Module, node: ast.expr, aliases: frozenset[str]) -> bool:
    return module.dotted(node) == _ENVIRON or (isinstance(node, ast.Name) and node.id in aliases)


def _is_getter(module: Module, func: ast.expr, aliases: frozenset[str]) -> bool:
    if isinstance(func, ast.Attribute) and func.attr == "get":
        return _is_environ(module, func.value, aliases)
    return module.dotted(func) == "os.getenv"


def _aliases(module: Module) -> frozenset[str]:
    """Other names of the environment: `env = os.environ`, `def settings(env=os.environ)`."""
    names: set[str] = set()
    for node in module.nodes:
        match node:
            case ast.Assign(targets=targets, value=value) if module.dotted(value) == _ENVIRON:
                names |= {last_name(target) for target in targets}
            case ast.arguments(args=args, defaults=[_, *_] as defaults):
                pairs = zip(args[-len(defaults) :], defaults, strict=False)
                names |= {arg.arg for arg, default in pairs if module.dotted(default) == _ENVIRON}
    return frozenset(names - {""})


def _in_context(module: Module, node: ast.AST, need: Need) -> Need:
    """`x or "default"`, `x == "true"` and `if x` do without a value; `x.lower()` does not."""
    if need is not Need.EMPTY:
        return need
    parent = module.parents.get(node)
    match parent:
        case ast.BoolOp(op=ast.Or(), values=values) if values[-1] is not node:
            return Need.DEFAULT
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return Need.DEFAULT
        case ast.If(test=test) | ast.IfExp(test=test) if test is node:
            return Need.DEFAULT
        case ast.Call(func=ast.Name(id="bool")):
            return Need.DEFAULT
        case ast.Attribute() | ast.Call(func=ast.Name(id="int" | "float")):
            return Need.REQUIRED
        case _:
            return need


def _purpose(module: Module, node: ast.AST) -> tuple[str, bool]:
    part, child = False, node
    for above in module.ancestors(node):
        match above:
            case ast.JoinedStr() | ast.BinOp():
                part = True
            case ast.Call(func=func) if child is not func and last_name(func) in (
                "create_engine",
                "engine_from_config",
            ):
                return "create_engine", part
            case ast.Call(func=ast.Attribute(attr="format" | "create")):
                part = True
            case ast.keyword(arg=str(name)) if name.isupper() or name == "url":
                return name, part
            case ast.Dict(keys=keys, values=values) if child in values:
                return next((text_of(k) or "" for k, v in zip(keys, values, strict=True) if v is child), ""), part
            case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target):
                return _target(target), part
            case ast.stmt():
                return "", part
        child = above
    return "", part


def _target(node: ast.expr) -> str:
    return text_of(node.slice) or "" if isinstance(node, ast.Subscript) else last_name(node)


def _readers(module: Module) -> frozenset[str]:
    """Local names that read variables: `env` of environs, `config` of decouple."""
    names = {
        local
        for local, target in module.imports.items()
        if target in ("decouple.config", "environs.env", "starlette.config.config")
    }
    for node in module.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        made = module.dotted(node.value.func)
        if made.partition(".")[0] in _READERS and made.rpartition(".")[2] in ("Env", "Config", "AutoConfig"):
            names |= {last_name(target) for target in node.targets}
    return frozenset(names - {""})


def _is_reader(func: ast.expr, readers: frozenset[str]) -> bool:
    if isinstance(func, ast.Name):
        return func.id in readers
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name)
        and func.value.id in readers
        and _READER_METHODS.fullmatch(func.attr) is not None
    )


def _settings_fields(module: Module, node: ast.ClassDef) -> Iterator[Reading]:
    """Fields of a pydantic settings class are variables in capitals."""
    if not any(module.dotted(base) in _SETTINGS_BASES for base in node.bases):
        return
    prefix = ""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call | ast.ClassDef | ast.Assign | ast.Dict):
            prefix = _env_prefix(inner) or prefix
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name = statement.target.id
        if name == "model_config":
            continue
        value = statement.value
        need = Need.REQUIRED if value is None else Need.EMPTY if _is_nothing(value) else Need.DEFAULT
        yield Reading(f"{prefix}{name}".upper(), module.place(statement), need, name)


def _env_prefix(node: ast.AST) -> str:
    match node:
        case ast.Call():
            return text_of(keyword(node, "env_prefix")) or ""
        case ast.Assign(targets=[ast.Name(id="env_prefix")], value=value):
            return text_of(value) or ""
        case _:
            return ""


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, "")
