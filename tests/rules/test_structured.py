"""Structured fields as browsers read them: one mistake makes the whole field unreadable."""

import pytest

from seatrial.rules.structured import Unreadable, dictionary, token


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("", {}),
        ("a", {"a": ["?1"]}),
        ("a=b", {"a": ["b"]}),
        ("a=()", {"a": []}),
        ('a=(self "https://x.example";p=1)', {"a": ["self", '"https://x.example"']}),
        ("  a=1 ,\tb=?0;x;y=z", {"a": ["1"], "b": ["?0"]}),
        ("a=*, a=()", {"a": []}),
        ("a=:aGk=:", {"a": [":aGk=:"]}),
    ],
)
def test_dictionaries(field: str, members: dict[str, list[str]]) -> None:
    assert dictionary(field) == members


@pytest.mark.parametrize(
    "field", ["A=1", "a=", "a=(", "a=(b", 'a="x', "a b", "a=1,", "a=1;", ",", "a='x'", "a=()()", "a=é"]
)
def test_unreadable(field: str) -> None:
    with pytest.raises(Unreadable, match=r"\w"):
        dictionary(field)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("same-origin", "same-origin"),
        (' same-origin; report-to="x" ', "same-origin"),
        ('"same-origin"', None),
        ("same-origin, same-origin", None),
        ("same-origin;", None),
        ("same-origin; a=", None),
        ("", None),
    ],
)
def test_tokens(field: str, expected: str | None) -> None:
    assert token(field) == expected
