"""Which files are the target's own, and how they are read."""

from __future__ import annotations

import os
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from seatrial.model.findings import Place

LARGEST = 5_000_000
"""Bytes of a file that is read."""
MOST = 50_000
"""Files that are looked at."""
TEMPLATES = (".html", ".htm", ".j2", ".jinja", ".jinja2", ".xhtml", ".xml", ".txt", ".svg")
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages", "build", "dist", "venv", "env"})
_ASIDE = frozenset({"migrations", "alembic", "tests", "test", "testing"})
_TEST = re.compile(r"test_.*\.py|.*_test\.py|conftest\.py")


@dataclass(slots=True)
class Found:
    """The files of one tree, relative, sorted."""

    python: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Path and reason of what could have been code."""


def find(root: Path, sources: tuple[str, ...] = (".",)) -> Found:
    """Python files and templates below `sources`, without environments, tests, migrations and linked folders."""
    found = Found()
    seen: set[tuple[int, int]] = set()
    for source in sources:
        start = root / source
        if start.is_file():
            _file(found, root, start, seen)
            continue
        for folder, folders, names in os.walk(start):
            here = Path(folder)
            folders[:] = sorted(name for name in folders if _walk(found, root, here / name))
            for name in sorted(names):
                _file(found, root, here / name, seen)
            if len(seen) > MOST:
                found.left_out["."] = f"more than {MOST:,} files; name the app's own folders in sources"
                return found
    return found


def _walk(found: Found, root: Path, folder: Path) -> bool:
    name = folder.name
    if name in _LEFT_OUT or name in _ASIDE or name.startswith(".") or (folder / "pyvenv.cfg").is_file():
        return False
    if folder.is_symlink():
        # Inside, it is read under its own name; outside, it is not the target's; and a loop ends here.
        if not folder.resolve().is_relative_to(root.resolve()):
            found.left_out[folder.relative_to(root).as_posix()] = "a link that leads out of the project"
        return False
    return True


def _file(found: Found, root: Path, path: Path, seen: set[tuple[int, int]]) -> None:
    python = path.suffix == ".py"
    if not python and path.suffix not in TEMPLATES:
        return
    if _TEST.fullmatch(path.name):
        return
    name = path.relative_to(root).as_posix()
    try:
        known = path.stat()
    except OSError as error:
        if python:
            found.left_out[name] = f"cannot be read ({error.strerror})"
        return
    if not path.is_file() or (known.st_dev, known.st_ino) in seen:
        return
    seen.add((known.st_dev, known.st_ino))
    if known.st_size > LARGEST:
        found.left_out[name] = f"larger than {LARGEST // 1_000_000} MB"
    elif python:
        found.python.append(name)
    else:
        found.templates.append(name)


def module_name(path: str, prefix: str) -> str:
    """Dotted, or empty where no import can reach it."""
    parts = path.removeprefix(prefix).removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def import_root(root: Path, files: list[str]) -> str:
    """`src/` where the project has a src layout."""
    has_src = any(path.startswith("src/") for path in files)
    return "src/" if has_src and not (root / "src" / "__init__.py").is_file() else ""


def within(path: str, folders: tuple[str, ...] | list[str]) -> str:
    """The folder (or file) among these that holds a path, or empty."""
    return next((f for f in folders if path == f.rstrip("/") or path.startswith(f.rstrip("/") + "/")), "")


def decoded(content: bytes) -> str:
    """In the declared encoding, else as UTF-8 whose stray bytes survive."""
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return content.decode("utf-8", "surrogateescape")


class Lines:
    """Lines of the target's files, read again when a finding needs one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, list[str]] = {}

    def place(self, path: str, line: int) -> Place:
        return Place(path, line, self.text(path, line))

    def text(self, path: str, line: int) -> str:
        if path not in self._known:
            try:
                content = (self._root / path).read_bytes()
            except OSError:
                content = b""
            # Not splitlines(): it also splits at form feeds, where no parser counts a line.
            self._known[path] = re.split(r"\r\n|\r|\n", decoded(content))
        lines = self._known[path]
        return lines[line - 1] if 0 < line <= len(lines) else ""


def every(folders: tuple[str, ...] | list[str], paths: list[str]) -> Iterator[str]:
    yield from (path for path in paths if within(path, folders))
