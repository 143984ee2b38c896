"""Drives the app's own log-in: the happy flow, every case, and the happy flow again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from seatrial.model.inventory import Route
from seatrial.model.oauth import ERROR, FORGED_HOST, STATE, Attempt, Authorization, Host, OAuthTrial
from seatrial.observe import openid, outbound
from seatrial.trials.oauth import signing
from seatrial.trials.oauth.cases import HAPPY, Case, cases
from seatrial.trials.oauth.flows import Flows, Landing, NoFlow, said
from seatrial.trials.oauth.people import Proof, people, proof_of, who
from seatrial.trials.oauth.provider import METADATA, TOKEN, USERINFO, Flow, Provider
from seatrial.trials.tokens import cookie_header

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.target import Target

SHARE = 0.8
"""Of the deadline of a trial."""
PLANTED = "seatrial_planted"
VERIFIER = range(43, 129)


def drive(target: Target, route: Route, others: tuple[Route, ...] = ()) -> OAuthTrial:
    """A log-in that begins at `route`. `others`: where log-ins with other providers begin."""
    from seatrial.target import protections

    found = OAuthTrial(route)
    try:
        signing.keys()
    except ImportError:
        return replace(found, reason="joserfc is not installed beside the app: pip install 'seatrial[oauth]'")
    before = target.writes
    driver = Driver(target, route, others)
    with outbound.responding(driver.provider):
        for url in (*openid.ISSUERS, *(str(data.get("issuer", "")) for data in driver.registered.values())):
            outbound.claim(url)
        found = driver.run(found)
    protections.forget_oauth(target.app, driver.registered)
    return replace(found, wrote=target.writes > before)


class Driver:
    """Sends the cases of one log-in, each with a fresh browser."""

    def __init__(self, target: Target, route: Route, others: tuple[Route, ...]) -> None:
        from seatrial.target import protections

        self.target, self.route, self.others = target, route, others
        self.registered = protections.oauth_clients(target.app)
        self.people = people(target)
        self.provider = Provider(self.people[0])
        self.flows = Flows(target, route, others, self.provider, self.registered)
        self.proof = Proof()
        self.who: dict[str, str] = {}
        self.end = time.monotonic() + target.settings.deadlines.trial_s * SHARE

    def run(self, found: OAuthTrial) -> OAuthTrial:
        try:
            return self._run(found)
        except NoFlow as error:
            return replace(found, reason=str(error))

    def _run(self, found: OAuthTrial) -> OAuthTrial:
        first, reason = self.control()
        if first is None:
            return replace(found, reason=reason)
        asked_for = set(self.provider.asked)
        second = self.flows.land(HAPPY)
        found = replace(
            found,
            library=self.library(first.flow, first.before),
            proof=str(self.proof),
            authorization=_authorization(first.flow, second.flow),
            hosts=self.hosts(),
        )
        planted, same_id = self.renewed()
        attempts = tuple(self.attempts(first.flow, asked_for, found.library))
        closing = self.flows.land(HAPPY)
        if not self.proof.holds(self.target, closing.client):
            reason = f"the happy flow logged in at first and no more after the cases: it {said(closing.reply)}"
        return replace(found, attempts=attempts, planted=planted, same_id=same_id, reason=reason)

    # ------------------------------------------------------------------ the control
    def control(self) -> tuple[Landing | None, str]:
        """The happy flow, with everybody and every issuer that it may take, until somebody is logged in."""
        why = ""
        for person in self.people:
            self.provider.person = person
            for issuer in self.issuers():
                self.provider.issuer = issuer
                landing = self.flows.land(HAPPY)
                self.proof = proof_of(self.target, landing.client, landing.before, landing.reply)
                if self.proof:
                    self.provider.other = next(other for other in self.people if other["sub"] != person["sub"])
                    self.who = who(self._session(landing.client))
                    return landing, ""
                why = why or self._unproved(landing)
                if METADATA in self.provider.asked or time.monotonic() > self.end:
                    break  # it knows its issuer from the document
        return None, why

    def issuers(self) -> list[str]:
        """Named, registered, asked about, or guessed from where the browser is sent."""
        named = self.target.settings.oauth.issuer if self.target.settings.oauth is not None else None
        if named:
            return [named]
        known = [str(data["issuer"]) for data in self.registered.values() if data.get("issuer")]
        flow, _ = self.flows.begin(self.target.new_client())
        where = urlsplit(flow.asked["seatrial_location"])
        origin = f"{where.scheme}://{where.netloc}"
        parts = where.path.strip("/").split("/")
        guessed = [origin, *("/".join([origin, *parts[:n]]) for n in range(len(parts) - 1, 0, -1)), f"{origin}/"]
        same = [issuer for issuer in (*known, *openid.ISSUERS) if urlsplit(issuer).netloc == where.netloc]
        return list(dict.fromkeys([*same, *known, *guessed]))

    def _unproved(self, landing: Landing) -> str:
        if TOKEN not in self.provider.asked:
            return (
                f"the callback {said(landing.reply)}, and no request to the token end point was seen (of a client "
                f"written in C none can be): name the path that takes the code as callback under [tool.seatrial.oauth]"
            )
        return (
            f"the happy flow logged nobody in: the callback {said(landing.reply)}; say under [tool.seatrial.oauth] "
            f"who is let in (claims), what the app takes for the issuer (issuer), or which page shows it (proof)"
        )

    def library(self, flow: Flow, session: frozenset[str]) -> str:
        """The library, where it is what this log-in was begun with: an app may have a client by hand beside it."""
        from seatrial.target import protections

        keys = {protections.oauth_state_key(name, flow.asked.get("state", "")) for name in self.registered}
        return protections.oauth_library(self.target.app) if keys & session else ""

    # ------------------------------------------------------------------ the cases
    def attempts(self, happy: Flow, asked_for: set[str], library: str) -> Iterator[Attempt]:
        openid_ = "openid" in happy.asked.get("scope", "").split()
        able = {USERINFO} & asked_for
        able |= {METADATA} if METADATA in asked_for else set()
        able |= {"client secret"} if self.provider.secret else set()
        able |= {"nonce"} if "nonce" in happy.asked else set()
        able |= {"POST callback"} if self.flows.takes_post(happy) else set()
        old = bool(library) and version(library) < (1, 9)
        for case in cases():
            by_default = case.by_default or (case.once_by_default and old)
            attempt = Attempt(case.name, case.about, case.clause, policy=case.policy, by_default=by_default)
            if case.about not in (STATE, ERROR) and not openid_:
                continue
            if missing := case.needs - able:
                yield replace(attempt, undriven=f"the app uses no {', no '.join(sorted(missing))}")
            elif case.other_provider and not self.others:
                yield replace(attempt, undriven="there is one provider")
            elif time.monotonic() > self.end:
                yield replace(attempt, undriven="the time of a trial was over: raise trial_s")
            else:
                yield self.attempt(case, attempt)

    def attempt(self, case: Case, attempt: Attempt) -> Attempt:
        try:
            landing = self.flows.land(case)
        except NoFlow as error:
            reply = error.reply
            if reply is None or not case.at_the_start or METADATA not in self.provider.asked:
                return replace(attempt, undriven=str(error))
            # it refused the document before it sent anybody away
            raised = reply.raised.type if reply.raised is not None and reply.status >= 500 else ""
            return replace(attempt, status=reply.status, raised=raised, failure=reply.failure)
        reply = landing.reply
        if case.again:
            logged_in = TOKEN in self.provider.asked  # it went to get a token for a state that was used up
        else:
            logged_in = self.proof.holds(self.target, landing.client)
        if case.other_userinfo and logged_in:
            # Whoever takes nothing but the ID token may log in: it is about whom userinfo speaks of.
            found = who(self._session(landing.client))
            if not found or not self.who:
                return replace(attempt, undriven="the session does not say who is logged in")
            logged_in = found != self.who
        return replace(
            attempt,
            logged_in=logged_in,
            status=reply.status,
            raised=reply.raised.type if reply.raised is not None and reply.status >= 500 else "",
            leaked=self._leaked(landing),
            failure=reply.failure,
        )

    def _leaked(self, landing: Landing) -> str:
        verifier = (landing.flow.form or {}).get("code_verifier", "")
        secrets_ = {
            "client_secret": self.provider.secret,
            "access_token": self.provider.access_token,
            "code_verifier": verifier,
        }
        text = landing.reply.text
        return next((name for name, value in secrets_.items() if len(value) > 7 and value in text), "")

    def _session(self, client: FlaskClient) -> dict[str, Any]:
        from seatrial.target.identities import session_of

        return session_of(self.target, client)

    # ------------------------------------------------------------------ host and session
    def hosts(self) -> tuple[Host, ...]:
        """Whether redirect_uri follows what the client says of the host."""
        found = []
        forged = f"{self.target.scheme}://{FORGED_HOST}"
        for header, value in (
            ("Host", FORGED_HOST),
            ("X-Forwarded-Host", FORGED_HOST),
            ("Forwarded", f"host={FORGED_HOST}"),
        ):
            client = self.target.new_client()
            options: dict[str, Any] = {} if self.route.method == "GET" else self.flows.token(client)
            headers = {**options.pop("headers", {}), header: value}
            if header == "Host" and self.route.method != "GET":
                # the session goes along, as the token belongs to it; a test client would keep it for the other host
                headers |= cookie_header(self.target, client) | {"Origin": forged, "Referer": f"{forged}/"}
                client = type(client)(self.target.app, self.target.app.response_class, use_cookies=False)
            base_url = forged if header == "Host" else None
            reply = self.target.send(
                client, self.route.method, self.route.path, base_url=base_url, headers=headers, **options
            )
            query = parse_qs(urlsplit(reply.header("Location")).query)
            followed = urlsplit(query.get("redirect_uri", [""])[0]).hostname == FORGED_HOST
            found.append(Host(header, reply.status, followed))
        return tuple(found)

    def renewed(self) -> tuple[bool | None, bool]:
        """(whether what was in the session is still there, whether the server's id of it is still the same)."""
        from flask.sessions import SecureCookieSessionInterface

        client = self.target.new_client()
        self.target.send(client, "GET", self.target.public_path or "/")
        try:
            with client.session_transaction(base_url=self.target.base_url) as session:
                session[PLANTED] = "before the log-in"
        except Exception:  # a session of the app's that cannot be opened from outside
            return None, False
        before = self._session_cookie(client)
        if PLANTED not in self._session(client):
            return None, False
        landing = self.flows.land(HAPPY, client)
        if not self.proof.holds(self.target, landing.client):
            return None, False
        by_server = not isinstance(self.target.app.session_interface, SecureCookieSessionInterface)
        after = self._session_cookie(client)
        # What the server keeps may stay, as long as it is found under another id.
        return not by_server and PLANTED in self._session(client), by_server and bool(before) and before == after

    def _session_cookie(self, client: FlaskClient) -> str:
        name = str(self.target.app.config.get("SESSION_COOKIE_NAME", "session"))
        return next((str(cookie.value) for cookie in (client._cookies or {}).values() if cookie.key == name), "")


def _authorization(first: Flow, second: Flow) -> Authorization:
    one, two, form = first.asked, second.asked, first.form or {}

    def fresh(name: str) -> bool:
        return name not in one or one[name] != two.get(name)

    method = one.get("code_challenge_method", "plain") if "code_challenge" in one else ""
    return Authorization(
        challenge=method,
        challenge_fresh=fresh("code_challenge"),
        verifier=_verifier(one["code_challenge"], method, form.get("code_verifier", "")) if method else "",
        state=bool(one.get("state")),
        state_fresh=fresh("state"),
        openid="openid" in one.get("scope", "").split(),
        nonce=bool(one.get("nonce")),
        nonce_fresh=fresh("nonce"),
        redirect_same=form.get("redirect_uri", one.get("redirect_uri")) == one.get("redirect_uri"),
    )


def _verifier(challenge: str, method: str, verifier: str) -> str:
    """What is wrong with it, or empty."""
    if not verifier:
        return "none was sent to the token end point"
    if len(verifier) not in VERIFIER:
        return f"it has {len(verifier)} characters in place of 43 to 128"
    expected = signing.challenge(verifier) if method == "S256" else verifier
    return "" if challenge == expected else "it does not belong to the challenge"


def version(library: str) -> tuple[int, ...]:
    """Of `Authlib 1.9.10`, as numbers."""
    return tuple(int(part) for part in library.rpartition(" ")[2].split(".")[:2] if part.isdecimal())
