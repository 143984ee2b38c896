"""Forms and tokens in rendered HTML, with the standard library's parser: enough to log in as a browser would."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

TOKEN = re.compile(r"csrf|xsrf|authenticity_token|requestverificationtoken|^_token$", re.IGNORECASE)
"""Names of fields, meta tags and cookies that carry a token against forged requests."""
SHOWN = 100
"""Forms of one page that are looked at."""


@dataclass(slots=True)
class Form:
    """One form: where it goes and what it would send untouched."""

    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    passwords: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    """By name: the type of an input (`text` where none is said), `textarea` or `select`."""


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.meta: dict[str, str] = {}
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(found.get("action", ""), found.get("method", "get").strip().lower())
            self.forms.append(self._form)
        elif tag == "meta" and "name" in found:
            self.meta[found["name"].lower()] = found.get("content", "")
        elif self._form is not None:
            self._control(tag, found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""

    def _control(self, tag: str, found: dict[str, str]) -> None:
        assert self._form is not None
        name, kind = found.get("name", ""), found.get("type", "text").lower()
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in found or self._select not in self._form.fields:
                self._form.fields[self._select] = found.get("value", "")
                self._form.kinds[self._select] = "select"
        elif tag in ("input", "textarea") and name:
            if kind in ("submit", "button", "image", "file", "reset"):
                return
            if kind in ("checkbox", "radio") and "checked" not in found:
                return
            self._form.fields.setdefault(name, found.get("value", ""))
            self._form.kinds.setdefault(name, kind if tag == "input" else tag)
            if kind == "password":
                self._form.passwords.add(name)


def forms(html: str) -> tuple[list[Form], dict[str, str]]:
    """All forms of a page, and its `<meta name>` contents (where JavaScript apps keep the CSRF token)."""
    page = _Page()
    try:
        page.feed(html)
        page.close()
    except AssertionError:  # of the parser, on `<![` and the like: what stood in front of it counts
        pass
    return page.forms, page.meta


def login_form(html: str, names: set[str]) -> Form | None:
    """The form that has the given fields, else the one with a password field."""
    found, _ = forms(html)
    posts = [form for form in found if form.method == "post"]
    return next(
        (form for form in posts if names <= form.fields.keys()),
        next((form for form in posts if form.passwords), None),
    )


def token_of(form: Form) -> tuple[str, str]:
    """Name and value of the form's token; empty where there is none."""
    return next(((name, value) for name, value in form.fields.items() if TOKEN.search(name) and value), ("", ""))


def post_forms(html: str, host: str) -> str:
    """A line per form that posts to the own site: `+` with a token and `-` without, and the path it goes to."""
    if "<form" not in html.lower():
        return ""
    lines = []
    for form in forms(html)[0]:
        try:
            action = urlsplit(form.action.strip())
        except ValueError:  # a browser would not follow it either
            continue
        foreign = action.scheme not in ("", "http", "https") or action.netloc not in ("", host)
        if form.method == "post" and not foreign:
            path = "".join(action.path.split())[:300]
            lines.append(f"{'+' if token_of(form)[1] else '-'} {path}".rstrip())
    return "\n".join(lines[:SHOWN])
