"""Tables of what may be imported, and of the fixtures of the pytest plugin, read from the source."""

import ast
import importlib
import inspect
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from seatrial import plugin

PUBLIC = (
    "seatrial.kit.errors",
    "seatrial.kit.validation",
    "seatrial.kit.headers",
    "seatrial.kit.oauth",
    "seatrial.kit.sanitize",
    "seatrial.kit.webhooks",
    "seatrial.kit.idempotency",
    "seatrial.kit.ports",
    "seatrial.kit.ports.stripe",
    "seatrial.kit.ports.fakes",
    "seatrial.kit.migrations",
    "seatrial.monitor",
)
"""Modules whose `__all__` is promised to stay; docs/support.md says for how long."""


def names_of(module: str) -> list[tuple[str, str, str]]:
    """(name, kind, first sentence) of what a module offers.

    Raises:
        LookupError: A name has no word about it; write its docstring.
    """
    loaded = importlib.import_module(module)
    return [_described(loaded, name) for name in loaded.__all__]


def _described(module: ModuleType, name: str) -> tuple[str, str, str]:
    value = getattr(module, name)
    if inspect.isclass(value) and value.__module__.startswith("seatrial."):
        kind = "exception" if issubclass(value, Exception) else "class"
        said = value.__dict__.get("__doc__") or ""
    elif inspect.isfunction(value):
        kind, said = "function", value.__doc__ or ""
    else:
        kind, said = "value", _below(module, name)
    if not said:
        raise LookupError(f"docs job: {module.__name__}.{name} has no docstring")
    return name, kind, _sentence(said)


def _below(module: ModuleType, name: str) -> str:
    """The text below an assignment, in the module or in one of its package."""
    files = [Path(str(module.__file__))]
    if files[0].name == "__init__.py":
        files += sorted(files[0].parent.glob("*.py"))
    for file in files:
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for statement, after in itertools.pairwise(body):
            if name in _assigned(statement) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return str(after.value.value)
    return ""


def _assigned(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    return [target.id for target in targets if isinstance(target, ast.Name)]


def fixtures() -> Mapping[str, str]:
    """What each fixture of the plugin says of itself. The source is read: pytest's own objects differ by version."""
    return dict(_fixtures(ast.parse(Path(str(plugin.__file__)).read_text(encoding="utf-8"))))


def _fixtures(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(
            ast.unparse(one) == "pytest.fixture" for one in node.decorator_list
        ):
            said = ast.get_docstring(node)
            if not said:
                raise LookupError(f"docs job: the fixture {node.name} has no docstring")
            yield node.name, _sentence(said)


def _sentence(text: str) -> str:
    """The first paragraph, fit for a cell."""
    return " ".join(text.strip().partition("\n\n")[0].split()).replace("|", "\\|")
