"""Markup is sent to everything that takes text, and then looked for on every page.

In the sweep profile: tokens are not asked for there. What is stored stays until all pages were seen; the pilot puts the
database back. Forms with a password are left alone: what they change is who can log in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit
from weakref import WeakKeyDictionary

from seatrial.model.evidence import Exchange
from seatrial.model.inventory import Route
from seatrial.model.markup import Mark, Shown, Sown
from seatrial.model.rates import guards_accounts
from seatrial.model.sessions import logs_in, logs_out
from seatrial.observe import sown
from seatrial.trials.fields import fields_read, models_named, named_in_code
from seatrial.trials.sweep import check_canary

if TYPE_CHECKING:
    from seatrial.target import Target
    from seatrial.target.forms import Form
    from seatrial.target.reply import Reply

ONE_BY_ONE = 6
"""Fields of a form that refused all values together, tried alone."""
NAMES = 20
"""Fields of a body whose names are only known from the code."""
REQUESTS = 60
"""More than one route is asked, the search for forms included; for the deadline of the trial."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TEXT = frozenset({"text", "textarea", "search", ""})
_TYPED = {
    "number": "3", "range": "3", "date": "2031-05-17", "datetime-local": "2031-05-17T12:00", "time": "12:00",
    "month": "2031-05", "week": "2031-W20", "color": "#336699", "tel": "+49 30 901820",
    "email": "{}@seatrial.example", "url": "https://seatrial.example/{}",
}  # fmt: skip
_NUMBER = re.compile(r"(^|_)(id|ids|page|per_page|limit|offset|size|count|qty|quantity|amount|price|cents|level|days|"
                     r"number|year|month|port|version)$")  # fmt: skip
_FIELD = re.compile(r"[a-z][a-z0-9_]{1,30}")


@dataclass(slots=True)
class Field:
    """What one host knows while it sows and looks."""

    pages: tuple[str, ...] = ()
    """Paths that may show a form."""
    forms: dict[str, Form] | None = None
    """By the path that they post to."""
    marks: dict[str, Mark] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def mark(self, name: str, request: str, sent_as: str) -> Mark:
        number = next(self.numbers)
        digits = f"{_DIGITS[number // 36 % 36]}{_DIGITS[number % 36]}"
        made = Mark(f"z{_DIGITS[number // 1296] if number >= 1296 else ''}{digits}", name, request, sent_as)
        self.marks[made.name] = made
        return made


_KEPT: WeakKeyDictionary[Target, Field] = WeakKeyDictionary()


def begin(target: Target, pages: Sequence[str]) -> None:
    """Forget what was sown before: the database was put back. `pages` are the paths that may show a form."""
    _KEPT[target] = Field(tuple(pages))


def sow(target: Target, route: Route, identity: str) -> Sown:
    """Marked values in every text field that the route takes: all at once, and one by one where that is refused."""
    kept = _KEPT.setdefault(target, Field())
    answer = Exchange(route, identity, route.path, status=0)
    if not route.path or route.method == "DELETE" or _left_alone(target, route):
        return Sown(answer)
    marks: list[Mark] = []
    shown: dict[str, Shown] = {}
    taken = False
    for number, (options, made) in enumerate(_requests(target, kept, route, identity)):
        marks += made
        reply = target.send(target.client(identity), route.method, route.path, **options)
        answer = target.exchange(route, identity, reply, path=route.path)
        shown.update(_shown(kept, reply))
        if reply.status in (403, 429):
            check_canary(target, route, identity, reply)
        accepted = not reply.failure and not _refused(reply, route)
        taken = taken or accepted
        if reply.failure or (accepted and not number):
            break  # all at once was accepted: one by one is for forms that are particular
    return Sown(answer, tuple(marks), taken, tuple(shown.values()))


def look(target: Target, route: Route, identity: str) -> tuple[Exchange, tuple[Mark, ...], tuple[Shown, ...]]:
    """The page as it is now, and once more with markup in everything that it asked the query for."""
    kept = _KEPT.setdefault(target, Field())
    client = target.client(identity)
    with fields_read(target.app) as asked:
        reply = target.send(client, "GET", route.path)
    exchange = target.exchange(route, identity, reply, path=route.path)
    if reply.status in (403, 429):
        check_canary(target, route, identity, reply)
    shown, marks = _shown(kept, reply), []
    names = [name for name in sorted(asked) if _FIELD.fullmatch(name) and not _NUMBER.search(name)][:NAMES]
    if names and not reply.failure:
        marks = [kept.mark(name, f"GET {route.path}", "query") for name in names]
        query = urlencode({mark.field: mark.value for mark in marks})
        shown = _shown(kept, target.send(client, "GET", f"{route.path}?{query}")) | shown
    return exchange, tuple(marks), tuple(shown.values())


def _shown(kept: Field, reply: Reply) -> dict[str, Shown]:
    if reply.content_type not in ("text/html", "application/xhtml+xml"):
        return {}
    return {name: Shown(kept.marks[name], context) for name, context in sown.found(reply.text, kept.marks).items()}


def _left_alone(target: Target, route: Route) -> bool:
    signed = any(webhook.path in (route.rule, route.path) for webhook in target.settings.webhooks)
    return signed or logs_in(route) or logs_out(route) or guards_accounts(route)


def _refused(reply: Reply, route: Route) -> bool:
    """An error, or the same form once more."""
    from seatrial.target.forms import forms

    if reply.status != 200 or "html" not in reply.content_type:
        return reply.status >= 400
    return any(f.method == "post" and urlsplit(f.action).path in ("", route.path) for f in forms(reply.text)[0])


# ---------------------------------------------------------------------- what is sent
def _requests(target: Target, kept: Field, route: Route, identity: str) -> Iterator[tuple[dict[str, Any], list[Mark]]]:
    request = f"{route.method} {route.path}"
    form = _forms(target, kept, identity).get(route.path)
    if form is not None and not form.passwords:
        texts = [name for name, value in form.fields.items() if _takes_text(form, name, value)]
        if texts:
            yield _filled(kept, form, request, texts)
        for name in texts[:ONE_BY_ONE] if len(texts) > 1 else ():
            yield _filled(kept, form, request, [name])
    elif form is None:
        yield from _bodies(target, kept, route, request)


def _takes_text(form: Form, name: str, value: str) -> bool:
    from seatrial.target.forms import TOKEN

    return form.kinds.get(name, "") in _TEXT and not value.replace(".", "").isdigit() and not TOKEN.search(name)


def _filled(kept: Field, form: Form, request: str, names: list[str]) -> tuple[dict[str, Any], list[Mark]]:
    """The form as a browser would send it, with these fields marked and what is empty besides made up."""
    marks = {name: kept.mark(name, request, "form") for name in names}
    unique = next(iter(marks.values())).name
    made_up = {name: _TYPED.get(form.kinds.get(name, ""), unique).format(unique) for name in form.fields}
    sent = {name: value or made_up[name] for name, value in form.fields.items()}
    return {"data": sent | {name: mark.value for name, mark in marks.items()}}, list(marks.values())


def _bodies(target: Target, kept: Field, route: Route, request: str) -> Iterator[tuple[dict[str, Any], list[Mark]]]:
    """JSON by the pydantic models that the view names; else a form, and JSON, of the texts in its code."""
    models = [("json", fields) for fields in models_named(target, route)]
    names = [name for name in sorted(named_in_code(target, route)) if _FIELD.fullmatch(name)][:NAMES]
    guessed = [(how, dict.fromkeys(names, "str")) for how in ("form", "json") if names]
    for how, fields in models or guessed:
        marks = [kept.mark(name, request, how) for name, kind in fields.items() if _is_text(name, kind)]
        values: dict[str, Any] = {name: _made_up(kind) for name, kind in fields.items()}
        values |= {mark.field: mark.value for mark in marks}
        if marks:
            yield {"data" if how == "form" else "json": values}, marks


def _is_text(name: str, kind: str) -> bool:
    return "str" in kind.lower() and not (_NUMBER.search(name) and kind == "str")


def _made_up(kind: str) -> Any:
    lower = kind.lower()
    if "bool" in lower:
        return True
    if "date" in lower:
        return "2031-05-17"
    return [] if "list" in lower or "tuple" in lower else 1


def _forms(target: Target, kept: Field, identity: str) -> Mapping[str, Form]:
    """Every form that posts, as the identity sees it, by where it posts to."""
    from seatrial.target.forms import forms

    if kept.forms is None:
        kept.forms = {}
        client = target.client(identity)
        for path in kept.pages:
            reply = target.send(client, "GET", path)
            for form in forms(reply.text)[0] if "html" in reply.content_type else ():
                if form.method == "post":
                    where = urlsplit(urljoin(target.base_url + path, form.action))
                    kept.forms.setdefault(where.path, form)
    return kept.forms
