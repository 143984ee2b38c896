"""TOML blocks are configuration that loads, Python blocks compile, and code shown as ours is ours."""

import re
import tomllib
from pathlib import Path

import pytest
from docs.pages import ROOT, Block, blocks

from seatrial import rules
from seatrial.config import load

TOML = blocks("toml")
PYTHON = blocks("python")


@pytest.mark.parametrize("block", [block for block in TOML if not block.page.startswith("CONTRIBUTING")], ids=str)
def test_toml_is_configuration_that_loads(block: Block, tmp_path: Path) -> None:
    document = tomllib.loads(block.text)
    (tmp_path / ("pyproject.toml" if "tool" in document else "seatrial.toml")).write_text(block.text)
    environ = dict.fromkeys(re.findall(r"env:(\w+)", block.text), "value-of-the-trial")
    codes = [rule.code for rule in rules.registered()]
    assert load(tmp_path, environ=environ, rule_codes=codes).app == "shop:create_app"


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_compiles(block: Block) -> None:
    compile(block.text, str(block), "exec")


def test_there_are_blocks() -> None:
    assert len(TOML) > 6
    assert len(PYTHON) > 5


def test_contributing_shows_the_rule_the_guard_and_the_specimen_as_they_are() -> None:
    shown = [block.text for block in blocks("python", "toml") if block.page == "CONTRIBUTING.md"]
    sources = [
        (ROOT / name).read_text(encoding="utf-8")
        for name in (
            "harness/seatrial/rules/hdr/plain.py",
            "tests/specimens/HDR007/specimen.toml",
            "guards/test_headers.py",
        )
    ]
    assert len(shown) == 3
    for text, source in zip(shown, sources, strict=True):
        assert text in source


def test_budget_failure_is_the_one_that_is_shown() -> None:
    from seatrial.plugin.fixtures import _amount

    [shown] = [block.text for block in blocks("text") if block.text.startswith("SQL budget")]
    assert shown.splitlines()[0] == f"SQL budget: limited to {_amount(0, 'statement')} but sent 1"
