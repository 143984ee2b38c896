"""Every block is what it says: TOML is configuration that loads, the rest is read by who reads it in an app, and code
shown as ours is ours. Python has test_python_blocks.py, commands have test_commands.py."""

import configparser
import json
import re
import tomllib
from pathlib import Path

import jinja2
import pytest
import sqlglot
import yaml
from docs.pages import ROOT, Block, blocks, guide, rule_pages

from seatrial import rules
from seatrial.config import load
from seatrial.load import tasks

EVERYWHERE = [*guide(), *rule_pages()]
TOML = blocks("toml", pages=EVERYWHERE)
CONFIGURATION = [
    block for block in TOML if not block.page.startswith("CONTRIBUTING") and not block.text.startswith("[[task]]")
]
INVENTORY = {"routes": [{"method": "GET", "rule": "/items/", "path": "/items/"}]}
OTHERS = blocks("json", "yaml", "ini", "html", "sql", pages=EVERYWHERE)


@pytest.mark.parametrize("block", CONFIGURATION, ids=str)
def test_toml_is_configuration_that_loads(block: Block, tmp_path: Path) -> None:
    text = _whole(block.text)
    for named in re.findall(r'"((?:shop|app)(?:/[\w.]+)*)"', text):
        path = tmp_path / named
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch() if path.suffix else path.mkdir(exist_ok=True)
    (tmp_path / ("pyproject.toml" if "[tool." in text else "seatrial.toml")).write_text(text)
    environ = dict.fromkeys(re.findall(r"env:(\w+)", text), "value-of-the-trial")
    codes = [rule.code for rule in rules.registered()]
    assert load(tmp_path, environ=environ, rule_codes=codes).app == "shop:create_app"


def _whole(text: str) -> str:
    """A page that is about one table shows that table alone; this is it with the one key that every file has."""
    tables = tomllib.loads(text)
    ours = tables["tool"]["seatrial"] if "tool" in tables else tables
    if "app" in ours:
        return text
    head = "[tool.seatrial]\n" if "tool" in tables else ""
    return f'{head}app = "shop:create_app"\n{text.removeprefix(head)}'


def test_tasks_of_a_load_are_tasks(tmp_path: Path) -> None:
    [block] = [block for block in TOML if block.text.startswith("[[task]]")]
    (tmp_path / "items.txt").write_text("1\n2\n")
    (tmp_path / "tasks.toml").write_text(block.text)
    chosen = tasks.weighted(tasks.Chosen(()), INVENTORY, tmp_path / "tasks.toml", identities=["owner"])
    assert [task.weight for task in chosen.tasks] == [70, 5]


@pytest.mark.parametrize("block", OTHERS, ids=str)
def test_block_is_what_it_says(block: Block) -> None:
    match block.language:
        case "json":
            assert json.loads(block.text)
        case "yaml":
            assert yaml.safe_load(block.text)
        case "ini":
            configparser.ConfigParser().read_string(block.text)
        case "html":
            assert jinja2.Environment().parse(block.text).body
        case "sql":
            assert all(sqlglot.parse(block.text, dialect="postgres"))


def test_every_language_has_a_reader() -> None:
    known = {"", "text", "console", "python", "toml", "json", "yaml", "ini", "html", "sql"}
    texts = [page.read_text(encoding="utf-8") for page in EVERYWHERE]
    languages = {language for text in texts for language in re.findall(r"^ *```(\w+)", text, re.MULTILINE)}
    assert languages <= known
    # What can be read does not hide among what is only shown.
    hidden = [
        str(block)
        for block in blocks("text", pages=EVERYWHERE)
        if re.match(r"\[+(tool|task)\b|import |from ", block.text)
    ]
    assert hidden == []


def test_there_are_blocks() -> None:
    assert len(CONFIGURATION) > 10
    assert len(OTHERS) > 50


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
