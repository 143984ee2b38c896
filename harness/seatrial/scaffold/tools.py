"""The level of each tool on the first day: what the project uses may block, what it does not use never does."""

import importlib.metadata
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seatrial.scaffold.folders import tests
from seatrial.scaffold.project import Project

_RUNNERS = (
    "ruff.toml",
    ".ruff.toml",
    ".pre-commit-config.yaml",
    "Makefile",
    "justfile",
    "tox.ini",
    "noxfile.py",
    ".gitlab-ci.yml",
)


@dataclass(frozen=True, slots=True)
class Gate:
    """A tool, its level, and why."""

    tool: str
    level: str
    why: str


def gates(project: Project, installed: Callable[[str], bool] | None = None) -> list[Gate]:
    """One for each tool, in the order of the configuration."""
    installed = installed or _installed
    return [
        gate if installed(gate.tool) else Gate(gate.tool, "off", f"not installed{_meanwhile(gate)}")
        for gate in (_ruff(project), _mypy(project), _bandit(project), _pytest(project))
    ]


def formats_with_ruff(project: Project) -> bool:
    """Whether anything of the project's runs `ruff format`, or configures it."""
    ruff = _tool_tables(project).get("ruff")
    if isinstance(ruff, dict) and "format" in ruff:
        return True
    workflows = sorted(
        path.relative_to(project.root).as_posix() for path in project.root.glob(".github/workflows/*.y*ml")
    )
    return any(
        re.search(r"ruff[ -]format|^\[format\]", project.text(file), re.MULTILINE) for file in (*_RUNNERS, *workflows)
    )


def _meanwhile(gate: Gate) -> str:
    if gate.level == "off":
        return f"; {gate.why}"
    return f'; pip install "seatrial[tools]" and say {gate.level}'


def _ruff(project: Project) -> Gate:
    where = _configured(project, "ruff", ("ruff.toml", ".ruff.toml"))
    if where:
        return Gate("ruff", "block", f"configured in {where}")
    return Gate("ruff", "warn", "the project does not configure it; say block once it does")


def _mypy(project: Project) -> Gate:
    where = _configured(project, "mypy", ("mypy.ini", ".mypy.ini"), section="[mypy]")
    if where:
        return Gate("mypy", "warn", f"configured in {where}; say block once it is clean")
    return Gate("mypy", "off", "the project does not configure it; say warn once it does")


def _bandit(project: Project) -> Gate:
    where = _configured(project, "bandit", (".bandit", "bandit.yaml", "bandit.yml"))
    return Gate("bandit", "warn", f"configured in {where}" if where else "needs no configuration")


def _pytest(project: Project) -> Gate:
    first = tests(project)
    if not first:
        return Gate("pytest", "off", "there are no tests; say block once there are")
    return Gate("pytest", "block", f"there are tests ({first})")


def _configured(project: Project, tool: str, files: tuple[str, ...], section: str = "") -> str:
    """The file in which the project configures a tool, or nothing."""
    for file in files:
        if (project.root / file).is_file():
            return file
    if tool in _tool_tables(project):
        return "pyproject.toml"
    if section and section in project.text("setup.cfg"):
        return "setup.cfg"
    return ""


def _tool_tables(project: Project) -> dict[str, Any]:
    try:
        tool = tomllib.loads(project.text("pyproject.toml").lstrip("\ufeff")).get("tool", {})
    except tomllib.TOMLDecodeError:
        return {}
    return tool if isinstance(tool, dict) else {}


def _installed(tool: str) -> bool:
    try:
        importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
