"""One unsafe route under requests that another site could have a visitor's browser send."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from seatrial.model.csrf import FOREIGN, NONE, OWN, QUERY, REFERER, TAMPERED, Attempt, CsrfTrial, Hook
from seatrial.model.evidence import Exchange, Kind
from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.requests import Request
from seatrial.observe import tripwire
from seatrial.trials.hooks import early_hooks
from seatrial.trials.sweep import check_canary
from seatrial.trials.tokens import HEADERS, Token, token_of

if TYPE_CHECKING:
    from types import CodeType

    from flask.testing import FlaskClient

    from seatrial.target import Target
    from seatrial.target.reply import Reply

SITE = "https://seatrial-foreign.example"
ATTACKS: tuple[dict[str, str], ...] = (
    {"Origin": SITE, "Referer": f"{SITE}/", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
)
"""What a browser says of a request that a page of another site made, with a Referer and without."""
UNKNOWN = "/seatrial-no-such-page"
KINDS = ("form", "json")


@dataclass(slots=True)
class Sessions:
    """What one host keeps between the trials of its routes."""

    clients: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, Token | None] = field(default_factory=dict)
    foreign: dict[str, Token | None] = field(default_factory=dict)
    usual: frozenset[str] | None = None
    """Fingerprints of writes that any request makes (an access log)."""
    hooks: dict[int, Hook | None] = field(default_factory=dict)
    """What each hook in front of the protection was seen to do; None for those of libraries."""


_KEPT: WeakKeyDictionary[Target, Sessions] = WeakKeyDictionary()


def forge(target: Target, route: Route, identity: str) -> CsrfTrial:
    """Every case that is to be refused, and the one with a valid token that must be let in.

    Raises InconclusiveError when the trial was banned or locked out on the way.
    """
    from seatrial.target import protections

    kept = _KEPT.setdefault(target, Sessions())
    writes = target.writes
    hooks = early_hooks(target, route, kept.hooks)
    name = protections.csrf_name(target.app, route.endpoint)
    trial = CsrfTrial(
        answer=Exchange(route, identity, route.path, status=0),
        protection=protections.csrf_library(target.app),
        exempt=name,
        sharing=_sharing(target, route) if name else (),
        meant=bool(name) and _meant(target, route),
        hooks=hooks,
        needless=_needless(target, route, identity),
    )
    code, unseen = tripwire.body(target.app.view_functions.get(route.endpoint), route.method)
    if code is None:
        trial = replace(trial, unseen=unseen)
    elif route.path and not route.unresolved and not trial.needless:
        trial = replace(trial, form="validate_on_submit" in code.co_names)
        trial = _Forger(target, route, identity, code, kept).run(trial)
    return replace(trial, wrote=target.writes > writes)


class _Forger:
    """Sends the cases of one route."""

    def __init__(self, target: Target, route: Route, identity: str, code: CodeType, kept: Sessions) -> None:
        self.target, self.route, self.identity, self.code, self.kept = target, route, identity, code, kept
        self.kind = "form"
        self.own = {"Origin": target.base_url, "Referer": f"{target.base_url}/", "Sec-Fetch-Site": "same-origin"}
        self.admitted: dict[str, dict[str, str]] = {}
        """What the browser said of each attack that was let in."""
        self.answer: Reply | None = None

    def run(self, trial: CsrfTrial) -> CsrfTrial:
        control = self._control()
        token = self.kept.tokens.get(self.identity)
        attempts = list(self._attempts(token)) if not control.failure else []
        acted = self._act(list(self.admitted)) if self.admitted else ()
        answer = trial.answer
        if not control.entered and self.answer is not None:
            answer = self.target.exchange(self.route, self.identity, self.answer, path=self.route.path)
            if control.status in (403, 429):
                check_canary(self.target, self.route, self.identity, self.answer)
        source = token.source if token is not None else ""
        return replace(
            trial, answer=answer, control=control, attempts=tuple(attempts), acted=tuple(acted), token=source
        )

    def _control(self) -> Attempt:
        """The session's own token: as a form, then as JSON, then both again with a token that was newly come by."""
        attempt = Attempt(OWN)
        for fresh in (False, True):
            token = self._own_token(fresh)
            for kind in KINDS:
                self.kind = kind
                attempt = self._try(OWN, token, self.own)
                if attempt.entered or attempt.failure:
                    return attempt
            if token is None:
                break
        self.kind = "form"
        return attempt

    def _attempts(self, token: Token | None) -> Iterator[Attempt]:
        yield self._attack(NONE, None)
        if (foreign := self._foreign_token()) is not None:
            yield self._attack(FOREIGN, foreign)
        if token is not None:
            yield self._attack(TAMPERED, token.tampered)
            yield self._try(QUERY, token, self.own)
            yield self._try(REFERER, token, ATTACKS[0])

    def _attack(self, case: str, token: Token | None) -> Attempt:
        """As from the own site, so that the token alone is asked; what is let in there, as from a foreign site."""
        attempt = self._try(case, token, self.own)
        for headers in ATTACKS if attempt.entered else ():
            attempt = self._try(case, token, headers)
            if attempt.entered:
                self.admitted[case] = headers
                return attempt
            attempt = replace(attempt, by_origin=True)
        return attempt

    def _act(self, cases: Sequence[str]) -> Iterator[Attempt]:
        """Without the wire: what was let in, then the valid request, which shows whether a check tells them apart."""
        own = self._own_token(False)
        tokens = {NONE: None, FOREIGN: self._foreign_token(), TAMPERED: own.tampered if own is not None else None}
        for case in cases:
            attempt = self._try(case, tokens[case], self.admitted[case], stop=False)
            yield attempt
            if attempt.changed:
                break
        yield self._try(OWN, self._own_token(False), self.own, stop=False)
        session = self.target.sessions.get(self.identity)
        if session is not None and (
            not session.proof or self.target.send(session.client, "GET", session.proof).status >= 300
        ):
            self.target.sessions.pop(self.identity, None)  # the request ended it: logged in again before the next one

    # ------------------------------------------------------------------ one request
    def _try(self, case: str, token: Token | None, headers: dict[str, str], *, stop: bool = True) -> Attempt:
        from seatrial.target import protections

        client = self._client()
        options = self._options(token, headers, in_query=case == QUERY)
        reply: Reply | None = None
        check = protections.csrf_check() if not stop else None
        app, dispatch = self.target.app, "dispatch_request"  # views are called by this method alone
        with (
            tripwire.armed_in(app, dispatch, check, stop=False) as checked,
            tripwire.armed_in(app, dispatch, self.code, stop=stop) as wire,
            suppress(tripwire.Tripwire),
        ):
            reply = self.target.send(client, self.route.method, self.route.path, **options)
        request = self._told(case, options)
        if reply is None:
            return Attempt(case, entered=True, request=replace(request, entered=True))
        self.answer = reply if case == OWN else self.answer
        status = 0 if wire.entered and stop else reply.status
        failure = "" if wire.entered else reply.failure
        return Attempt(
            case,
            wire.entered,
            status=status,
            changed=self._changes(reply),
            checked=checked.entered,
            failure=failure,
            request=replace(request, status=reply.status or None, entered=wire.entered, said=failure),
        )

    def _told(self, case: str, options: dict[str, Any]) -> Request:
        """For a person who wants to send it again, who has tokens of their own."""
        from seatrial.target.sending import query, sent

        own, foreign = self.kept.tokens.get(self.identity), self.kept.foreign.get(self.identity)
        hidden = {foreign.value: "the token of another session"} if foreign is not None else {}
        if own is not None:
            hidden[own.tampered.value] = f"the token of this session, from {own.source}, with one character changed"
            hidden[own.value] = f"the token of this session, from {own.source}"
        path = f"{self.route.path}{query(options, hidden)}"
        return Request(self.route.method, path, self.identity, sent(options, self.target.base_url, hidden), case)

    def _options(self, token: Token | None, headers: dict[str, str], *, in_query: bool) -> dict[str, Any]:
        sent = dict(headers)
        options: dict[str, Any] = {"headers": sent}
        body: dict[str, str] = {}
        if token is not None and in_query:
            options["query_string"] = {token.field: token.value}
        elif token is not None:
            sent.update(dict.fromkeys(HEADERS, token.value))
            body = {token.field: token.value}
        return options | ({"data": body} if self.kind == "form" else {"json": body})

    def _changes(self, reply: Reply) -> int:
        wrote = [s for s in reply.statements if s.kind is Kind.DML]
        if not wrote:
            return len(reply.outbound)
        if self.kept.usual is None:
            usual = self.target.send(self._client(), "GET", UNKNOWN)
            self.kept.usual = frozenset(s.fingerprint for s in usual.statements if s.kind is Kind.DML)
        return sum(s.fingerprint not in self.kept.usual for s in wrote) + len(reply.outbound)

    # ------------------------------------------------------------------ sessions and tokens
    def _client(self) -> FlaskClient:
        if self.identity != ANONYMOUS:
            return self.target.client(self.identity)
        return self.kept.clients.setdefault(ANONYMOUS, self.target.new_client())

    def _own_token(self, fresh: bool) -> Token | None:
        client = self._client()
        if fresh or self.identity not in self.kept.tokens or self.kept.clients.get(self.identity) is not client:
            self.kept.clients[self.identity] = client
            self.kept.tokens[self.identity] = token_of(self.target, client)
        return self.kept.tokens[self.identity]

    def _foreign_token(self) -> Token | None:
        """Of a stranger's session, as an attacker has one; else of a second session of the same person."""
        from seatrial.target.identities import log_in

        if self.identity not in self.kept.foreign:
            found = token_of(self.target, self.target.new_client())
            if found is None and self.identity != ANONYMOUS and self.kept.tokens.get(self.identity) is not None:
                found = token_of(self.target, log_in(self.target, self.identity).client)
                self.target.sessions.pop(self.identity, None)  # an app may allow one session per person
                self._own_token(True)
            self.kept.foreign[self.identity] = found
        return self.kept.foreign[self.identity]


# ---------------------------------------------------------------------- what is read from the app
def _needless(target: Target, route: Route, identity: str) -> str:
    from seatrial.target.identities import known_by_headers

    if any(webhook.path in (route.rule, route.path) for webhook in target.settings.webhooks):
        return "a webhook, which is signed ([[tool.seatrial.webhooks]])"
    if identity != ANONYMOUS and known_by_headers(target, identity):
        return f"{identity} is known by its headers and not by a cookie, and no foreign site can send them"
    return ""


def _sharing(target: Target, route: Route) -> tuple[str, ...]:
    """Endpoints of other views with the name under which this one is exempt."""
    from seatrial.target import protections

    views = target.app.view_functions
    own, name = views[route.endpoint], protections.csrf_name(target.app, route.endpoint)
    return tuple(
        endpoint
        for endpoint, view in views.items()
        if view is not own and protections.csrf_name(target.app, endpoint) == name
    )


def _meant(target: Target, route: Route) -> bool:
    """Whether a decorator of the view itself says `exempt`: the library only remembers a name."""
    code, _ = tripwire.body(target.app.view_functions[route.endpoint], route.method)
    if code is None or not os.path.isfile(code.co_filename):
        return False
    with open(code.co_filename, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()[code.co_firstlineno - 1 :]
    for line in lines:
        text = line.strip()
        if text.startswith(("def ", "async def ", "class ")):
            return False
        if text.startswith("@") and "exempt" in text:
            return True
    return False
