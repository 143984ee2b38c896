"""What becomes of a session: a log-in with one that was planted before, a log-out of one that was copied before.

Each trial has clients of its own. The identity's usual session is given up afterwards, because an app may allow one
session per person or end all of them at once: it logs in again before the next request of another trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seatrial.model.errors import ConfigurationError
from seatrial.model.inventory import Route
from seatrial.model.sessions import LogIn, LogOut, logs_in, logs_out
from seatrial.observe import tripwire
from seatrial.trials.tokens import Token, bearing, cookie_header, own_site, token_of, with_token

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.config.settings import Identity
    from seatrial.target import Target

PLANTED = "seatrial_planted"
"""Name of the value that is put into the session before a log-in."""
CANDIDATES = 12
"""Routes that tokens are tried on, until one lets the own token in and nothing else."""
REQUESTS = 80
"""More than one trial sends; for its deadline."""


def log_in(target: Target, route: Route, identity: str) -> LogIn:
    """The identity logs in with a client that has a session already; what of that session is left?"""
    writes = target.writes
    who, found = _named(target, identity), LogIn(route, identity, kept=_kept(target))
    if who is None or who.login is None:
        return found
    proof = _proof(target, identity)
    if not proof:
        return replace(found, wrote=target.writes > writes)
    client = target.new_client()
    try:
        target.send(client, "GET", who.login)  # the page may begin a session
        planted = _plant(target, client)
        token = token_of(target, client)
        before, copy = _session(target, client), _copy(target, client)
        closed = not _opens(target, client, proof)[0]
        entered = _enter(target, client, who)
        opened, answered = _opens(target, client, proof)
        after = _session(target, client)
        found = replace(
            found,
            proof=proof,
            failure="" if opened else entered,
            closed_before=closed,
            answered=answered,
            planted=planted,
            survived=tuple(name for name in before if name in after and after[name] == before[name]),
            old_cookie=_opens(target, copy, proof)[1] if copy._cookies else 0,
            token=token.source if token is not None else "",
        )
        if opened and token is not None:
            door, enters = _old_token(target, client, token)
            found = replace(found, token_route=door, old_token_enters=enters)
    finally:
        target.sessions.pop(identity, None)
    return replace(found, wrote=target.writes > writes)


def log_out(target: Target, route: Route, identity: str) -> LogOut:
    """The identity logs in and out again, and a copy of its cookies from in between asks for a page of its own."""
    from seatrial.target.identities import known_by_headers

    writes = target.writes
    who, found = _named(target, identity), LogOut(route, identity, kept=_kept(target))
    if who is None or not route.path:
        return found
    if known_by_headers(target, identity):
        needless = f"{identity} is known by its headers and not by a cookie that could be copied"
        return replace(found, needless=needless, wrote=target.writes > writes)
    proof = _proof(target, identity)
    if not proof:
        return replace(found, wrote=target.writes > writes)
    try:
        client = target.new_client()
        failure = _enter(target, client, who)
        if not _opens(target, client, proof)[0]:
            return replace(found, proof=proof, failure=failure, wrote=target.writes > writes)
        copy = _copy(target, client)
        _, before = _opens(target, copy, proof)
        options = own_site(target) if route.safe else with_token(target, client)
        reply = target.send(client, route.method, route.path, **options)
        found = replace(
            found,
            proof=proof,
            failure=reply.failure,
            copy_before=before,
            answered=reply.status,
            after=_opens(target, client, proof)[1],
            copy_after=_opens(target, copy, proof)[1],
        )
    finally:
        target.sessions.pop(identity, None)
    return replace(found, wrote=target.writes > writes)


# ---------------------------------------------------------------------- who logs in, and how
def _named(target: Target, identity: str) -> Identity | None:
    return next((found for found in target.settings.identities if found.name == identity), None)


def _proof(target: Target, identity: str) -> str:
    """The page that only this identity sees, as the log-in of the whole run found it."""
    target.client(identity)
    session = target.sessions[identity]
    return str(session.proof) if session.how in ("form", "call") else ""


def _enter(target: Target, client: FlaskClient, who: Identity) -> str:
    """Log the client in; returns what was answered, in words."""
    from seatrial.target.identities import call, enter

    if who.call is not None:
        try:
            call(who.call, client, who.name)
        except ConfigurationError as error:  # it could at first: many log-ins later the app's own limit refuses it
            return error.mistakes[0]
        return f"{who.call} did not log it in"
    return enter(target, client, who.login or "", dict(who.fields)).answer


def _opens(target: Target, client: FlaskClient, proof: str) -> tuple[bool, int]:
    status = target.send(client, "GET", proof).status
    return 200 <= status < 300, status


# ---------------------------------------------------------------------- what a session holds
def _kept(target: Target) -> str:
    from flask.sessions import SecureCookieSessionInterface

    interface = target.app.session_interface
    return "the cookie" if isinstance(interface, SecureCookieSessionInterface) else type(interface).__name__


def _plant(target: Target, client: FlaskClient) -> bool:
    """Put a value into the client's session, as a page that a stranger may ask for could."""
    try:
        with client.session_transaction(base_url=target.base_url) as session:
            session[PLANTED] = PLANTED
    except Exception:  # no secret key, or a store of the app's that does not take it
        return False
    return _session(target, client).get(PLANTED) == PLANTED


def _session(target: Target, client: FlaskClient) -> Mapping[str, Any]:
    """What the app itself would read from the client's session; tokens, and what libraries note there, left out."""
    from seatrial.target.forms import TOKEN

    headers = cookie_header(target, client)
    try:
        with target.app.test_request_context("/", base_url=target.base_url, headers=headers) as context:
            found = dict(target.app.session_interface.open_session(target.app, context.request) or {})
    except Exception:  # a session store of the app's that cannot be read says nothing
        return {}
    return {str(k): v for k, v in found.items() if not str(k).startswith("_") and not TOKEN.search(str(k))}


def _copy(target: Target, client: FlaskClient) -> FlaskClient:
    """Another browser with the same cookies."""
    copy = target.new_client()
    assert copy._cookies is not None
    copy._cookies.update(client._cookies or {})
    return copy


# ---------------------------------------------------------------------- tokens
def _old_token(target: Target, client: FlaskClient, old: Token) -> tuple[str, bool]:
    """The route that tells tokens apart, and whether the token from before the log-in still enters it."""
    tried = 0
    for route in _unsafe(target):
        if tried == CANDIDATES:
            break
        tried += 1
        if _enters(target, client, route, None):
            continue  # no token is asked for here
        enters = _enters(target, client, route, old)
        if enters or ((own := token_of(target, client)) is not None and _enters(target, client, route, own)):
            return f"{route.method} {route.path}", enters
    return "", False


def _unsafe(target: Target) -> Iterator[Route]:
    for route in target.routes():
        asks = not route.safe and route.path and not route.skipped and route.csrf != "exempt"
        if asks and not logs_in(route) and not logs_out(route):
            yield route


def _enters(target: Target, client: FlaskClient, route: Route, token: Token | None) -> bool:
    """Whether the body of the view is reached. It is stopped at its first line: nothing is done."""
    code, _ = tripwire.body(target.app.view_functions.get(route.endpoint), route.method)
    if code is None:
        return False
    options = bearing(target, token)
    with tripwire.armed_in(target.app, "dispatch_request", code, stop=True) as wire, suppress(tripwire.Tripwire):
        target.send(client, route.method, route.path, **options)
    return wire.entered
