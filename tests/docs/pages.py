"""The documentation as data: its pages, their fenced blocks, and the job that generates and checks them."""

import importlib
import re
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def job(name: str = "docs_job") -> ModuleType:
    """One of `ci/*.py`, which are scripts beside each other and no package."""
    if (folder := str(ROOT / "ci")) not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def guide() -> list[Path]:
    """The pages of the guide; those of single rules have tests of their own."""
    return [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))


def rule_pages() -> list[Path]:
    return sorted(ROOT.glob("docs/rules/*.md"))


def blocks(*languages: str, pages: Iterable[Path] | None = None) -> list[Block]:
    return [block for page in pages or guide() for block in _blocks(page) if block.language in languages]


def _blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[2], textwrap.dedent(found[3]))
        for found in _FENCE.finditer(text)
    ]
