"""Working copies: the app under trial runs beside its own files, so that whatever it writes is never the user's."""

import os
import shutil
from pathlib import Path

from seatrial.model.errors import ConfigurationError

_LEFT_OUT = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    }
)
SIZE_LIMIT = 2 * 1024**3
"""Bytes; a larger tree holds data that the app does not need to start."""


def working_copy(root: Path, destination: Path) -> Path:
    """Copy the target without version control, virtual environments and caches. The tree itself may be read-only.

    Raises:
        ConfigurationError: The tree is too large to copy, or a file cannot be read.
    """
    copied = 0

    def left_out(folder: str, names: list[str]) -> set[str]:
        nonlocal copied
        out = {name for name in names if name in _LEFT_OUT or _is_environment(Path(folder, name))}
        for name in set(names) - out:
            path = Path(folder, name)
            if not path.is_symlink() and path.is_file():
                copied += path.stat().st_size
            elif not path.is_symlink() and not path.is_dir():
                out.add(name)  # sockets, pipes, devices
        if copied > SIZE_LIMIT:
            raise ConfigurationError(
                f"{root.name} holds more than {SIZE_LIMIT // 1024**3} GB, too much for a working copy; "
                "run Seatrial from the folder of the app alone: seatrial check PATH"
            )
        return out

    try:
        shutil.copytree(root, destination, symlinks=True, ignore=left_out, copy_function=_copy)
    except shutil.Error as error:
        first = error.args[0][0]
        raise ConfigurationError(
            f"the working copy could not be made: {first[0]}: {first[2]}; make the file readable, or remove it"
        ) from None
    return destination


def _copy(source: str, destination: str) -> str:
    shutil.copy2(source, destination, follow_symlinks=False)
    if not os.path.islink(destination):
        os.chmod(destination, os.stat(destination).st_mode | 0o600)  # from a read-only checkout the app may still write
    return destination


def _is_environment(path: Path) -> bool:
    return (path / "pyvenv.cfg").is_file()


def remove(folder: Path) -> None:
    """Delete a working copy, also where the app took away its own permissions. Nothing outside it is touched."""

    def allow(function: object, path: str, _: object) -> None:
        within = Path(path).parent
        try:
            if within.is_relative_to(folder):  # never the folder that holds the copy: it may be everybody's /tmp
                within.chmod(0o700)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
            if callable(function):
                function(path)
        except OSError:
            pass  # held by something else; the temporary folder is cleaned by the system

    if folder.is_dir():
        shutil.rmtree(folder, onerror=allow)


def changed_files(root: Path, copy: Path) -> list[str]:
    """Files that the app made or changed beside itself, relative, sorted; bytecode is not counted."""
    found = []
    for folder, folders, names in os.walk(copy):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for name in names:
            path = Path(folder, name)
            original = root / path.relative_to(copy)
            if name.endswith(".pyc") or path.is_symlink():
                continue
            ours = path.stat()
            try:
                theirs = original.stat()
            except OSError:
                found.append(path.relative_to(copy).as_posix())
                continue
            if (ours.st_size, int(ours.st_mtime)) != (theirs.st_size, int(theirs.st_mtime)):
                found.append(path.relative_to(copy).as_posix())
    return sorted(found)
