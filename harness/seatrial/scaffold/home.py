"""Where the configuration goes: behind what stands in pyproject.toml, byte for byte, or into a file of its own."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.config.locate import OWN, PYPROJECT, find_home
from seatrial.model.errors import ConfigurationError
from seatrial.verdict.files import write_atomic

_WAY_OUT = "Mend the permissions of the folder and run `seatrial init` again."


@dataclass(frozen=True, slots=True)
class Place:
    """A file to write to, and what stands in it now."""

    path: Path
    before: str
    prefix: str
    why: str = ""
    """Why it is not pyproject.toml, where there is one."""

    def write(self, text: str) -> None:
        """Put the configuration behind what was there before; called again, it replaces only what it wrote itself.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        write_atomic(self.path, _joined(self.before, text), way_out=_WAY_OUT)


def configured(root: Path) -> Path | None:
    """The file that already configures Seatrial, or None.

    Raises:
        ConfigurationError: A file that could hold configuration is not TOML, so nobody can tell.
    """
    home, mistakes = find_home(root, None)
    if home is not None:
        return home.path
    for name in (PYPROJECT, OWN):
        path = root / name
        if path.is_file() and _tables(path.read_bytes()) is None:
            raise ConfigurationError(*mistakes)
    return None


def place(root: Path) -> Place:
    """pyproject.toml where tables can be appended to it, else seatrial.toml."""
    path = root / PYPROJECT
    if not path.is_file():
        return Place(root / OWN, "", "")
    before = path.read_bytes().decode("utf-8")
    probe = '[tool.seatrial]\napp = "a:b"\n[tool.seatrial.env]\n'
    after = _tables(_joined(before, probe).encode())
    if after is None:
        return Place(root / OWN, "", "", f"[tool.seatrial] cannot be appended to {PYPROJECT}, whose [tool] is closed")
    return Place(path, before, "tool.seatrial")


def _joined(before: str, text: str) -> str:
    if not before.removeprefix("\ufeff").strip():
        return before + text
    newline = "\r\n" if before.count("\r\n") * 2 > before.count("\n") else "\n"
    gap = newline if before.endswith("\n") else newline * 2
    return before + gap + text.replace("\n", newline)


def _tables(data: bytes) -> dict[str, Any] | None:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
