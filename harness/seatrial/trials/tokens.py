"""Tokens against forged requests, come by as a browser does: from a rendered form, a meta tag or a cookie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.target import Target

PAGES = 40
"""Pages that are looked at in search of a form."""
HEADERS = ("X-CSRFToken", "X-CSRF-Token", "X-XSRF-TOKEN")
"""Where scripts of the app would put the token: the names that Flask-WTF, SeaSurf, Rails and Angular read."""


@dataclass(frozen=True, slots=True)
class Token:
    """The token of one session."""

    field: str
    value: str
    source: str
    """`a form on /login`, `a meta tag on /`, `the cookie csrf_token`, `the library`."""

    @property
    def tampered(self) -> Token:
        """The same with one character in the middle changed."""
        middle = len(self.value) // 2
        other = "A" if self.value[middle : middle + 1] != "A" else "B"
        return Token(self.field, self.value[:middle] + other + self.value[middle + 1 :], "tampered")


def token_of(target: Target, client: FlaskClient) -> Token | None:
    """Of the client's session: as a browser comes by it, else generated for that session by the library."""
    return _rendered(target, client) or _generated(target, client)


def own_site(target: Target) -> dict[str, Any]:
    """What a browser says of a request that a page of the own site made."""
    return {"headers": {"Origin": target.base_url, "Referer": f"{target.base_url}/", "Sec-Fetch-Site": "same-origin"}}


def bearing(target: Target, token: Token | None) -> dict[str, Any]:
    """A request of the own site with this token, in the form and in the usual headers."""
    options = own_site(target)
    if token is not None:
        options["headers"].update(dict.fromkeys(HEADERS, token.value))
        options["data"] = {token.field: token.value}
    return options


def with_token(target: Target, client: FlaskClient) -> dict[str, Any]:
    """A request of the own site with the token of the client's session, where there is one."""
    return bearing(target, token_of(target, client))


def cookie_header(target: Target, client: FlaskClient) -> dict[str, str]:
    """The cookies that the client would send to the app."""
    return {"Cookie": "; ".join(f"{cookie.key}={cookie.value}" for cookie in _cookies(target, client))}


def _cookies(target: Target, client: FlaskClient) -> list[Any]:
    host = urlsplit(target.base_url).hostname or "localhost"
    return [cookie for cookie in (client._cookies or {}).values() if cookie._matches_request(host, "/")]


def _rendered(target: Target, client: FlaskClient) -> Token | None:
    from seatrial.target.forms import TOKEN, forms
    from seatrial.target.forms import token_of as in_form

    pages = [r.path for r in target.routes() if r.method == "GET" and r.path and not r.arguments and not r.skipped]
    for path in pages[:PAGES]:
        reply = target.send(client, "GET", path)
        if "html" not in reply.content_type:
            continue
        found, meta = forms(reply.text)
        for form in found:
            field, value = in_form(form)
            if value:
                return Token(field, value, f"a form on {path}")
        for name, value in meta.items():
            if TOKEN.search(name) and value:
                return Token("csrf_token", value, f"a meta tag on {path}")
    for cookie in _cookies(target, client):
        if TOKEN.search(cookie.key) and cookie.value:
            return Token(cookie.key, cookie.value, f"the cookie {cookie.key}")
    return None


def _generated(target: Target, client: FlaskClient) -> Token | None:
    from seatrial.target import protections

    made = protections.new_csrf_token(target.app, cookie_header(target, client), target.base_url)
    if made is None:
        return None
    field, token, kept = made
    try:
        with client.session_transaction(base_url=target.base_url) as session:
            session[field] = kept
    except Exception:  # a session store of the app's that does not take it
        return None
    return Token(field, token, "the library")
