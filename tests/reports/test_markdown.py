"""Markdown of a comment, read by a parser as the sites read it."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from reports.samples import ALL, EVIL, broken, clean, everything, hostile, many, stale

from seatrial.reports.markdown import COMMENT, LEFT_OUT, MARKER, to_markdown, write
from seatrial.reports.marks import block, code, plain
from seatrial.reports.rows import line, rows

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = {"<!-- seatrial -->", "<!-- -->", "<details><summary>", "</summary>", "</details>"}


def markdown(result, **options):
    return to_markdown(result, rows(result), **options)


def tokens(text):
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def test_the_verdict_is_first_then_what_to_fix():
    text = markdown(everything())
    marks = [
        MARKER,
        "## Seatrial: BLOCKED",
        "3 new findings of 2 rules block.",
        "| blocking | warnings | known |",
        "### Fix first",
        "1. **HDR001**",
        "2. **SQL001** csp-missing (block), `app/templates/list.html:31`",
        "→ Use selectinload().",
        "### What next",
        "`seatrial explain HDR001`",
        "<details><summary>New findings (5)</summary>",
        "<details><summary>Not proved (2)</summary>",
        "<details><summary>Known debt (1)</summary>",
        "<details><summary>Tools (2)</summary>",
        "<details><summary>Dearest routes (12)</summary>",
    ]
    at = -1
    for mark in marks:
        found = text.find(mark, at + 1)
        assert found > at, mark
        at = found


@pytest.mark.parametrize("name", [*ALL, "hostile", "many"])
def test_folds_are_closed_and_tables_are_tables(name):
    result = {**ALL, "hostile": hostile, "many": lambda: many(400)}[name]()
    text = markdown(result)
    assert text.count("<details>") == text.count("</details>")
    widths = []
    for token in tokens(text):
        if token.type == "tr_open":
            widths.append(0)
        elif token.type in ("th_open", "td_open"):
            widths[-1] += 1
    assert widths
    assert set(widths) <= {3, 4, 5, 10}


def test_hostile_text_stays_text():
    text = markdown(hostile())
    html = [token.content for token in tokens(text) if token.type in ("html_block", "html_inline")]
    pieces = "".join(html)
    for ours in ("<!-- seatrial -->", "<!-- -->", "<details>", "</details>", "<summary>", "</summary>"):
        pieces = pieces.replace(ours, "")
    assert "<" not in pieces, pieces
    assert not [token for token in tokens(text) if token.type in ("link_open", "image")]
    assert "\x1b" not in text
    assert "\u202e" not in text
    # Outside of code, what a site makes a mention, a reference or a link of is cut in two.
    for token in tokens(text):
        if token.type == "text":
            assert "@admin" not in token.content
            assert "#12" not in token.content
            assert "https://" not in token.content
            assert "www." not in token.content


@pytest.mark.parametrize(
    "text", ["a|b", "`a`", "``", "a`", "*b* _c_ ~~d~~", "[x](y)", "<b>", "&lt;", "\\", "$x$", line(EVIL)]
)
def test_what_is_read_is_what_was_meant(text):
    [inline] = [token for token in READER.parse(f"x {plain(text)} {code(text)}") if token.type == "inline"]
    shown = "".join(child.content for child in inline.children if child.type in ("text", "text_special"))
    assert shown.strip() == f"x {text}"
    assert [child.content for child in inline.children if child.type == "code_inline"] == [text]


def test_a_bar_in_a_cell_ends_no_cell():
    [cell] = [
        t
        for t in READER.parse(f"| a |\n|---|\n| {code('x|y', cell=True)} |\n")
        if t.type == "inline" and "x" in t.content
    ]
    assert [child.content for child in cell.children if child.type == "code_inline"] == ["x|y"]


def test_a_block_cannot_be_ended_from_inside():
    [fence] = READER.parse(block("a\n```\n````\nb"))
    assert fence.content == "a\n```\n````\nb\n"


@pytest.mark.parametrize("limit", [400, 2_000, 10_000, COMMENT])
def test_it_is_never_longer_than_its_limit_and_says_what_it_left_out(limit):
    text = markdown(many(5_000), limit=limit)
    assert len(text.encode()) <= limit
    assert text.count("<details>") == text.count("</details>")
    if limit < 10_000:
        assert text.endswith(LEFT_OUT)
    assert "BLOCKED" in text


def test_five_thousand_findings_are_counted_where_they_are_not_shown():
    assert "and 4,400 more: `seatrial check --html FILE` shows them all" in markdown(many(5_000), limit=10**7)


def test_what_broke_and_what_is_stale_is_told():
    assert "**Broken**: mypy did not finish: exit 2: invalid syntax" in markdown(broken())
    assert "<details><summary>Stale entries (1)</summary>" in markdown(stale())
    assert "Fix first" not in markdown(clean())


def test_the_file_is_written(tmp_path: Path):
    write(everything(), rows(everything()), tmp_path / "comment.md", where="--config shop.toml")
    assert "seatrial baseline accept --config shop.toml" in (tmp_path / "comment.md").read_text()
