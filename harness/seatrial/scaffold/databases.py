"""How the database's URL gets into the app: variables, keys of the configuration, or not at all."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.scaffold.project import Module, Project, last_name, text_of
from seatrial.scaffold.variables import Reading

KEY = "SQLALCHEMY_DATABASE_URI"
_URL_NAME = re.compile(r"(.*_)?(DATABASE|DB|SQLALCHEMY|POSTGRES|POSTGRESQL|PG)(_DATABASE)?_?(URL|URI|DSN)")
_PART_NAME = re.compile(
    r"(.*_)?(DATABASE|DB|POSTGRES|POSTGRESQL|PG|MYSQL)_?(HOST|NAME|USER|USERNAME|PASS|PASSWORD|PORT|DB)"
)
_TEST = re.compile(r"(^|_)TEST(S|ING)?(_|$)")
_PURPOSES = frozenset({KEY, "create_engine", "sqlalchemy.url"})
_CONFIGS = re.compile(r"conf|settings", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entrance:
    """A variable or key that carries the URL, and where it is read."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Everything about the URL that the source says."""

    used: bool
    """The app uses SQLAlchemy at all."""
    variables: tuple[Entrance, ...]
    keys: tuple[Entrance, ...]
    parts: tuple[Entrance, ...]
    """Variables of which the app puts the URL together itself."""
    fixed: tuple[Entrance, ...]
    """URLs that stand in the source; the name is the key or function."""


def database_facts(project: Project, found: list[Reading]) -> DatabaseFacts:
    variables: dict[str, str] = {}
    parts: dict[str, str] = {}
    for reading in found:
        name = reading.name.upper()
        if _TEST.search(name):
            continue
        if not reading.part and (_URL_NAME.fullmatch(name) or reading.purpose in _PURPOSES):
            variables.setdefault(reading.name, reading.place)
        elif _PART_NAME.fullmatch(name):
            parts.setdefault(reading.name, reading.place)
    for prefixed in _prefixed(project):
        variables.setdefault(prefixed.name, prefixed.place)
    keys: dict[str, str] = {}
    fixed: list[Entrance] = []
    for module in project.app_modules:
        for node in module.nodes:
            for name in _keys(node):
                keys.setdefault(name, module.place(node))
            fixed += _fixed(module, node)
    if project.imports_package("flask_sqlalchemy") or project.imports_package("flask_sqlalchemy_lite"):
        keys.setdefault(KEY, "")
    return DatabaseFacts(
        project.imports_package("sqlalchemy") or KEY in keys,
        tuple(Entrance(*pair) for pair in variables.items()),
        tuple(Entrance(*pair) for pair in sorted(keys.items(), key=lambda pair: (pair[0] != KEY, pair[0]))),
        tuple(Entrance(*pair) for pair in parts.items()),
        tuple(fixed),
    )


def _keys(node: ast.AST) -> Iterator[str]:
    """`config["DATABASE_URL"]`, `app.config.get("DATABASE_URL")`, and `from_mapping(DATABASE_URL=…)`."""
    match node:
        case ast.Subscript(value=value, slice=key) if _CONFIGS.search(last_name(value)):
            names = [text_of(key)]
        case ast.Call(func=ast.Attribute(value=value, attr="get" | "setdefault"), args=[key, *_]) if _CONFIGS.search(
            last_name(value)
        ):
            names = [text_of(key)]
        case ast.Call(func=ast.Attribute(attr="from_mapping" | "update", value=value), keywords=keywords) if (
            _CONFIGS.search(last_name(value))
        ):
            names = [k.arg for k in keywords]
        case _:
            return
    yield from (name for name in names if name and _URL_NAME.fullmatch(name) and not _TEST.search(name))


def _fixed(module: Module, node: ast.AST) -> Iterator[Entrance]:
    match node:
        case ast.Assign(targets=[target, *_], value=value):
            name = text_of(target.slice) if isinstance(target, ast.Subscript) else last_name(target)
            url: ast.expr = value
        case ast.keyword(arg=name, value=value):
            url = value
        case ast.Call(func=func, args=[value, *_]) if last_name(func) == "create_engine":
            name, url = "create_engine", value
        case _:
            return
    if name not in (KEY, "create_engine"):
        return
    text = text_of(url) or next((text_of(v) for v in getattr(url, "values", ()) if text_of(v)), None)
    if text and "://" in text and not isinstance(url, ast.BoolOp):
        yield Entrance(str(name), module.place(node))


def _prefixed(project: Project) -> Iterator[Entrance]:
    """`app.config.from_prefixed_env()` reads FLASK_SQLALCHEMY_DATABASE_URI."""
    for module in project.app_modules:
        for node in module.nodes:
            if isinstance(node, ast.Call) and last_name(node.func) == "from_prefixed_env":
                prefix = text_of(node.args[0]) if node.args else "FLASK"
                yield Entrance(f"{prefix or 'FLASK'}_{KEY}", module.place(node))
