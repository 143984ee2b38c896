"""Log in as a person would: through the app's own form, with its token, and prove it by a page that only they see."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any
from urllib.parse import urljoin, urlsplit

import sqlalchemy as sa
from flask.testing import FlaskClient

from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import ANONYMOUS
from seatrial.observe.redaction import location_path
from seatrial.target.factory import told
from seatrial.target.forms import forms, login_form
from seatrial.target.reply import Reply
from seatrial.target.target import Target

_ERROR_BOX = re.compile(r'class="[^"]*(?:error|alert|flash|danger|invalid)[^"]*"[^>]*>\s*([^<]{3,120})', re.IGNORECASE)
PROOF_CANDIDATES = 60
"""Pages tried in search of one that only a logged-in user sees."""


@dataclass(slots=True)
class LoggedIn:
    """A client that was proved to be logged in."""

    client: FlaskClient
    how: str
    """`form`, `headers`, `call` or `injected`."""
    proof: str = ""
    """Path that answers this identity 2xx and nobody else; empty where none was found."""
    door: str = ""
    """Path that the log-in form was posted to; empty where there was none."""
    keys: frozenset[str] = frozenset()
    """Names in the session that logging in added."""
    notes: list[str] = field(default_factory=list)


def log_in(target: Target, name: str) -> LoggedIn:
    """A proved session of the named identity.

    Raises:
        ConfigurationError: It could not log in; says what the app answered.
    """
    identity = next(found for found in target.settings.identities if found.name == name)
    client = target.new_client()
    before = session_keys(target, client)
    answer = landing = door = ""
    if identity.headers:
        for header, value in identity.headers.items():
            client.environ_base[f"HTTP_{header.upper().replace('-', '_')}"] = value
        how = "headers"
    elif identity.call:
        call(identity.call, client, name)
        target.wrote = True  # it may have: its requests are its own, and nobody counts their statements
        how = "call"
    elif identity.login:
        entry = enter(target, client, identity.login, identity.fields)
        answer, landing, door = entry.answer, entry.landing, entry.door
        how = "form"
    else:
        how = "injected"
    hint = landing if how == "form" else ""
    proof = proof_of(target, client, identity.proof, hint) if how != "injected" else ""
    keys = session_keys(target, client) - before
    if proof or (how != "injected" and keys & {"_user_id", "user_id", "uid", "user"}):
        notes = [] if proof else [f"{name}: logged in by its session, but no page was found that only it may see"]
        return LoggedIn(client, how, proof, door, frozenset(keys), notes)
    injected = _inject(target, identity.user_id, dict(identity.fields))
    if injected is not None:
        why = f"the form did not log it in ({answer})" if how == "form" else "it has no login form"
        injected.notes.append(f"{name}: session injected, because {why}; nothing is proved about the login itself")
        return injected
    way_out = f"check the fields and the seeded user of identity {name!r}"
    if answer.startswith("GET "):
        way_out = f"name the path of the log-in form as login of identity {name!r}"
        if " answered 5" in answer:
            way_out = "mend that, or set what the app needs under [tool.seatrial.env]"
    if how == "headers":
        raise ConfigurationError(
            f"identities: {name}: no page answers 2xx with its headers and not without; "
            f'correct the headers of identity {name!r}, or name such a page as proof = "/path"'
        )
    raise ConfigurationError(f"identities: {name}: could not log in: {answer or how}; {way_out}")


def known_by_headers(target: Target, identity: str) -> bool:
    """Whether its page is closed once the headers that were given to its client (`Authorization`) are left out."""
    client = target.client(identity)
    own = {key: value for key, value in client.environ_base.items() if key.startswith("HTTP_")}
    own = {key: value for key, value in own.items() if key not in ("HTTP_USER_AGENT", "HTTP_COOKIE")}
    if not own:
        return False
    proof = target.sessions[identity].proof
    if not client._cookies and "HTTP_COOKIE" not in client.environ_base:
        return True
    for key in own:
        del client.environ_base[key]
    try:
        return bool(proof) and target.send(client, "GET", proof).status >= 300
    finally:
        client.environ_base.update(own)


def session_keys(target: Target, client: FlaskClient) -> frozenset[str]:
    """Names in the client's session."""
    return frozenset(session_of(target, client))


def session_of(target: Target, client: FlaskClient) -> dict[str, Any]:
    """The client's session, as the app's own session interface reads it."""
    host = urlsplit(target.base_url).hostname or "localhost"
    cookie = "; ".join(f"{c.key}={c.value}" for c in (client._cookies or {}).values() if c._matches_request(host, "/"))
    try:
        with target.app.test_request_context("/", base_url=target.base_url, headers={"Cookie": cookie}) as context:
            session = target.app.session_interface.open_session(target.app, context.request)
            return dict(session or {})
    except Exception:  # a session store of the app's that cannot be read says nothing
        return {}


def still_logged_in(target: Target, identity: str, reply: Reply) -> bool:
    """Whether the session outlived a request; only looked at when the answer touched a cookie."""
    session = target.sessions.get(identity)
    if identity == ANONYMOUS or session is None or not session.keys or not reply.header("Set-Cookie"):
        return True
    return bool(session.keys & session_keys(target, session.client))


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a log-in form that was filled in."""

    answer: str
    """In words (`POST /login answered 302 to /`)."""
    landing: str = ""
    """Path that a redirect led to."""
    door: str = ""
    """Path that the form was posted to."""
    reply: Reply | None = None
    """Of the post; None where there was no form to post."""


def enter(target: Target, client: FlaskClient, login: str, fields: dict[str, str], query: str = "") -> Entry:
    """Fill in the log-in form as a browser does; `query` is what stands behind the question mark of its page."""
    address = f"{login}?{query}" if query else login
    page = target.send(client, "GET", address)
    if page.failure or page.status != 200:
        return Entry(f"GET {login} answered {page.failure or page.status}{_raised(page)}")
    form = login_form(page.text, set(fields))
    sent = {**(form.fields if form else {}), **fields}
    _, meta = forms(page.text)
    headers = {"Referer": target.base_url + login, "Origin": target.base_url}
    if token := meta.get("csrf-token") or meta.get("csrf_token"):
        headers["X-CSRFToken"] = token
        sent.setdefault("csrf_token", token)
    # Without an action a browser posts to the address of the page, its query included.
    action = urlsplit(urljoin(target.base_url + address, form.action if form else ""))
    path, where = action.path, f"{action.path}?{action.query}" if action.query else action.path
    if form is None:
        # No form in the page: the front end posts JSON.
        reply = target.send(client, "POST", where, json=sent, headers=headers)
    else:
        reply = target.send(client, "POST", where, data=sent, headers=headers)
    if reply.failure:
        return Entry(f"POST {path} {reply.failure}", door=path, reply=reply)
    if 300 <= reply.status < 400:
        landing = location_path(reply.header("Location"))
        return Entry(f"POST {path} answered {reply.status} to {landing}", landing, path, reply)
    again = " and shows the form again" if reply.status == 200 and login_form(reply.text, set(fields)) else ""
    return Entry(f"POST {path} answered {reply.status}{again}{_complaint(reply.text)}", door=path, reply=reply)


def _raised(reply: Reply) -> str:
    """What the page failed with, in its own words."""
    if reply.raised is None:
        return ""
    place = reply.raised.place
    at = f" at {place.path}:{place.line}" if place else ""
    said = shorten(reply.said, 200, placeholder="…")
    return f" ({reply.raised.type}{at}{f': {said}' if said else ''})"


def _complaint(html: str) -> str:
    """The first sentence of an error box, if the page has one."""
    import re

    found = re.search(
        r'class="[^"]*(?:error|alert|flash|danger|invalid)[^"]*"[^>]*>\s*([^<]{3,120})', html, re.IGNORECASE
    )
    return f", saying “{' '.join(found.group(1).split())}”" if found else ""


def proof_of(target: Target, client: FlaskClient, given: str | None, hint: str) -> str:
    """A page that this client sees and a stranger does not, or empty."""
    for path in _candidates(target, given, hint):
        if not 200 <= target.send(client, "GET", path).status < 300:
            continue
        stranger = target.send(target.new_client(), "GET", path)
        if not 200 <= stranger.status < 300:
            return path
    return ""


def _candidates(target: Target, given: str | None, hint: str) -> Iterator[str]:
    if given:
        yield given
        return
    if hint:
        yield hint
    pages = [r.path for r in target.routes() if r.method == "GET" and not r.arguments and not r.skipped]
    yield from pages[:PROOF_CANDIDATES]


def call(spec: str, client: FlaskClient, name: str) -> None:
    module_name, _, attribute = spec.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"identities: {name}: call = {spec!r} could not be imported ({error}); write it as package.module:function"
        ) from None
    try:
        function(client)
    except Exception as error:
        raise ConfigurationError(f"identities: {name}: {spec} failed: {told(error)}") from None


def _inject(target: Target, user_id: str | int | None, fields: dict[str, str]) -> LoggedIn | None:
    """A Flask-Login session without the form: the fallback where the form cannot be used, always said."""
    if getattr(target.app, "login_manager", None) is None:
        return None
    for found in [user_id] if user_id is not None else _user_ids(target, fields):
        client = target.new_client()
        try:
            with client.session_transaction(base_url=target.base_url) as session:
                session["_user_id"] = str(found)
                session["_fresh"] = True
                session["_id"] = _session_identifier(target)
        except Exception:  # a session store that does not take our session: there is no fallback then
            return None
        if proof := proof_of(target, client, None, ""):
            return LoggedIn(client, "injected", proof, keys=frozenset({"_user_id"}))
    return None


def _session_identifier(target: Target) -> Any:
    """What Flask-Login's strong session protection compares: the hash of address and user agent of our client."""
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "Seatrial"}
    with target.app.test_request_context("/", base_url=target.base_url, environ_base=environ):
        return target.app.login_manager._session_identifier_generator()  # type: ignore[attr-defined]


def _user_ids(target: Target, fields: dict[str, str]) -> list[Any]:
    """Keys of rows that have one of the identity's field values in a column of the same name (user name, e-mail)."""
    found: list[Any] = []
    with target.connection() as connection:
        for bind in target.binds:
            for table in bind.metadata.tables.values() if bind.metadata is not None else ():
                keys = list(table.primary_key.columns)
                for name, value in fields.items():
                    if len(keys) == 1 and name in table.columns and isinstance(table.columns[name].type, sa.String):
                        query = sa.select(keys[0]).where(table.columns[name] == value).limit(2)
                        found += connection.execute(query).scalars()
    return found
