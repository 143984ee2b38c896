"""Somebody else's text in Markdown: it stays text. No HTML, no link, no mention, no reference to an issue."""

import re

# ASCII punctuation that begins something in CommonMark, GFM or GitHub's additions; a backslash takes the meaning away.
_MARK = re.compile(r"[\\`*_\[\]|~$]")
# What the sites make links of by themselves is cut in two by an empty comment: they look at pieces of text.
_LINKS = re.compile(r"(?<=[@#!])(?=[\w])|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\bGH-)(?=\d)", re.IGNORECASE)
_CUT = "<!-- -->"


def plain(text: str) -> str:
    """One line of text (see `rows.line`), also fit for a cell of a table."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINKS.sub(_CUT, _MARK.sub(r"\\\g<0>", escaped))


def code(text: str, *, cell: bool = False) -> str:
    """A code span. In a table a bar ends the cell even there, unless it is escaped."""
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    shown = text.replace("|", "\\|") if cell else text
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def block(text: str, language: str = "") -> str:
    """A fenced block."""
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
