"""Log-in with an OpenID provider: Authlib, with everything pinned that it leaves to the provider.

    openid = OpenIdLogin()
    openid.init_app(app, issuer=…, client_id=…, client_secret=…, redirect_uri="https://shop.example/auth/callback")

    @bp.get("/auth/start")
    def start():
        return openid.start()

    @bp.get("/auth/callback")
    def callback():
        try:
            person = openid.finish()
        except LoginRefused:
            return redirect(url_for("auth.login"))
        login_user(account_of(person.issuer, person.subject))
        return redirect(url_for("home"))

Needs `pip install 'seatrial[oauth]'`.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_client import OAuth  # type: ignore[import-untyped]
from flask import Flask, current_app, request, session
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

__all__ = ["LoginRefused", "OpenIdLogin", "Person", "renew_session"]

log = logging.getLogger(__name__)

LIFETIME = 600
"""Seconds from the start of a log-in to its callback."""
PENDING = 4
"""Log-ins that one browser may have begun: the session is a cookie of 4 kB at most."""
TIMEOUT = 10
"""Seconds that the provider has for an answer."""
_LEEWAY = 120


class LoginRefused(Unauthorized):
    """This log-in did not work. Where nobody catches it the answer is 401; `reason` is for the log alone."""

    def __init__(self, reason: str) -> None:
        super().__init__("This log-in did not work.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider vouches for. An account belongs to (issuer, subject), never to an unverified address."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class _Provider:
    client: Any
    issuer: str
    client_id: str
    redirect_uri: str
    algorithms: tuple[str, ...]


class OpenIdLogin:
    """One provider. Make it once; `init_app` binds it to an app."""

    def __init__(self, name: str = "openid") -> None:
        self.name = name

    def init_app(
        self,
        app: Flask,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        scope: str = "openid email profile",
        algorithms: Sequence[str] = ("RS256",),
    ) -> None:
        """`redirect_uri` is absolute, so that no Host header decides where the provider sends a code.

        Raises:
            ValueError: It is not.
        """
        if not redirect_uri.startswith(("https://", "http://")):
            raise ValueError(f'redirect_uri must be absolute ("https://…"), but is "{redirect_uri}"')
        client = OAuth(app).register(
            self.name,
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": scope, "code_challenge_method": "S256", "timeout": TIMEOUT},
        )
        client.framework.expires_in = LIFETIME
        provider = _Provider(client, issuer, client_id, redirect_uri, tuple(algorithms))
        app.extensions.setdefault("seatrial.oauth", {})[self.name] = provider

    @property
    def configured(self) -> bool:
        """Whether `init_app` was called for the current app."""
        return self.name in current_app.extensions.get("seatrial.oauth", {})

    def start(self) -> Response:
        """Send the browser to the provider. Raises LoginRefused where that cannot be reached."""
        provider = self._provider
        for key in self._pending()[: -PENDING + 1]:
            session.pop(key)
        try:
            self._metadata()
            response: Response = provider.client.authorize_redirect(provider.redirect_uri)
        except LoginRefused:
            raise
        except Exception as error:
            raise _refused(error) from error
        return response

    def finish(self) -> Person:
        """The person who comes back; the session is a new one. Raises LoginRefused, and nothing else."""
        try:
            nonce = self._checked_callback()
            person = self._person(self._token(), nonce)
        except LoginRefused as refused:
            log.warning("log-in refused: %s", refused.reason)
            raise
        except Exception as error:
            # Authlib has errors of its own, requests', joserfc's and plain ValueErrors for what a provider may answer.
            raise _refused(error) from error
        finally:
            session.pop(self._key(request.args.get("state", "")), None)
        renew_session()
        return person

    # ------------------------------------------------------------------ what Authlib leaves open
    def _metadata(self) -> dict[str, Any]:
        metadata: dict[str, Any] = self._provider.client.load_server_metadata()
        _insist(metadata.get("issuer") == self._provider.issuer, "the discovery document is another issuer's")
        return metadata

    def _checked_callback(self) -> str:
        """The nonce of the log-in that comes back."""
        sent = request.args
        _insist(request.method == "GET" and "error" not in sent, "the provider answered with an error")
        _insist(len(sent.getlist("state")) == 1, "no state, or several")
        pending: Any = session.get(self._key(sent["state"]))
        begun = isinstance(pending, dict) and pending.get("exp", 0) > time.time()
        _insist(begun and bool(pending["data"]["nonce"]), "no such log-in was begun here")
        announced = self._metadata().get("authorization_response_iss_parameter_supported") is True
        issuer = self._provider.issuer
        _insist(sent.get("iss", "" if announced else issuer) == issuer, "the answer is another issuer's")
        return str(pending["data"]["nonce"])

    def _token(self) -> dict[str, Any]:
        provider = self._provider
        token: dict[str, Any] = provider.client.authorize_access_token(
            claims_options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "values": [provider.client_id]},
                "sub": {"essential": True},
            }
        )
        _insist(bool(token.get("access_token")), "no access token")
        _insist(str(token.get("token_type")).lower() == "bearer", "not a bearer token")
        _insist(bool(token.get("id_token")) and bool(token.get("userinfo")), "no ID token")
        return token

    def _person(self, token: dict[str, Any], nonce: str) -> Person:
        provider, claims = self._provider, dict(token["userinfo"])
        header = _header(str(token["id_token"]))
        # A discovery document may allow `none`; its signature was checked by the algorithm that it names itself.
        _insist(header.get("alg") in provider.algorithms, "an algorithm that was not agreed on")
        # Older releases of Authlib pass over critical headers, and over the nonce where the token says so.
        _insist("crit" not in header, "a header that nobody here understands")
        _insist(claims.get("nonce") == nonce, "another log-in's nonce")
        _insist(str(header.get("typ", "JWT")).upper() == "JWT", "a token of another kind")
        audience = claims.get("aud")
        _insist(provider.client_id in (audience if isinstance(audience, list) else [audience]), "another's audience")
        _insist(float(claims["iat"]) > time.time() - LIFETIME - _LEEWAY, "an old ID token")
        subject = claims.get("sub")
        _insist(isinstance(subject, str) and bool(subject), "no subject")
        return Person(
            provider.issuer,
            str(subject),
            email=str(claims.get("email") or ""),
            email_verified=claims.get("email_verified") is True,
            name=str(claims.get("name") or ""),
            claims=claims,
        )

    @property
    def _provider(self) -> _Provider:
        provider: _Provider = current_app.extensions["seatrial.oauth"][self.name]
        return provider

    def _key(self, state: str) -> str:
        """Where Authlib keeps what belongs to a state."""
        return f"_state_{self.name}_{state}"

    def _pending(self) -> list[str]:
        """Keys of the log-ins that this browser has begun, the oldest first."""
        found = [key for key in session if key.startswith(self._key(""))]
        return sorted(found, key=lambda key: float(session[key].get("exp", 0)))


def renew_session() -> None:
    """Nothing of the old session is left, and a session that the server keeps gets another id."""
    session.clear()
    regenerate = getattr(current_app.session_interface, "regenerate", None)
    if callable(regenerate):  # Flask-Session
        regenerate(session)


def _header(id_token: str) -> dict[str, Any]:
    part = id_token.partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _insist(holds: bool, reason: str) -> None:
    if not holds:
        raise LoginRefused(reason)


def _refused(error: Exception) -> LoginRefused:
    log.warning("log-in refused: %s", type(error).__name__)
    return LoginRefused(type(error).__name__)
