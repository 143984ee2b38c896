"""What has become of a marked value, in every context of a page."""

import json

import jinja2
import pytest
from markupsafe import Markup

from seatrial.kit.sanitize import clean_html, plain_text
from seatrial.model.markup import Mark
from seatrial.observe.sown import ATTRIBUTE, ELEMENT, SCRIPT, found

MARK = Mark("z0a", "text", "POST /notes", "form")
JINJA = jinja2.Environment(autoescape=True)
JINJA.policies["json.dumps_function"] = json.dumps


def page(template: str, value: str = MARK.value) -> str:
    return JINJA.from_string(template).render(v=value, dumped=Markup(json.dumps(value)))


@pytest.mark.parametrize(
    ("template", "become"),
    [
        # sound
        ("<p>{{ v }}</p>", ""),
        ('<input value="{{ v }}">', ""),
        ("<input value='{{ v }}'>", ""),
        ("<textarea>{{ v }}</textarea>", ""),
        ("<title>{{ v }}</title>", ""),
        ("<script>let v = {{ v | tojson }};</script>", ""),
        ('<div data-v="{{ v | tojson | forceescape }}"></div>', ""),
        ("<script>let v = '{{ v }}';</script>", ""),
        ("<!-- {{ v | safe }} --><p>{{ v }}</p>", ""),
        ("<p>{{ v }}</p><![x", ""),
        # flawed
        ("<p>{{ v | safe }}</p>", ELEMENT),
        ('<input value="{{ v | safe }}">', ATTRIBUTE),
        ("<input value='{{ v | safe }}'>", ATTRIBUTE),
        ("<input value={{ v }}>", ATTRIBUTE),
        ("<textarea>{{ v | safe }}</textarea>", ELEMENT),
        ("<title>{{ v | safe }}</title>", ELEMENT),
        ("<script>let v = {{ dumped }};</script>", SCRIPT),
        ("<script>let v = '{{ v | safe }}';</script>", SCRIPT),
        ("<style>p::before { content: '{{ v | safe }}' }</style>", SCRIPT),
        ('<script type="application/json">{{ dumped }}</script>', SCRIPT),
        ("<p>{{ v }}</p><p>{{ v | safe }}</p>", ELEMENT),
    ],
)
def test_contexts(template: str, become: str) -> None:
    assert found(page(template), {"z0a"}) == {"z0a": become}


def test_quotes_alone_are_enough_to_leave_an_attribute() -> None:
    half = MARK.value.replace("<", "&lt;").replace(">", "&gt;")
    assert found(f'<input value="{half}">', {"z0a"}) == {"z0a": ATTRIBUTE}
    assert found(f"<p>{half}</p>", {"z0a"}) == {"z0a": ""}


@pytest.mark.parametrize("clean", [clean_html, plain_text])
def test_cleaned_markup_is_sound(clean: object) -> None:
    cleaned = clean(MARK.value)  # type: ignore[operator]
    assert found(f"<p>{cleaned}</p>", {"z0a"}) == {"z0a": ""}


def test_only_known_names_count_and_text_that_looks_like_one_does_not() -> None:
    assert found("<p>z0b&#34;&#39;&lt;i z0b&gt; z0a z0a-x</p>", {"z0a"}) == {}
    assert found('<i z0b class="z0a">x</i>', {"z0a"}) == {}


def test_a_value_fits_into_a_narrow_column() -> None:
    assert len(MARK.value) == 12
