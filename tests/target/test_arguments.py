"""Which table an argument is about."""

import pytest

from seatrial.target.arguments import _likeness, _singular


@pytest.mark.parametrize(
    ("stem", "table", "likeness"),
    [
        ("item", "item", 5),
        ("item", "items", 5),
        ("category", "categories", 5),
        ("item", "inventory_item", 4),
        ("inventory_item", "item", 3),
        ("inventory", "inventory_item", 2),
        ("org", "organization", 1),
        ("or", "organization", 0),
        ("archive", "inventory_item", 0),
        ("", "item", 0),
    ],
)
def test_likeness(stem: str, table: str, likeness: int) -> None:
    assert _likeness(stem, table) == likeness


@pytest.mark.parametrize(
    ("word", "singular"),
    [
        ("items", "item"),
        ("boxes", "box"),
        ("companies", "company"),
        ("address", "address"),
        ("news-items", "news_item"),
    ],
)
def test_singular(word: str, singular: str) -> None:
    assert _singular(word) == singular
