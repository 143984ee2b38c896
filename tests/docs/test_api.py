"""The public API: listed, typed, and all that the documentation imports."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from docs.pages import ROOT, Block, blocks, job

USED = ROOT / "tests" / "docs" / "public_api.py"


def imported(text: str) -> set[tuple[str, str]]:
    """(module, name) of every import from Seatrial."""
    return {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("seatrial")
        for alias in node.names
    }


def public() -> set[tuple[str, str]]:
    return {(module, name) for module in job("api_tables").PUBLIC for name in importlib.import_module(module).__all__}


def strict(*arguments: str) -> str:
    """What `mypy --strict` says, by the configuration of the project."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300).stdout


def test_every_public_name_is_used_by_the_file_that_is_type_checked() -> None:
    assert imported(USED.read_text(encoding="utf-8")) == public()


def test_public_api_is_strictly_typed() -> None:
    assert strict(str(USED)) == ""


def test_a_wrong_type_would_be_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from seatrial.kit.validation import read_body\n\nread_body(7)\n")
    assert "[arg-type]" in strict(str(wrong))


@pytest.mark.parametrize(
    "block",
    [one for one in blocks("python") if "seatrial." in one.text and one.page.startswith(("docs", "README"))],
    ids=str,
)
def test_documentation_imports_what_is_public(block: Block) -> None:
    assert imported(block.text) <= public()


def test_every_module_of_the_kit_with_public_names_is_listed() -> None:
    offering = {
        ".".join(path.relative_to(ROOT / "harness").with_suffix("").parts).removesuffix(".__init__")
        for folder in ("kit", "monitor")
        for path in (ROOT / "harness" / "seatrial" / folder).rglob("*.py")
        if "\n__all__ = " in path.read_text(encoding="utf-8")
    }
    assert offering == set(job("api_tables").PUBLIC)
