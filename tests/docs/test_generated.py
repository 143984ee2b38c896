"""What is generated is fresh and complete, and the hand-written cells beside it are true."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, job
from pydantic import BaseModel, ConfigDict, TypeAdapter

from seatrial import rules
from seatrial.config import settings
from seatrial.model.evidence import Limits


def rows(table: str) -> list[list[str]]:
    """Cells of the rows of one table of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    body = next(found["body"] for found in job().BLOCK.finditer(text) if found["name"] == f"keys {table}")
    return [job()._cells(line) for line in body.splitlines() if line.startswith("| `")]


KEYS = [(table, *cells) for table in job().TABLES for cells in rows(table)]


def test_generated_parts_are_fresh_and_complete() -> None:
    assert job().reference(write=False) == []


def test_every_table_of_the_configuration_is_documented() -> None:
    def below(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model}.union(*(below(one) for one in model.__subclasses__()))

    ours = {model for model in below(settings.Table) if model.__module__ == settings.__name__}
    assert ours - {settings.Table, settings.Settings} == set(job().TABLES.values())


@pytest.mark.parametrize(("table", "key", "type_", "default", "example", "meaning"), KEYS)
def test_example_is_a_value_that_the_key_takes(
    table: str, key: str, type_: str, default: str, example: str, meaning: str
) -> None:
    model: type[BaseModel] = job().TABLES[table]
    name = key.strip("`")
    field = next(f for n, f in model.model_fields.items() if (f.alias or n) == name)
    [(written, value)] = tomllib.loads(example.strip("`")).items()
    assert written == name
    assert _taken(Limits if field.annotation is Limits else field.rebuild_annotation(), value) is not None
    assert meaning.endswith(".")


def _taken(annotation: Any, value: Any) -> Any:
    if annotation is Limits:
        return settings.LimitTable.model_validate(value)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_validate(value)
    return TypeAdapter(annotation, config=ConfigDict(strict=True)).validate_python(value)


@pytest.mark.matrix
def test_a_stale_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        (tmp_path / "docs" / page.name).write_text(text.replace('| `"auto"` |', '| `"dict"` |'), encoding="utf-8")
    monkeypatch.setattr(job(), "ROOT", tmp_path)
    assert job().reference(write=False) == ["docs/configuration.md: generated tables are stale; run make docs"]
    job().reference()
    assert job().reference(write=False) == []


@pytest.mark.matrix
def test_a_new_key_asks_for_example_and_meaning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    for page in (ROOT / "docs").glob("*.md"):
        lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if not line.startswith("| `trial_s`"))
        (tmp_path / "docs" / page.name).write_text(kept, encoding="utf-8")
    monkeypatch.setattr(job(), "ROOT", tmp_path)
    problems = job().reference()
    assert problems == ["docs/configuration.md: `trial_s` has no example or no meaning; write them into the table"]


def test_a_block_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        gone = re.sub(r"<!-- generated: command explain -->.*?<!-- end -->", "", text, flags=re.DOTALL)
        (tmp_path / "docs" / page.name).write_text(gone, encoding="utf-8")
    monkeypatch.setattr(job(), "ROOT", tmp_path)
    assert job().reference() == ["docs: no page has a block <!-- generated: command explain -->"]


def test_readme_lists_every_rule_in_its_family() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = {
        (line.split("|")[1].strip(), code)
        for line in text.splitlines()
        for code in re.findall(r"\[([A-Z]{3}\d{3})\]\(docs/rules/\1\.md\)", line)
    }
    assert listed == {(rule.family, rule.code) for rule in rules.registered()}


def test_changelog_names_every_rule_of_the_catalogue_and_no_other() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    # "CFG001 to CFG006" stands for all between.
    named = set(re.findall(r"\b[A-Z]{3}\d{3}\b", text))
    for first, last in re.findall(r"\b([A-Z]{3}\d{3})\s+to\s+([A-Z]{3}\d{3})\b", text):
        named |= {f"{first[:3]}{number:03}" for number in range(int(first[3:]), int(last[3:]) + 1)}
    assert named == {rule.code for rule in rules.registered()}
