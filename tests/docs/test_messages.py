"""Sentences that the troubleshooting page explains are sentences that Seatrial, or the app's libraries, really say."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from docs.pages import ROOT

FOREIGN = {"RuntimeError: Either 'SQLALCHEMY_DATABASE_URI' or 'SQLALCHEMY_BINDS' must be set"}
ENOUGH = 8
"""Letters by which a sentence is recognised."""


def quoted() -> list[str]:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    found = re.findall(r"\*\*(``?)(.+?)\1\*\*", text, re.DOTALL)
    return [" ".join(sentence.split()).replace("`", "") for _, sentence in found]


@cache
def said() -> list[str]:
    """Every text in the source, with `…` where a value is put in."""
    texts: list[str] = []
    for path in (ROOT / "harness" / "seatrial").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return [text.replace("`", "") for text in texts]


def says(text: str, sentence: str) -> bool:
    """Whether a text of the source is what a page quotes, in full or in part; `…` stands for a value in both."""
    if any(part in sentence for part in _parts(text)) or any(part in text for part in _parts(sentence)):
        return True
    first, *others = text.split("…")
    if not sentence.startswith(first) or _letters(text) < ENOUGH:  # thousands of texts: most need no expression
        return False
    return re.match(".+".join(map(re.escape, ["", *others])), sentence[len(first) :]) is not None


@cache
def _parts(text: str) -> list[str]:
    """What is fixed in a text, as far as something can be recognised by it."""
    parts = (part.strip(" ;:,()'\"") for part in text.split("…"))
    return [part for part in parts if " " in part and _letters(part) >= ENOUGH]


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


@pytest.mark.parametrize("sentence", [one for one in quoted() if one not in FOREIGN])
def test_sentence_is_said(sentence: str) -> None:
    assert any(says(text, sentence) for text in said())


def test_invented_sentences_would_be_noticed() -> None:
    assert not any(says(text, "the cargo … has shifted in hold 3") for text in said())


def test_pages_of_the_guide_keep_to_the_width() -> None:
    """Prose that is wrapped stays readable in a diff; tables, links and code may be longer."""
    long = [
        f"{page.name}:{number}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
        for number, line in enumerate(Path(page).read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > 120 and not line.startswith("|")
    ]
    assert long == []
