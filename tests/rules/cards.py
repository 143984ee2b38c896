"""Every rule and its page in the documentation."""

from pathlib import Path

import pytest

from seatrial.model.rules import Rule
from seatrial.rules import registered

DOCS = Path(__file__).parents[2] / "docs" / "rules"
RULES = list(registered())
EVERY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def page(rule: Rule) -> str:
    return (DOCS / f"{rule.code}.md").read_text()


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip()
