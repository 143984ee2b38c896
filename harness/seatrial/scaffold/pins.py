"""Versions that the project pins, against what is installed in the environment that runs the app."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_SHOWN = 4
_FOLLOWED = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")
# What an app notices most when it changes.
_FIRST = ("flask", "werkzeug", "sqlalchemy", "flask-sqlalchemy", "alembic")
_PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Pin:
    """`name==version`, and the file that it is read through."""

    name: str
    version: str
    file: str
    """The requirements file in the project's root; what stands in another that it names counts as its own."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A pin that is not what is installed."""

    pin: Pin
    installed: str


def pins(root: Path) -> list[Pin]:
    """Exact pins that hold in this environment, one for each package: the first that is read."""
    found: dict[str, Pin] = {}
    files = sorted(root.glob("requirements*.txt"), key=lambda path: (path.name != "requirements.txt", path.name))
    for file in files:
        for text in _lines(root, file, set()):
            _add(found, text, file.name)
    for text in _dependencies(root):
        _add(found, text, _PYPROJECT)
    return list(found.values())


def differences(root: Path) -> list[Difference]:
    """Pins of packages that are installed in another version; those first that an app notices most."""
    found = [
        Difference(pin, installed)
        for pin in pins(root)
        if (installed := _installed(pin.name)) and not _same(installed, pin.version)
    ]
    order = {name: place for place, name in enumerate(_FIRST)}
    return sorted(found, key=lambda one: order.get(canonicalize_name(one.pin.name), len(order)))


def sentence(root: Path) -> str:
    """What differs, with the way out; empty where nothing does."""
    found = differences(root)
    if not found:
        return ""
    first, *others = found[:_SHOWN]
    file = first.pin.file
    said = [f"{first.pin.name} {first.installed} is installed and {file} pins {first.pin.version}"]
    for one in others:
        where = "" if one.pin.file == file else f" ({one.pin.file})"
        said.append(f"{one.pin.name} {one.installed} and {one.pin.version}{where}")
    if len(found) > _SHOWN:
        said.append(f"and {len(found) - _SHOWN} more")
    return f"{', '.join(said)}; {_way_out(root, file, found)}"


def _way_out(root: Path, file: str, found: list[Difference]) -> str:
    refused = _refused(found)
    keep = _keep(root, file)
    return f"Seatrial needs {', '.join(refused)}: raise that first, then {keep}" if refused else keep


def _keep(root: Path, file: str) -> str:
    """How Seatrial is installed without moving anything."""
    if file == _PYPROJECT:
        return "`pip install -e . seatrial` keeps what the app pins"
    lines = list(_lines(root, root / file, set()))
    if any("--hash" in line for line in lines):
        return f"name seatrial in what {file} is compiled from: beside hashes pip takes nothing that has none"
    option = "-c" if all(_constrains(line) for line in lines) else "-r"
    return f"`pip install {option} {file} seatrial` keeps what the app pins"


def _constrains(line: str) -> bool:
    """Whether pip takes the line in a file of constraints: neither extras nor projects of one's own may stand there."""
    if line.startswith("-"):
        return not line.startswith(("-e", "--editable"))
    requirement = _requirement(line)
    return requirement is not None and not requirement.extras and not requirement.url


def _refused(found: list[Difference]) -> list[str]:
    """What Seatrial itself needs of packages that are pinned otherwise."""
    needs = [Requirement(text) for text in metadata.requires("seatrial") or []]
    pinned = {canonicalize_name(one.pin.name): one.pin.version for one in found}
    return [
        f"{need.name}{need.specifier}"
        for need in needs
        if need.marker is None or need.marker.evaluate({"extra": ""})
        if (version := pinned.get(canonicalize_name(need.name)))
        if not need.specifier.contains(version, prereleases=True)
    ]


# ---------------------------------------------------------------------- files
def _lines(root: Path, path: Path, seen: set[Path]) -> Iterator[str]:
    """Requirements and options of a file and of those that it names inside the project."""
    path = path.resolve()
    if path in seen or not path.is_relative_to(root.resolve()):
        return
    seen.add(path)
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError:
        return
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if match := _FOLLOWED.fullmatch(line):
            yield from _lines(root, path.parent / match[1], seen)
        elif line:
            yield line


def _dependencies(root: Path) -> list[str]:
    try:
        project = tomllib.loads((root / _PYPROJECT).read_text("utf-8-sig")).get("project", {})
    except (OSError, ValueError):
        return []
    found = project.get("dependencies") if isinstance(project, dict) else None
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _add(found: dict[str, Pin], text: str, file: str) -> None:
    requirement = _requirement(text)
    if requirement is None or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
        return
    exact = [one.version for one in requirement.specifier if one.operator in ("==", "===")]
    if len(exact) == len(requirement.specifier) == 1 and not exact[0].endswith(".*"):
        found.setdefault(canonicalize_name(requirement.name), Pin(requirement.name, exact[0], file))


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(re.sub(r"\s--hash[ =].*", "", text).strip())
    except InvalidRequirement:
        return None


# ---------------------------------------------------------------------- versions
def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _same(installed: str, pinned: str) -> bool:
    """1.4 is 1.4.0; a local part (`+cu118`) that the pin does not name is no difference."""
    try:
        one, other = Version(installed), Version(pinned)
    except InvalidVersion:
        return installed == pinned
    return one == other or (other.local is None and one.public == other.public)
