"""The picture of the README: from a real report, cut where it is said, complete in itself."""

import re
import xml.etree.ElementTree as ElementTree
from html import unescape

import pytest
from docs.pages import ROOT, job

from seatrial import rules

REPORT = """\
seatrial 0.1.0  shop:create_app

Blocking 3 ─────────────

CKE001 cookie-secure
  one

SQL006 write-on-safe-method
  two

Warnings 1 ─────────────

SQL003 repeated-statement
  three

Not proved 2  neither passed nor failed ─────────────
  four

Routes  most statements first; 43 more with --json FILE ─────────────
  five

────────────────────────
4 checks · 1.0 s

 BLOCKED  exit 1
"""


def plain(lines: list[str]) -> list[str]:
    return [line for line in (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines) if line]


def test_cut_keeps_head_findings_and_verdict_and_says_what_it_left_out() -> None:
    assert plain(job().cut(REPORT)) == [
        "$ seatrial check --config legacy.toml",
        "seatrial 0.1.0  shop:create_app",
        "Blocking 3 ─────────────",
        "SQL006 write-on-safe-method",
        "  two",
        "  … and 1 more rules",
        "Warnings 1 ─────────────",
        "SQL003 repeated-statement",
        "  three",
        "  … then: not proved, routes",
        "────────────────────────",
        "4 checks · 1.0 s",
        " BLOCKED  exit 1",
    ]


def test_cut_refuses_a_report_without_the_findings() -> None:
    with pytest.raises(SystemExit, match="SQL006 found nothing"):
        job().cut(REPORT.replace("SQL006", "SQL005"))


def test_drawing_is_the_same_each_time_and_fetches_nothing() -> None:
    drawn = job().draw(["\x1b[1mbold\x1b[0m and plain"])
    assert drawn == job().draw(["\x1b[1mbold\x1b[0m and plain"])
    addresses = set(re.findall(r"https?://[^\s\"')]+", drawn))
    assert addresses <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert "@font-face" not in drawn
    ElementTree.fromstring(drawn)


def test_picture_shows_what_the_rules_say() -> None:
    text = unescape((ROOT / "docs" / "img" / "check.svg").read_text(encoding="utf-8")).replace("\xa0", " ")
    ElementTree.fromstring((ROOT / "docs" / "img" / "check.svg").read_text(encoding="utf-8"))
    for code in job().SHOWN:
        rule = rules.find(code)
        assert rule is not None
        assert code in text
        assert rule.name in text
        assert rule.claim.split(" with ")[0][:60] in text
    assert "BLOCKED" in text
