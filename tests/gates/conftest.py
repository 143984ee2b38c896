"""Small projects for the tools, which are the real ones."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Deadlines, Gates, Settings
from seatrial.gates import GateResult, run_gates
from seatrial.model.outcomes import Level

CLEAN = 'def add(left: int, right: int) -> int:\n    """Add two numbers."""\n    return left + right\n'
TEST = "from app.core import add\n\n\ndef test_add() -> None:\n    assert add(1, 2) == 3\n"


@pytest.fixture(autouse=True)
def _private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user cache"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A clean project, in a folder with a blank and an umlaut in its name."""
    root = tmp_path / "my prøject"
    write(root, {"app/__init__.py": "", "app/core.py": CLEAN, "tests/test_core.py": TEST, "pyproject.toml": ""})
    return root


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def settings(root: Path, *tools: str, **tables: Any) -> Settings:
    """Settings in which only the named tools are on, all of them blocking."""
    levels = {name: Level.BLOCK if name in tools else Level.OFF for name in ("ruff", "mypy", "bandit", "pytest")}
    tables = {"gates": Gates(**levels), "deadlines": Deadlines(tool_s=60.0)} | tables
    return Settings(root=root, file=root / "pyproject.toml", app="app:create_app", **tables)


@pytest.fixture
def gates(project: Path, tmp_path: Path) -> Callable[..., dict[str, GateResult]]:
    """Run several tools at once on the project, by name; the suite gets a fresh copy."""

    def run(*tools: str, python: str | None = None, **tables: Any) -> dict[str, GateResult]:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(project, copy)
        results = run_gates(settings(project, *tools, **tables), root=project, copy=copy, python=python)
        return {result.run.name: result for result in results}

    return run


@pytest.fixture
def gate(gates: Callable[..., dict[str, GateResult]]) -> Callable[..., GateResult]:
    """Run one tool on the project."""

    def run(tool: str, **more: Any) -> GateResult:
        (result,) = gates(tool, **more).values()
        return result

    return run


def snapshot(root: Path) -> dict[str, str]:
    """Content of every file of a tree, and every folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in root.rglob("*")
    }
