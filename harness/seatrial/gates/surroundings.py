"""The target's own environment: which tools are in it, what they may see of ours."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.gates.exits import Broken, switch_off
from seatrial.gates.processes import Finished

# What a developer's shell or a test run around us sets, and what would make the same tree answer differently.
_LEFT_OUT = ("SEATRIAL_", "PYTEST_XDIST_", "COV_CORE_", "RUFF_")
_LEFT_OUT_NAMES = frozenset(
    {
        "PYTEST_ADDOPTS",
        "PYTEST_CURRENT_TEST",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
        "PYTEST_VERSION",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "PY_COLORS",
        "MYPY_FORCE_COLOR",
        "MYPY_FORCE_TERMINAL_WIDTH",
        "MYPY_CACHE_DIR",
    }
)

# For tools whose text is parsed; not for a suite, whose app may look at these itself.
PLAIN: Mapping[str, str] = {"NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}

_PROBE = """
import importlib.metadata, json, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
print(json.dumps({
    "versions": {name: version(name) for name in sys.argv[1:]},
    "path": sys.path,
    "python": ".".join(map(str, sys.version_info[:3])),
    "prefixes": [sys.prefix, sys.base_prefix],
}))
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the target's Python says of itself."""

    versions: Mapping[str, str]
    """By tool; empty where it is not installed."""
    python: str
    path: tuple[str, ...]
    """`sys.path`, without the standard library and installed packages."""

    def require(self, tool: str) -> None:
        """
        Raises:
            Broken: The tool is not installed there.
        """
        if not self.versions.get(tool):
            raise Broken(
                f"{tool} is not installed beside the app; pip install 'seatrial[tools]', or {switch_off(tool)}"
            )


def probe(run: Callable[[list[str]], Finished], tools: tuple[str, ...]) -> Surroundings:
    """Ask the target's Python once, which is far cheaper than `--version` of each tool.

    Raises:
        Broken: It did not answer.
    """
    finished = run(["-c", _PROBE, *tools])
    if finished.cancelled:
        raise Broken("the tools were stopped before they began; run the check again")
    try:
        answer = json.loads(finished.stdout.strip().splitlines()[-1])
        prefixes = tuple(os.path.realpath(prefix) + os.sep for prefix in answer["prefixes"])
        path = tuple(p for p in answer["path"] if p and not (os.path.realpath(p) + os.sep).startswith(prefixes))
        return Surroundings(answer["versions"], answer["python"], path)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise Broken(
            "the target's Python cannot run; python -c 'import importlib.metadata' in its environment shows why"
        ) from error


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a tool: the caller's own, without what steers Seatrial, pytest or colours from outside."""
    given = os.environ if given is None else given
    kept = {key: value for key, value in given.items() if not key.startswith(_LEFT_OUT) and key not in _LEFT_OUT_NAMES}
    # The real tree must stay as it is.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}


def in_copy(surroundings: Surroundings, root: Path, copy: Path) -> str:
    """PYTHONPATH that makes a suite in the copy import the copy, where the target is installed as editable.

    `pip install -e .` puts the real tree (its `src`) on `sys.path`; the same folders of the copy must come before it.
    """
    real = os.path.realpath(root)
    folders: list[str] = []
    for entry in surroundings.path:
        inside = os.path.relpath(os.path.realpath(entry), real)
        if inside != ".." and not inside.startswith("../"):
            folders.append(os.path.normpath(copy / inside))
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([*dict.fromkeys(folders), *([given] if given else [])])


def default_python() -> str:
    return sys.executable
