"""A stranger tries one route until its rate limit is reached, and then tries to get around it.

Harmless by choice: pages are read, forms get nobody's name and a wrong password. Time is moved, never waited for. What
the attempts leave behind is taken back by the pilot: the database is restored, the limits are reset.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.rates import Attempt, LimiterFacts, RateTrial, guards_accounts
from seatrial.model.requests import Request
from seatrial.observe import tripwire

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.target import Target
    from seatrial.target.forms import Form

UNKNOWN = 50
"""Attempts against a log-in whose limit nobody knows."""
MOST = 300
"""Attempts that a trial makes at all."""
SHARE = 0.25
"""Of the deadline for a trial, for each of its three phases."""
FORGED = "203.0.113.77"
"""An address that belongs to nobody (RFC 5737)."""
NOBODY = "seatrial-nobody@nobody.example"
WRONG = "not-the-password"
_WITHOUT_FORM = {"username": NOBODY, "email": NOBODY, "password": WRONG}
_NAMES = ("username", "user", "login", "email", "name", "identifier", "account")
_HEADERS = (
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Cluster-Client-IP",
    "X-Originating-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-Forwarded",
)


def limiter(target: Target) -> LimiterFacts:
    """Where the limiter of the app counts."""
    from seatrial.target import protections

    library, off = _limiter(target)
    settings = target.settings
    return LimiterFacts(library, off, protections.storages(target.app), settings.workers, settings.environment)


def limits(target: Target, route: Route) -> RateTrial:
    """One route up to its limit and beyond; its variants while the limit is used up; then without storage."""
    from seatrial.target import protections
    from seatrial.target.clock import standing_clock

    app = target.app
    library, off = _limiter(target)
    found = RateTrial(
        route,
        library,
        off,
        limits=protections.rate_limits(app, route.endpoint, route.method),
        dead=protections.dead_limit(app, route.endpoint),
        reachable=protections.storage_answers(app),
    )
    counting = [limit for limit in found.limits if not limit.conditional]
    tried = guards_accounts(route) if not library else bool(counting)
    if off or found.dead or not found.reachable or not route.path or not tried:
        return found
    allowed = min((limit.amount for limit in counting), default=0)
    found = replace(found, allowed=allowed)
    if allowed > MOST:
        return replace(found, failure=f"{allowed} attempts are allowed and a trial makes at most {MOST}")
    before = target.writes
    # A server has a clock of its own.
    stands_still = all(per_process for _, per_process in protections.storages(app))
    with standing_clock("limits", "flask_limiter") as clock:
        prober = Prober(target, route)
        attempts = tuple(prober.until_refused((allowed or UNKNOWN) + 1))
        if allowed and not attempts[-1].refused and not stands_still:
            attempts = tuple(prober.until_refused(allowed + 1))  # its window may have ended in between
        found = replace(found, attempts=attempts)
        if not found.attempts[-1].refused or not allowed:
            wrote = target.writes > before
            return replace(found, failure=_failure(found, (allowed or UNKNOWN) + 1), wrote=wrote)
        variants = prober.variants()
        if stands_still:
            clock.now += max(limit.window_s for limit in found.limits) + 1
            found = replace(found, recovered=not prober.attempt("after the window").refused)
        found = replace(found, variants=prober.confirmed(variants))
        with protections.watched_limiters(app, down=True):
            found = replace(found, down=tuple(prober.until_refused(allowed + 1)))
        protections.reset_limits(app)
    return replace(found, wrote=target.writes > before)


def _limiter(target: Target) -> tuple[str, str]:
    found = next((p for p in target.facts().protections if p.name == "rate-limit"), None)
    return (found.library, found.switched_off_by if not found.active else "") if found else ("", "")


def _failure(found: RateTrial, wanted: int) -> str:
    if found.attempts[-1].failure:
        return found.attempts[-1].failure
    if len(found.attempts) < wanted and found.attempts[-1].status < 500 and not found.attempts[-1].refused:
        return f"only {len(found.attempts)} of {wanted} attempts could be made in the time of a trial"
    return ""


class Prober:
    """Sends one harmless request again and again, as one stranger with one session."""

    def __init__(self, target: Target, route: Route) -> None:
        self.target, self.route = target, route
        self.client = target.new_client()
        self.filled: dict[str, str] = {}
        """Values that stood in the form already: who sends it again finds other ones there."""
        self.options = self._options(self.client)

    def until_refused(self, most: int) -> Iterator[Attempt]:
        from seatrial.target import protections

        protections.reset_limits(self.target.app)
        end = time.monotonic() + self.target.settings.deadlines.trial_s * SHARE
        for number in range(1, most + 1):
            attempt = self.attempt(f"attempt {number}", watched=number >= most - 1)
            yield attempt
            if attempt.refused or attempt.failure or attempt.status >= 500 or time.monotonic() > end:
                return

    def attempt(
        self,
        variant: str,
        *,
        method: str = "",
        path: str = "",
        client: FlaskClient | None = None,
        watched: bool = True,
        **options: Any,
    ) -> Attempt:
        """`watched`: see whether the view was reached, which costs as much as the view itself."""
        from seatrial.target.sending import sent as seen_of

        method = method or self.route.method
        sent = {**self.options, **options}
        code, _ = tripwire.body(self.target.app.view_functions.get(self.route.endpoint), method)
        with tripwire.armed_in(self.target.app, "dispatch_request", code if watched else None, stop=False) as wire:
            reply = self.target.send(client or self.client, method, path or self.route.path, fresh=False, **sent)
        request = Request(
            method,
            path or self.route.path,
            ANONYMOUS,
            seen_of(sent, self.target.base_url, self.filled),
            variant,
            reply.status or None,
            wire.entered if watched else None,
            reply.failure,
        )
        return Attempt(variant, reply.status, reply.header("Retry-After"), wire.entered, reply.failure, request=request)

    def variants(self) -> tuple[Attempt, ...]:
        """The request that has just been refused, in every shape that might be counted elsewhere."""
        found = [self.attempt(f"header {n}", headers={**self.options["headers"], n: v}) for n, v in self._forwarding()]
        stranger = self.target.new_client()
        found.append(self.attempt("a new session", client=stranger, **self._options(stranger, fresh=False)))
        if self.route.method == "GET":
            found.append(self.attempt("HEAD", method="HEAD"))
        twins = [self.attempt(f"{t.method} {t.rule}", method=t.method, path=t.path) for t in self._twins()]
        # Of these nobody knows yet whether they mean the same account.
        written = [replace(self.attempt(said, **known), confirmed=False) for said, known in self._spellings()]
        return (*found, *twins, *written)

    def confirmed(self, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """Those that may mean another account, tried with the right password. Forgets what was counted."""
        return tuple(
            replace(attempt, confirmed=attempt.confirmed or (attempt.entered and self._same_account(attempt.variant)))
            for attempt in attempts
        )

    def _forwarding(self) -> Iterator[tuple[str, str]]:
        """A forged address as it arrives through as many proxies as the app believes: each appends whom it heard."""
        from seatrial.target import protections

        own = ["127.0.0.1"] * max(1, protections.proxy_hops(self.target.app) or 0)
        yield "X-Forwarded-For", ", ".join([FORGED, *own])
        yield "Forwarded", f"for={FORGED}"
        for name in _HEADERS:
            yield name, FORGED

    def _twins(self) -> Iterator[Route]:
        """Other doors to the same view: another unsafe method, another endpoint, the path with or without its slash."""
        path = self.route.path
        yield replace(self.route, rule="the other slash", path=path.rstrip("/") if path.endswith("/") else f"{path}/")
        for other in self.target.routes():
            if other.view != self.route.view or other.skipped or other.key == self.route.key or other.arguments:
                continue
            if other.safe == self.route.safe and (other.path != path or other.method != self.route.method):
                yield other

    def _spellings(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The same user in other letters, and the same fields as JSON."""
        data = self.options.get("data")
        if not data:
            return
        name = next((field for field in _NAMES if field in data), "")
        if name:
            for said, value in spellings(str(data[name])):
                yield f"user name {said}", {"data": {**data, name: value}}
        yield "JSON instead of a form", {"data": None, "json": dict(data)}

    def _same_account(self, said: str) -> bool:
        """Whether the right password opens the account in this spelling: only then it is the same account."""
        from seatrial.target.identities import session_keys

        target, path = self.target, self.route.path
        identity = next((i for i in target.settings.identities if i.login == path), None)
        if identity is None:
            return False
        client = target.new_client()
        known = self._options(client)
        form = {**known["data"], **identity.fields}
        name = next((field for field in _NAMES if field in identity.fields), "")
        written = {f"user name {how}": value for how, value in spellings(form.get(name, ""))}
        sent: dict[str, Any] = {"data": {**form, name: written[said]}} if said in written else {"json": form}
        before = session_keys(target, client)
        target.send(client, self.route.method, path, headers=known["headers"], **sent)
        return bool((session_keys(target, client) - before) & {"_user_id", "user_id", "uid", "user"})

    def _options(self, client: FlaskClient, *, fresh: bool = True) -> dict[str, Any]:
        """What a person would send who knows no password."""
        headers = {"Referer": self.target.base_url + self.route.path}
        if self.route.safe:
            return {"headers": headers}
        found, token = self._page(client, self.route.path, fresh)
        form = next((form for form in found if form.method == "post" and self._leads_here(form.action)), None)
        data = dict(_WITHOUT_FORM)
        if form is not None:
            self.filled |= {value: f"as in the form on {self.route.path}" for value in form.fields.values() if value}
            data = {name: WRONG if name in form.passwords else value or NOBODY for name, value in form.fields.items()}
        elif not token:  # the form is shown to somebody else: any page has a token of this session
            for path in self._other_pages():
                found, token = self._page(client, path, fresh)
                token = token or next((v for f in found for k, v in f.fields.items() if "csrf" in k.lower()), "")
                if token:
                    data["csrf_token"] = token
                    break
        if token:
            self.filled[token] = "the token of this session"
            headers["X-CSRFToken"] = token
        return {"headers": headers, "data": data}

    def _page(self, client: FlaskClient, path: str, fresh: bool) -> tuple[list[Form], str]:
        """The forms of a page, and the token that it holds for scripts."""
        from seatrial.target.forms import forms

        page = self.target.send(client, "GET", path, fresh=fresh)
        if not 200 <= page.status < 300:
            return [], ""
        found, meta = forms(page.text)
        return found, meta.get("csrf-token") or meta.get("csrf_token") or ""

    def _other_pages(self) -> Iterator[str]:
        yield from (identity.login for identity in self.target.settings.identities if identity.login)
        if self.target.public_path:
            yield self.target.public_path

    def _leads_here(self, action: str) -> bool:
        own = self.target.base_url + self.route.path
        return urlsplit(urljoin(own, action)).path == self.route.path


def spellings(name: str) -> Iterator[tuple[str, str]]:
    """Ways to write a name that many apps take for the same account."""
    yield "in capitals", name.upper()
    yield "with a space after it", f"{name} "
    yield "with a space before it", f" {name}"
    yield "with a zero-width space", f"{name}\u200b"
    yield "in full-width letters", "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
