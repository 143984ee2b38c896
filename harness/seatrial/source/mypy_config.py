"""What mypy's configuration asks of a module, in whichever of its homes it stands."""

from __future__ import annotations

import configparser
import fnmatch
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.model.findings import Place
from seatrial.model.structure import Checking
from seatrial.source.files import Lines

HOMES = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")
"""In the order in which mypy looks; the first with a section of mypy's is the only one that counts."""
WANTED = ("disallow_untyped_defs", "disallow_incomplete_defs")


@dataclass(frozen=True, slots=True)
class Section:
    """Options of mypy's for some modules; `patterns` is empty for the global ones."""

    patterns: tuple[str, ...]
    options: Mapping[str, bool]
    line: int = 1


@dataclass(frozen=True, slots=True)
class Configuration:
    home: str = ""
    sections: tuple[Section, ...] = ()
    problem: str = ""

    def of(self, module: str, option: str) -> tuple[bool, Section | None]:
        """The value of an option for a module, and the section that says so; in mypy's own order of precedence."""
        told = [s for s in self.sections if option in s.options]
        concrete = [s for s in told if module in s.patterns]
        unstructured = [s for s in told if any(_matches(module, p) for p in s.patterns if not _structured(p))]
        structured = [
            (max(len(p) for p in s.patterns if _structured(p) and _matches(module, p)), index, s)
            for index, s in enumerate(told)
            if any(_structured(p) and _matches(module, p) for p in s.patterns)
        ]
        general = [s for s in told if not s.patterns]
        for found in (concrete, unstructured, [s for _, _, s in sorted(structured, key=lambda one: one[:2])], general):
            if found:
                return found[-1].options[option], found[-1]
        return False, None


def checking(
    subject: str, modules: Iterable[str], lines: Lines, *, runs: bool, configuration: Configuration
) -> Checking:
    """What mypy asks of these modules."""
    names = sorted(name for name in modules if name)
    if configuration.problem:
        return Checking(subject, configuration.home, modules=len(names), runs=runs, unseen=configuration.problem)
    if not configuration.home:
        return Checking(subject, modules=len(names), runs=runs, lax=tuple((name, WANTED) for name in names))
    lax: list[tuple[str, tuple[str, ...]]] = []
    blamed: Section | None = None
    for name in names:
        lacking = []
        for option in WANTED:
            said, section = configuration.of(name, option)
            if not said:
                lacking.append(option)
                blamed = blamed or section
        ignored, section = configuration.of(name, "ignore_errors")
        if ignored:
            lacking = ["ignore_errors"]
            blamed = blamed or section
        if lacking:
            lax.append((name, tuple(lacking)))
    general = next((section for section in configuration.sections if not section.patterns), None)
    line = (blamed or general or Section((), {})).line
    place: Place | None = lines.place(configuration.home, line)
    return Checking(subject, configuration.home, place, tuple(lax), len(names), runs)


def configuration(root: Path) -> Configuration:
    """The first home with a section of mypy's, in the project and then above it, up to the repository's root."""
    for folder in (root, *root.parents):
        for home in HOMES:
            found = _read(folder / home, home)
            if found is not None:
                return found if folder == root else Configuration("", problem=_above(folder / home))
        if (folder / ".git").exists() or (folder / ".hg").exists():
            break
    return Configuration()


def _above(path: Path) -> str:
    return f"mypy's configuration stands above the project, in {path.name} of {path.parent.name}; move its block here"


def _read(path: Path, home: str) -> Configuration | None:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    try:
        sections = _toml(text) if home.endswith(".toml") else _ini(text)
    except (tomllib.TOMLDecodeError, configparser.Error, TypeError, AttributeError) as error:
        problem = f"{home} cannot be read ({str(error).splitlines()[0]}); mend it"
        return Configuration(home, problem=problem) if "mypy" in text else None
    return Configuration(home, tuple(sections)) if sections or home in HOMES[:2] else None


def _toml(text: str) -> list[Section]:
    table = tomllib.loads(text).get("tool", {}).get("mypy")
    if not isinstance(table, dict):
        return []
    found = [Section((), _options(table, strict=True), _line(text, r"\[tool\.mypy\]"))]
    headers = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[tool\.mypy\.overrides\]\]", line)]
    for index, override in enumerate(table.get("overrides", ())):
        modules = override.get("module", ())
        patterns = (modules,) if isinstance(modules, str) else tuple(map(str, modules))
        found.append(Section(patterns, _options(override), headers[index] if index < len(headers) else 1))
    return found


def _ini(text: str) -> list[Section]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    found = []
    for name in parser.sections():
        line = _line(text, re.escape(f"[{name}]"))
        if name == "mypy":
            found.append(Section((), _options(parser[name], strict=True), line))
        elif name.startswith("mypy-"):
            patterns = tuple(pattern.strip() for pattern in name.removeprefix("mypy-").split(","))
            found.append(Section(patterns, _options(parser[name]), line))
    return found


def _line(text: str, pattern: str) -> int:
    return next((n for n, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*{pattern}", line)), 1)


def _options(table: Mapping[str, Any], *, strict: bool = False) -> dict[str, bool]:
    found: dict[str, bool] = {}
    if strict and _true(table.get("strict")):
        found |= dict.fromkeys(WANTED, True)
    for key, said in table.items():
        name = key.replace("-", "_")
        if name in (*WANTED, "ignore_errors"):
            found[name] = _true(said)
        elif name.startswith("allow_") and f"dis{name}" in WANTED:
            found[f"dis{name}"] = not _true(said)
    return found


def _true(said: Any) -> bool:
    return said is True or str(said).strip().lower() in ("true", "1", "yes", "on")


def _structured(pattern: str) -> bool:
    return pattern.endswith(".*") and "*" not in pattern[:-2]


def _matches(module: str, pattern: str) -> bool:
    if _structured(pattern):
        return module == pattern[:-2] or module.startswith(pattern[:-1])
    if "*" in pattern:
        return fnmatch.fnmatchcase(module, pattern)
    return module == pattern
