"""Finds marked values in a page, and tells whether they are text in it or more than that.

A value is `z0a"'<i z0a>`: whatever it stands in, one of its characters ends that, unless it is escaped for it.
"""

import re
from collections.abc import Collection, Mapping
from html.parser import HTMLParser

ELEMENT, ATTRIBUTE, SCRIPT = "an element", "an attribute", "a script or a style"
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NAME = re.compile(r"z[0-9a-z]{2,3}")
_QUOTE = r"\\*(?:\"|u0022|x22|&#34;|&#x22;|&quot;|%22)"
_APOSTROPHE = r"\\*(?:'|u0027|x27|&#39;|&#x27;|&apos;|%27)"
_KNOWN = re.compile(rf"(z[0-9a-z]{{2,3}}){_QUOTE}{_APOSTROPHE}", re.IGNORECASE)
_RAW = re.compile(r"(z[0-9a-z]{2,3})\\*\"\\*'<i \1")


def found(page: str, names: Collection[str]) -> Mapping[str, str]:
    """By name: what the value has become (`ELEMENT`, `ATTRIBUTE`, `SCRIPT`), or empty where it is text."""
    text = _COMMENT.sub("", page)
    seen = {match[1]: "" for match in _KNOWN.finditer(text) if match[1] in names}
    if not any(name in text for name in names):
        return seen
    reader = _Reader(set(names))
    try:
        reader.feed(text)
        reader.close()
    except AssertionError:  # of the parser, on `<![` and the like: what stood in front of it counts
        pass
    # As it was sent, in a place where the parser sees no tag: a textarea, a title.
    raw = {match[1]: ELEMENT for match in _RAW.finditer(text) if match[1] in names and "\\" not in match[0]}
    return seen | raw | reader.broken


class _Reader(HTMLParser):
    def __init__(self, names: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.names = names
        self.broken: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, _ in attrs:
            known = _NAME.match(name)
            if known is not None and known[0] in self.names:
                whole = tag == "i" and name == known[0]
                self.broken.setdefault(known[0], ELEMENT if whole else ATTRIBUTE)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in ("script", "style"):
            for match in _RAW.finditer(data):
                if match[1] in self.names:
                    self.broken[match[1]] = SCRIPT
