"""HTML that people wrote, made safe to show. Needs nh3: pip install 'seatrial[sanitize]'."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

import nh3
from pydantic import AfterValidator

__all__ = ["ATTRIBUTES", "SCHEMES", "TAGS", "SafeHtml", "clean_html", "plain_text"]

TAGS: frozenset[str] = frozenset(
    {"a", "b", "blockquote", "br", "code", "em", "h2", "h3", "h4", "i", "li", "ol", "p", "pre", "strong", "u", "ul"}
)
"""Text with a structure, and links; no images, styles, forms or frames."""
ATTRIBUTES: Mapping[str, frozenset[str]] = {"a": frozenset({"href", "title"})}
"""By tag; others are taken out."""
SCHEMES: frozenset[str] = frozenset({"https", "http", "mailto"})
"""Where links may lead."""


def clean_html(
    text: str, *, tags: Collection[str] = TAGS, attributes: Mapping[str, Collection[str]] = ATTRIBUTES
) -> str:
    """The text with these tags and attributes and no others; links are http, https or mailto and carry `rel`.

    What is not allowed is taken out, and the text within it stays (that of script and style does not).
    """
    return nh3.clean(
        text,
        tags=set(tags),
        attributes={tag: set(names) for tag, names in attributes.items()},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )


def plain_text(text: str) -> str:
    """The text without any markup, escaped: fit for an element's content."""
    return nh3.clean(text, tags=set(), attributes={})


SafeHtml = Annotated[str, AfterValidator(clean_html)]
"""A field of a pydantic model that holds clean HTML."""
