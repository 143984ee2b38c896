"""Python blocks are type-checked: names that the page leaves to the reader (`app`, `db`, a model) may be anything, and
what is imported, called and passed must be there."""

import builtins
import re
import subprocess
import symtable
import sys
import textwrap
import typing
from pathlib import Path

import pytest
from docs.pages import ROOT, Block, blocks, guide, rule_pages

CHECKED = [
    block for block in blocks("python", pages=[*guide(), *rule_pages()]) if not block.page.startswith("CONTRIBUTING")
]
"""CONTRIBUTING shows what stands in the sources; test_blocks.py holds it to them."""

LENIENT = """
[[tool.mypy.overrides]]
module = "pages.*"
check_untyped_defs = true
allow_untyped_defs = true
allow_incomplete_defs = true
allow_untyped_calls = true
allow_untyped_decorators = true
allow_subclassing_any = true
allow_any_generics = true
implicit_reexport = true
strict_equality = false
extra_checks = false
warn_return_any = false
warn_unreachable = false
warn_unused_ignores = false
# Pages show beginnings, and one name before and after.
disable_error_code = [
    "valid-type", "empty-body", "no-redef", "return", "ignore-without-code", "redundant-expr", "truthy-bool",
]
"""
"""Of the project's own settings for what stands on a page. Those of all else stay, so that what `make lint` has just
read of the libraries need not be read again."""
CACHE = ROOT / ".mypy_cache" / ("" if Path(sys.prefix) == ROOT / ".venv" else "docs")


def left_open(text: str) -> list[str]:
    """Names that are used and never bound."""
    found: set[str] = set()
    bound: set[str] = set()

    def walk(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if table.get_type() == "module" and (symbol.is_assigned() or symbol.is_imported()):
                bound.add(symbol.get_name())
            elif symbol.is_global() or table.get_type() == "module":
                found.add(symbol.get_name())
        for child in table.get_children():
            walk(child)

    walk(symtable.symtable(text, "block", "exec"))
    return sorted(name for name in found - bound if not hasattr(builtins, name))


def module(text: str) -> str:
    """A block as a module. What is left open stands in front, on one line, so that lines are the page's plus one."""
    opened = left_open(text)
    typed = [name for name in opened if name in typing.__all__]
    head = "; ".join(
        [f"from typing import {', '.join({'Any', *typed})}", *(f"{n}: Any" for n in opened if n not in typed)]
    )
    if _is_the_end_of_a_view(text):
        return f"{head}; from flask import *\ndef view():\n{textwrap.indent(text, '    ')}"
    return f"{head}\n{text}"


def _is_the_end_of_a_view(text: str) -> bool:
    try:
        compile(text, "block", "exec")
    except SyntaxError as error:
        return "outside function" in str(error)
    return False


def checked(folder: Path, texts: dict[str, str]) -> list[str]:
    """What mypy says of the texts as modules of a package; lines begin with the module's name."""
    package = folder / "pages"
    package.mkdir()
    for name, text in {"__init__": "", **texts}.items():
        (package / f"{name}.py").write_text(module(text) if text else "", encoding="utf-8")
    config = folder / "pyproject.toml"
    config.write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8") + LENIENT, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            f"--config-file={config}",
            "--no-error-summary",
            f"--cache-dir={CACHE}",
            package,
        ],
        cwd=ROOT,
        env={"MYPYPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in (0, 1), done.stderr
    # What mypy remembers of a run before is told with the folder of that run.
    said = [re.sub(r"^[^:]*pages/", "", line) for line in done.stdout.splitlines() if ": error:" in line]
    # A library without types is none of ours; a module of ours that is not there is told in the same words.
    return [line for line in said if "[import-untyped]" not in line or '"seatrial.' in line]


def name_of(block: Block) -> str:
    return re.sub(r"\W", "_", f"{block.page} {block.line}")


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return checked(tmp_path_factory.mktemp("blocks"), {name_of(block): block.text for block in CHECKED})


@pytest.mark.parametrize("block", CHECKED, ids=str)
def test_block_has_the_right_types(block: Block, complaints: list[str]) -> None:
    assert [line for line in complaints if line.startswith(f"{name_of(block)}.py")] == []


def test_mistakes_of_a_block_would_be_noticed(tmp_path: Path) -> None:
    flawed = {
        "name": "from seatrial.kit.errors import init_error\n",
        "module": "import seatrial.kit.error\n",
        "argument": "from seatrial.kit.headers import init_headers\n\ninit_headers(app, scp={})\n",
        "method": "from seatrial.monitor import Monitor\n\n\ndef create():\n    Monitor(app).initialise(app)\n",
    }
    said = checked(tmp_path, flawed)
    assert {line.partition(".")[0] for line in said} == set(flawed)


OPEN = """\
import os


def view(one):
    two = one + three
    return os.path.join(two, str(four))


@five
def six(): ...
"""


def test_what_is_left_open_is_what_no_line_binds() -> None:
    assert left_open(OPEN) == ["five", "four", "three"]
