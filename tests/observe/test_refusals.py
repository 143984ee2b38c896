"""What the body of an error says of the app's inside."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.observe.refusals import leaks, marks

QUIET = [
    "",
    "There is nothing here.",
    "Please select an item from the list and update the order set.",
    '{"error": {"code": "VALIDATION_ERROR", "message": "It is wrong.", "details": {"page": "no integer"}}}',
    "<!doctype html><title>405 Method Not Allowed</title><p>The method is not allowed for the requested URL.</p>",
    "Your file report.py, line 3, could not be read.",
]


@pytest.mark.parametrize("body", QUIET)
def test_what_is_written_for_people_leaks_nothing(body: str) -> None:
    assert leaks(body.encode()) == []


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("Traceback (most recent call last):\n  x", ["a traceback"]),
        (json.dumps({"detail": 'File "/srv/app/views.py", line 12, in show'}), ["a traceback"]),
        ("[SQL: SELECT item.id FROM item WHERE item.id = %(id)s]", ["SQL"]),
        ("(Background on this error at: https://sqlalche.me/e/20/gkpj)", ["SQL"]),
        ("UNIQUE constraint failed: item.name", ["SQL"]),
        ('duplicate key value violates unique constraint "item_name_key"', ["SQL"]),
        (json.dumps({"error": "invalid literal for int() with base 10: 'abc'"}), ["the text of an exception"]),
        ("<p>&#39;NoneType&#39; object has no attribute &#39;id&#39;</p>", ["the text of an exception"]),
        ("KeyError: 'name'", ["the name of an exception"]),
    ],
)
def test_kinds(body: str, kinds: list[str]) -> None:
    assert leaks(body.encode()) == kinds


def test_the_message_of_what_was_raised() -> None:
    body = b'{"error": "supplier \\"Nordmast\\" is blocked"}'
    assert leaks(body, 'supplier "Nordmast" is blocked') == ["the text of an exception"]
    assert leaks(body, "another thing altogether") == []
    assert leaks(body, "blocked") == [], "so short a message may be there by accident"
    assert leaks(body, "   ") == []


def test_marks_name_keys_and_no_values() -> None:
    found = marks("application/json", b'{"success": false, "message": "secret", "bad key!": 1}')
    assert found == {"error-shape": "json", "error-leaks": "", "error-keys": "message, success"}
    assert marks("application/json", b"[1]")["error-keys"] == ""
    assert marks("application/json", b"{")["error-shape"] == "other"
    assert marks("text/html", b"<p>x</p>") == {"error-shape": "html", "error-leaks": ""}


@settings(derandomize=True, max_examples=150, database=None, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/html", "", "\xff"]), st.text(max_size=40))
def test_any_body(body: bytes, content_type: str, raised: str) -> None:
    assert all(isinstance(value, str) for value in marks(content_type, body, raised).values())


@pytest.mark.parametrize("part", ["SELECT ", "UPDATE a ", 'File "', "[SQL", '{"a":', "\\n", "&#39;", "Error" * 3])
def test_huge_bodies_take_no_long_time(part: str) -> None:
    assert isinstance(leaks(part.encode() * (300_000 // len(part))), list)
