"""Where services and routes lie when the configuration does not say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

SERVICES = frozenset({"services", "service", "use_cases", "usecases"})
ROUTES = frozenset({"blueprints", "routes", "views", "controllers", "resources", "endpoints"})


def guess(paths: Iterable[str], names: frozenset[str], holding: set[str] | None = None) -> list[str]:
    """Outermost folders of these names; modules where there is no folder. `holding`: files that one must be around."""
    folders: set[str] = set()
    modules: set[str] = set()
    for path in paths:
        parts = PurePosixPath(path).parts
        for depth, part in enumerate(parts[:-1]):
            if part in names:
                folders.add("/".join(parts[: depth + 1]))
                break
        if parts[-1].removesuffix(".py") in names:
            modules.add(path)
    found = folders or modules
    if holding is not None:
        found = {one for one in found if any(path == one or path.startswith(one + "/") for path in holding)}
    return sorted(found)
