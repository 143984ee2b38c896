"""Where services, tests and the app's own code lie."""

import re
from pathlib import PurePosixPath

from seatrial.scaffold.candidates import Candidate
from seatrial.scaffold.project import Module, Project

_SERVICES = frozenset({"services", "service", "use_cases", "usecases"})


def services(project: Project) -> list[str]:
    """Outermost folders, and modules where there is no folder."""
    found = _named(project, _SERVICES)
    return [path for path in found if not path.endswith(".py")] or found


def sources(project: Project, chosen: Candidate) -> list[str]:
    """Top-level packages and modules of the app's own code; `src` as a whole."""
    tops: dict[str, bool] = {}
    for module in project.app_modules:
        top, inside, _ = module.path.partition("/")
        if module.name and (not inside or top == "src" or (project.root / top / "__init__.py").is_file()):
            tops[top] = True
    own = chosen.module.path.partition("/")[0]
    return [own, *(top for top in sorted(tops) if top != own)]


def tests(project: Project) -> str:
    """A file that pytest would collect, or nothing."""
    return next((m.path for m in project.modules if _is_suite(m)), "")


def _is_suite(module: Module) -> bool:
    return re.fullmatch(r"test_.*\.py|.*_test\.py", PurePosixPath(module.path).name) is not None


def _named(project: Project, names: frozenset[str]) -> list[str]:
    found: set[str] = set()
    for module in project.app_modules:
        parts = PurePosixPath(module.path).parts
        for depth, part in enumerate(parts):
            if part in names and depth < len(parts) - 1 and (project.root / "/".join(parts[: depth + 1])).is_dir():
                found.add("/".join(parts[: depth + 1]))
                break
            if depth == len(parts) - 1 and part.removesuffix(".py") in names and depth > 0:
                found.add(module.path)
    return sorted(f for f in found if not any(f != other and f.startswith(other + "/") for other in found))
