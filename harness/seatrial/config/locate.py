"""Where the configuration stands: the project's root, the file, the table in it."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYPROJECT = "pyproject.toml"
OWN = "seatrial.toml"
_MARKS = (PYPROJECT, "setup.cfg", "setup.py", ".git")


@dataclass(frozen=True, slots=True)
class Home:
    """A file that holds the configuration."""

    path: Path
    table: dict[str, Any]
    prefix: str
    """What stands before each key in messages: `tool.seatrial.` or nothing."""


class Unreadable(Exception):
    """A file that is not TOML; the text is the mistake without the file's name."""


def find_root(start: Path) -> Path:
    """The project that `start` lies in.

    That is the nearest folder upwards that holds configuration of Seatrial, else the nearest that looks like a project,
    else `start`. The search ends at the repository's root, so that a stray file further up does not count.
    """
    folder = start.resolve()
    if folder.is_file():
        folder = folder.parent
    likely: Path | None = None
    for candidate in (folder, *folder.parents):
        if (candidate / OWN).is_file() or _mentions_us(candidate / PYPROJECT):
            return candidate
        if likely is None and any((candidate / mark).exists() for mark in _MARKS):
            likely = candidate
        if (candidate / ".git").exists():
            break
    return likely or folder


def _mentions_us(path: Path) -> bool:
    # By text: a pyproject.toml that does not parse must still be found, so that `load` can name its mistake.
    try:
        return "tool.seatrial" in path.read_text("utf-8", "replace")
    except OSError:
        return False


def is_configured(root: Path) -> bool:
    """There is a file in this folder that configures Seatrial, or that means to and cannot be read."""
    return (root / OWN).is_file() or _mentions_us(root / PYPROJECT)


def find_home(root: Path, file: Path | None) -> tuple[Home | None, list[str]]:
    """The configuration's home, and what is wrong with where it stands, each `file: key: what; way out`.

    A named file is the only one looked at. Otherwise it is `[tool.seatrial]` of pyproject.toml, or seatrial.toml.
    """
    if file is not None:
        return _named(root, root / file)
    mistakes: list[str] = []
    homes: list[Home] = []
    unreadable = False
    for path in (root / PYPROJECT, root / OWN):
        if not path.is_file():
            continue
        try:
            home = _home(path)
        except Unreadable as problem:
            mistakes.append(f"{path.name}: {problem}")
            unreadable = True
            continue
        if home is not None:
            homes.append(home)
    if len(homes) > 1:
        mistakes.append(
            f"{OWN}: tool.seatrial: {PYPROJECT} configures Seatrial as well; keep one of the two and delete the other"
        )
    if not homes and not unreadable:
        mistakes.append(_nothing(root))
    return (homes[0] if homes else None), mistakes


def _named(root: Path, path: Path) -> tuple[Home | None, list[str]]:
    name = label(root, path)
    if not path.is_file():
        return None, [f"{name}: there is no such file; name one that exists, or run `seatrial init`"]
    try:
        home = _home(path)
    except Unreadable as problem:
        return None, [f"{name}: {problem}"]
    if home is None:
        return None, [f"{name}: tool.seatrial: there is no such table; run `seatrial init`"]
    return home, []


def _nothing(root: Path) -> str:
    if (root / PYPROJECT).is_file():
        return f"{PYPROJECT}: tool.seatrial: there is no such table, and no {OWN}; run `seatrial init`"
    return f"{PYPROJECT}: neither this file nor {OWN} is in {root}; run `seatrial init` there"


def _home(path: Path) -> Home | None:
    document = _read(path)
    tool = document.get("tool")
    ours = tool.get("seatrial") if isinstance(tool, dict) else None
    if path.name == PYPROJECT:
        return None if ours is None else Home(path, _table(ours), "tool.seatrial.")
    if ours is None:
        return Home(path, document, "")
    others = sorted(set(document) - {"tool"})
    if others:
        raise Unreadable(
            f"{others[0]}: stands beside [tool.seatrial], so there are two homes in one file; move it into that table"
        )
    return Home(path, _table(ours), "tool.seatrial.")


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("tool.seatrial: must be a table; begin it with a line [tool.seatrial]")
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        # A byte order mark is not TOML, but editors on Windows leave one and nobody can see it.
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror}); mend its permissions") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Unreadable(f"line {line}: is not UTF-8, as TOML must be; save the file as UTF-8") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(_not_toml(str(error), text)) from error


def _not_toml(message: str, text: str) -> str:
    what, _, where = message.rpartition(" (at ")
    if where.startswith("line "):
        line = where.removeprefix("line ").split(",")[0]
    else:
        what, line = message.removesuffix(" (at end of document)"), str(text.count("\n") + 1)
    return f"line {line}: not valid TOML ({what[:1].lower()}{what[1:]}); mend that line"


def label(root: Path, path: Path) -> str:
    """A file's name in messages: relative to the root where it lies inside."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return str(path)
