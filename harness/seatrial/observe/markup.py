"""What the head and the scripts of a page say to the browser, as plain marks: rules never see a body.

A scan for tags, not a parser: it is asked of every page, and malformed HTML must not stop it. Comments are left out.
"""

import html
import re
from collections.abc import Iterator

READ = 512 * 1024
"""Characters of a page that are looked at."""
SHOWN = 200
"""Tags of a kind that are kept."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(meta|script|link|body)\b((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>?", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=`]+)))?")


def marks(page: str) -> dict[str, str]:
    """Marks of an HTML page; those that would be empty are left out.

    `csp-meta`: the policies of its meta tags, one a line. `referrer-meta`: what its meta tag of that name says.
    `scripts`, `styles`: one line per script and style sheet, `+` with an integrity attribute and `-` without, and the
    address without its query.
    """
    found: dict[str, list[str]] = {"csp-meta": [], "referrer-meta": [], "scripts": [], "styles": []}
    in_head = True
    for tag, attributes in _tags(page[:READ]):
        if tag == "body":
            in_head = False
        elif tag == "script":
            found["scripts"].append(_line(attributes, "src"))
        elif tag == "link" and "stylesheet" in attributes.get("rel", "").lower().split():
            found["styles"].append(_line(attributes, "href"))
        elif tag == "meta" and "content" in attributes:
            content = " ".join(attributes["content"].split())
            if attributes.get("http-equiv", "").strip().lower() == "content-security-policy":
                if in_head:  # elsewhere browsers do not read it
                    found["csp-meta"].append(content)
            elif attributes.get("name", "").strip().lower() == "referrer":
                found["referrer-meta"] = [content]
    return {name: "\n".join(lines[:SHOWN]) for name, lines in found.items() if lines}


def _tags(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    for tag in _TAG.finditer(_COMMENT.sub("", page)):
        attributes: dict[str, str] = {}
        for name, *values in _ATTRIBUTE.findall(tag[2]):
            attributes.setdefault(name.lower(), html.unescape("".join(values)))  # the first of a name counts
        yield tag[1].lower(), attributes


def _line(attributes: dict[str, str], address: str) -> str:
    shown = "".join(attributes.get(address, "").split()).partition("?")[0][:300]
    return f"{'+' if attributes.get('integrity', '').strip() else '-'} {shown}".rstrip()
