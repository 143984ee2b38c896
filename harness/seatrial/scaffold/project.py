"""The project's Python files, each parsed once, and the names that they import from one another."""

import ast
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

LARGEST_FILE = 1_000_000
MOST_FILES = 5_000
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages", "build", "dist", "migrations", "alembic"})
_TEST_FOLDERS = frozenset({"tests", "test", "testing"})
_ASIDE = frozenset({"docs", "doc", "examples", "example", "scripts", "script", "tools", "benchmarks", "samples", "bin"})
_NO_APP_CODE = frozenset({"setup.py", "noxfile.py", "conftest.py", "tasks.py", "fabfile.py"})


@dataclass(eq=False)
class Module:
    """One Python file."""

    path: str
    """Relative to the project's root, POSIX."""
    name: str
    """As the project imports it; empty where the path cannot be imported."""
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.rpartition("/")[2] == "__init__.py"

    @cached_property
    def is_test(self) -> bool:
        *folders, file = self.path.split("/")
        return bool(_TEST_FOLDERS & set(folders)) or file.startswith("test_") or file == "conftest.py"

    @cached_property
    def is_aside(self) -> bool:
        """Beside the app: documentation, scripts, packaging."""
        *folders, file = self.path.split("/")
        packaging = not folders and (file in _NO_APP_CODE or file.startswith("gunicorn"))
        return bool(_ASIDE & set(folders)) or packaging

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local name → dotted target: `{"db": "app.extensions.db", "os": "os"}`."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{base}.{alias.name}" if base else alias.name
        return found

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        up = node.level - 1 if self.is_package else node.level
        parts = parts[: len(parts) - up] if up else parts
        return ".".join([*parts, *([node.module] if node.module else [])])

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def at_import(self) -> Iterator[ast.stmt]:
        """Statements that run when the module is imported, outside functions and classes."""
        waiting: list[ast.stmt] = list(reversed(self.tree.body))
        while waiting:
            statement = waiting.pop()
            yield statement
            if isinstance(statement, ast.If | ast.Try | ast.With) and not is_main_guard(statement):
                inner = [s for s in ast.iter_child_nodes(statement) if isinstance(s, ast.stmt)]
                inner += [s for h in getattr(statement, "handlers", ()) for s in h.body]
                waiting += reversed(inner)

    def dotted(self, node: ast.AST) -> str:
        """What a name or attribute stands for, through this module's imports: `flask.Flask`; empty where unknown."""
        match node:
            case ast.Name(id=name):
                return self.imports.get(name, f"{self.name}.{name}" if self.name else name)
            case ast.Attribute(value=value, attr=attr):
                inner = self.dotted(value)
                return f"{inner}.{attr}" if inner else ""
            case _:
                return ""

    def place(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test)


def last_name(node: ast.AST) -> str:
    """`create_app` of `app.factory.create_app`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=attr):
            return attr
        case _:
            return ""


def text_of(node: ast.AST | None) -> str | None:
    """The value of a text constant."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg in names), None)


@dataclass(eq=False)
class Project:
    """Everything that was read."""

    root: Path
    modules: list[Module]
    by_name: dict[str, Module] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    """Files that are no Python of this version; relative."""
    home: str = ""
    """The top-level package of the app, once it is known: never aside, wherever it lies."""

    @classmethod
    def read(cls, root: Path) -> "Project":
        files = sorted(_python_files(root))
        prefix = _import_root(root, files)
        project = cls(root, [])
        for path in files:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse((root / path).read_bytes(), filename=path)
            except (SyntaxError, ValueError, RecursionError, OSError):
                project.unread.append(path)
                continue
            module = Module(path, _name(path, prefix), tree)
            project.modules.append(module)
            if module.name:
                project.by_name.setdefault(module.name, module)
        return project

    @cached_property
    def app_modules(self) -> list[Module]:
        """Without tests, documentation and scripts."""
        return [m for m in self.modules if not m.is_test and (not m.is_aside or m.name.partition(".")[0] == self.home)]

    def around(self, start: Module) -> "Project":
        """The same project without what has nothing to do with one app: other apps, loose files.

        The app's own top-level package counts as a whole: parts of it may be imported by name.
        """
        top = start.name.partition(".")[0]
        near = {m.name for m in self.modules if m.name.partition(".")[0] == top}
        waiting = [self.by_name[name] for name in near]
        while waiting:
            for target in set(waiting.pop().imports.values()):
                found = self.by_name.get(target) or self.by_name.get(target.rpartition(".")[0])
                if found is not None and found.name not in near:
                    near.add(found.name)
                    waiting.append(found)
        return Project(self.root, [m for m in self.modules if m.name in near], self.by_name, self.unread, top)

    def definition(self, dotted: str, depth: int = 5) -> tuple[Module, str] | None:
        """Module and name in which a dotted name is really defined, through re-exports."""
        owner, _, name = dotted.rpartition(".")
        module = self.by_name.get(owner)
        if module is None or not depth:
            return None
        target = module.imports.get(name)
        if target is not None and target != dotted:
            return self.definition(target, depth - 1)
        return module, name

    def class_named(self, dotted: str) -> str | None:
        """`module:Class` where a dotted name is a class of the project."""
        found = self.definition(dotted)
        if found is None:
            return None
        module, name = found
        known = any(isinstance(s, ast.ClassDef) and s.name == name for s in module.at_import())
        return f"{module.name}:{name}" if known else None

    def imports_package(self, name: str) -> bool:
        """Whether the app's own code imports a package."""
        return any(
            target == name or target.startswith(name + ".")
            for module in self.app_modules
            for target in module.imports.values()
        )

    def text(self, path: str) -> str:
        """A file's text, or nothing where there is no such file."""
        try:
            return (self.root / path).read_text("utf-8", "replace")
        except OSError:
            return ""


def _python_files(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _LEFT_OUT and not name.startswith(".") and not Path(folder, name, "pyvenv.cfg").is_file()
        )
        for name in sorted(names):
            path = Path(folder, name)
            if not name.endswith(".py") or not path.is_file() or path.stat().st_size > LARGEST_FILE:
                continue
            count += 1
            if count > MOST_FILES:
                return
            yield path.relative_to(root).as_posix()


def _import_root(root: Path, files: list[str]) -> str:
    """`src/` where the project has a src layout; a package that is itself called src has an `__init__.py`."""
    has_src = any(path.startswith("src/") for path in files)
    return "src/" if has_src and not (root / "src" / "__init__.py").is_file() else ""


def _name(path: str, prefix: str) -> str:
    parts = path.removeprefix(prefix).removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""
