"""Nothing that runs comes through, and the text stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from seatrial.kit.sanitize import SafeHtml, clean_html, plain_text

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    "<iframe src=//evil.example></iframe>",
    "<style>@import '//evil.example'</style>",
    '<p style="background:url(//evil.example)">x</p>',
    "<math><mtext></p><script>alert(1)</script>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks(attack: str) -> None:
    for cleaned in (clean_html(attack), plain_text(attack)):
        low = cleaned.lower()
        assert not any(
            word in low for word in ("<script", "onerror", "onload", "javascript", "<iframe", "style", "<img")
        )


def test_structure_and_links_stay() -> None:
    assert clean_html("<p>a <b>b</b><ul><li>c</li></ul>") == "<p>a <b>b</b></p><ul><li>c</li></ul>"
    linked = clean_html('<a href="https://x.example" onclick="y" target="_blank">x</a>')
    assert linked == '<a href="https://x.example" rel="noopener noreferrer nofollow">x</a>'
    assert clean_html("<p>a <b>b</b></p>", tags=["b"]) == "a <b>b</b>"
    assert plain_text("<p>a &lt; <b>b</b></p>") == "a &lt; b"


def test_a_field_of_a_model() -> None:
    class Note(BaseModel):
        body: SafeHtml

    assert Note(body="<b onclick=x>hi</b><script>1</script>").body == "<b>hi</b>"


@settings(derandomize=True, max_examples=150, database=None, deadline=None)
@given(
    st.lists(st.sampled_from([*ATTACKS, "<", ">", "</", "<!--", "-->", "'", '"', "\0", "&#60;", "<a ", "href="])).map(
        "".join
    )
)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    cleaned = clean_html(text)
    assert clean_html(cleaned) == cleaned
    assert "<script" not in cleaned.lower()
