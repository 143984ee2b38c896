"""The provider that a trial plays: discovery, keys, tokens and userinfo, with one thing wrong at a time.

It is recognised by what is asked, not by where: a form with `grant_type` is the token end point, a bearer token is
userinfo. So clients are answered that are made by hand and know their end points by heart.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from seatrial.observe import openid
from seatrial.observe.outbound import Answer, Request
from seatrial.trials.oauth import signing
from seatrial.trials.oauth.cases import HAPPY, Case

_KEYS = re.compile(r"jwks|/certs?\b|/keys?\b", re.IGNORECASE)
METADATA, KEYS, TOKEN, USERINFO = "discovery document", "keys", "token", "userinfo"


@dataclass(slots=True)
class Flow:
    """One log-in, from the authorization request on."""

    asked: dict[str, str]
    """Parameters of the authorization request."""
    code: str
    form: dict[str, str] | None = None
    """What the token end point got."""


class Provider:
    """Answers everything that a client asks a provider; `case` says what is wrong with the answers."""

    def __init__(self, person: dict[str, Any]) -> None:
        self.person = person
        self.other = person
        """Whom userinfo speaks of where it speaks of somebody else."""
        self.issuer = ""
        self.case: Case = HAPPY
        self.asked: set[str] = set()
        """Kinds of requests since a case began."""
        self.secret = ""
        self.access_token = ""
        self.error: Exception | None = None
        self._flows: dict[str, Flow] = {}

    def play(self, case: Case) -> None:
        self.case = case
        self.asked.clear()

    def authorize(self, location: str) -> Flow:
        """The browser comes to the authorization end point and gets a code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        flow = Flow(asked, secrets.token_urlsafe(12))
        self._flows[flow.code] = flow
        return flow

    def __call__(self, request: Request) -> Answer | None:
        """A mistake of ours must not look like one of the app's: `error` keeps it."""
        try:
            return self._answer(request)
        except Exception as error:
            self.error = error
            raise

    def _answer(self, request: Request) -> Answer | None:
        fields = _fields(request)
        if request.method == "GET" and (document := openid.document(request.url)) is not None:
            self.asked.add(METADATA)
            self.issuer = str(document["issuer"])
            self.case.metadata(document)
            return _answer(200, document)
        if request.method == "POST" and "grant_type" in fields:
            self.asked.add(TOKEN)
            return self._token(request, fields)
        if self.access_token and self.access_token in (
            request.headers.get("authorization", "").partition(" ")[2],
            fields.get("access_token"),
        ):
            self.asked.add(USERINFO)
            return self._userinfo(request)
        if request.method == "GET" and _KEYS.search(urlsplit(request.url).path):
            self.asked.add(KEYS)
            return _answer(200, signing.public())
        return None

    def _token(self, request: Request, form: dict[str, str]) -> Answer:
        self.secret = form.get("client_secret") or _basic(request) or self.secret
        flow = self._flows.get(form.get("code", ""))
        if flow is None:
            return _answer(400, {"error": "invalid_grant"})
        flow.form = form
        if self.case.response is not None:
            status, body = self.case.response
            return Answer(status, body.encode(), "application/json" if body[:1] == "{" else "text/html")
        self.access_token = secrets.token_urlsafe(16)
        body_: dict[str, Any] = {"access_token": self.access_token, "token_type": "Bearer", "expires_in": 300}
        if "openid" in flow.asked.get("scope", "").split():
            body_["id_token"] = self._id_token(flow)
        self.case.body(body_)
        return _answer(200, body_)

    def _id_token(self, flow: Flow) -> str:
        now, client = int(time.time()), flow.asked.get("client_id", "")
        claims = {
            **self.person,
            "iss": self.issuer,
            "aud": client,
            "exp": now + 300,
            "iat": now,
            "at_hash": signing.at_hash(self.access_token),
        }
        if "nonce" in flow.asked:
            claims["nonce"] = flow.asked["nonce"]
        self.case.claims(claims, client)
        header: dict[str, Any] = {"alg": "RS256", "kid": signing.KID}
        if self.case.token is not None:
            return self.case.token(header, claims, self.secret)
        return signing.signed(header, claims)

    def _userinfo(self, request: Request) -> Answer:
        person = self.other if self.case.other_userinfo else self.person
        if urlsplit(request.url).path.endswith("/emails"):  # GitHub has them apart
            return _answer(200, [{"email": person.get("email"), "primary": True, "verified": True}])
        return _answer(200, {"id": person.get("sub"), "login": person.get("preferred_username"), **person})


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode())


def _fields(request: Request) -> dict[str, str]:
    """Query and body, as a form or as JSON."""
    found = parse_qs(urlsplit(request.url).query)
    body = request.body.decode("utf-8", "replace")
    if "json" in request.headers.get("content-type", ""):
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        return {name: str(value) for name, value in parsed.items()} if isinstance(parsed, dict) else {}
    return {name: values[0] for name, values in (found | parse_qs(body)).items()}


def _basic(request: Request) -> str:
    """The client's secret where it is sent as a password."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return ""
    try:
        return unquote(base64.b64decode(text).decode().partition(":")[2])
    except ValueError:
        return ""
