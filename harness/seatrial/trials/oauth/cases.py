"""Every way in which a provider, an attacker or the network can spoil a log-in: one case, one change, one clause.

What is not here: a log-in that takes hours (a client's own clock cannot be moved from outside), `state` sent twice, a
token of an unknown issue date that is else valid under a key that a set holds twice. No standard decides those.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from seatrial.model.oauth import ERROR, NONCE, STATE, TOKEN
from seatrial.trials.oauth import signing

Claims = dict[str, Any]
EVIL = "https://seatrial-evil.example"
SAME, STRANGER, OTHER = "the same browser", "a browser without a log-in", "a browser with a log-in of its own"
YEAR = 365 * 24 * 3600
CORE = "OpenID Connect Core §3.1.3.7"


def _nothing(*_: Any) -> None:
    """As a provider should."""


@dataclass(frozen=True, slots=True)
class Case:
    """One log-in with one thing wrong."""

    name: str
    about: str = ERROR
    clause: str = ""
    claims: Callable[[Claims, str], Any] = _nothing
    """Changes the claims of the ID token in place; gets the client's id as well."""
    token: Callable[[Claims, Claims, str], str] | None = None
    """Makes the ID token of header, claims and the client's secret."""
    body: Callable[[Claims], Any] = _nothing
    """Changes what the token end point answers in place."""
    response: tuple[int, str] | None = None
    """What the token end point answers instead."""
    metadata: Callable[[Claims], Any] = _nothing
    """Changes the discovery document in place."""
    parameters: Callable[[dict[str, str]], dict[str, str]] = dict
    """Of the callback."""
    browser: str = SAME
    other_userinfo: bool = False
    other_provider: bool = False
    """The state of one provider's log-in at the callback of another."""
    again: bool = False
    """The right callback first; then once more."""
    after_error: bool = False
    """A callback with an error first; then the right one with its state."""
    post: bool = False
    needs: frozenset[str] = frozenset()
    """`discovery document`, `userinfo`, `client secret`, `nonce`, `POST callback`: what the app must be seen to use."""
    policy: bool = False
    by_default: bool = False
    """Authlib 1.9 lets it in where the app asks for nothing more."""
    once_by_default: bool = False
    """Releases before 1.9 did (run with 1.3)."""

    @property
    def at_the_start(self) -> bool:
        """What is wrong can be seen before the browser is sent to the provider."""
        return self.metadata is not _nothing


HAPPY = Case("the happy flow")


def _put(**changes: Any) -> Callable[..., None]:
    return lambda mapping, *_: mapping.update(changes)


def _drop(*names: str) -> Callable[..., None]:
    def drop(mapping: Claims, *_: Any) -> None:
        for name in names:
            mapping.pop(name, None)

    return drop


def _set(**changes: Callable[[str], Any]) -> Callable[[Claims, str], None]:
    """Claims that are made of the client's id."""
    return lambda claims, client: claims.update({name: make(client) for name, make in changes.items()})


def _header(key: str = "own", **changes: Any) -> Callable[[Claims, Claims, str], str]:
    return lambda header, claims, _: signing.signed(header | changes, claims, getattr(signing.keys(), key))


def _no_hash(claims: Claims) -> Claims:
    return {name: value for name, value in claims.items() if name != "at_hash"}


def _embedded(header: Claims, claims: Claims, _: str) -> str:
    key = signing.keys().curve
    jwk = key.as_dict(private=False)
    return signing.signed({**header, "alg": "ES256", "kid": jwk["kid"], "jwk": jwk}, claims, key)


def _without(*names: str, **changes: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda sent: {name: value for name, value in sent.items() if name not in names} | changes


def cases() -> Iterator[Case]:
    """All of them, in the order of the rules. Times are of now."""
    yield from _state()
    yield from _nonce()
    yield from _claims(int(time.time()))
    yield from _signatures()
    yield from _errors()


def _state() -> Iterator[Case]:
    absent = "RFC 6749 §10.12; RFC 9700 §2.1"
    bound = "RFC 9700 §2.1 (bound to the user agent)"
    yield Case("state absent", STATE, absent, parameters=_without("state"))
    yield Case("state empty", STATE, absent, parameters=_without(state=""))
    yield Case("state random", STATE, absent, parameters=_without(state="seatrial-made-this-up"))
    yield Case("state of another browser", STATE, bound, browser=STRANGER)
    yield Case("state of another browser, which is logging in itself", STATE, bound, browser=OTHER)
    yield Case("callback sent twice", STATE, "RFC 9700 §4.7.1 (one-time use)", again=True)
    yield Case("state of one provider at the callback of another", STATE, "RFC 9700 §4.4", other_provider=True)
    yield Case(
        "state used again after an error",
        STATE,
        "RFC 9700 §4.7.1 (one-time use)",
        after_error=True,
        policy=True,
        by_default=True,
    )


def _nonce() -> Iterator[Case]:
    clause, sent = f"{CORE} (11)", frozenset({"nonce"})
    yield Case("nonce missing from the ID token", NONCE, clause, claims=_drop("nonce"), needs=sent)
    yield Case("nonce of another log-in", NONCE, clause, claims=_put(nonce="seatrial-other"), needs=sent)
    yield Case(
        "nonce missing, and nonce_supported=false",
        NONCE,
        clause,
        claims=lambda claims, _: (claims.pop("nonce", None), claims.update(nonce_supported=False)),
        needs=sent,
        once_by_default=True,
    )


def _claims(now: int) -> Iterator[Case]:
    def case(name: str, clause: str, change: Callable[..., Any], **more: Any) -> Case:
        return Case(name, TOKEN, clause, claims=change, **more)

    iss, aud, azp, exp = f"{CORE} (2)", f"{CORE} (3)", f"{CORE} (4, 5)", f"{CORE} (9, 10)"
    yield case("iss of another issuer", iss, _put(iss=EVIL))
    yield case("iss with a slash behind it", iss, lambda c, _: c.update(iss=f"{c['iss']}/"))
    yield case("iss missing", iss, _drop("iss"))
    yield case("aud of another client", aud, _put(aud="another-client"))
    yield case("aud missing", aud, _drop("aud"))
    ours = _set(aud=lambda _: "another-client", azp=str)
    yield case("aud of another client, azp ours", aud, ours, by_default=True)
    yield case("aud empty, azp ours", aud, _set(aud=lambda _: [], azp=str), by_default=True)
    yield case("aud ours and another's, azp missing", azp, _set(aud=lambda client: [client, "another-client"]))
    yield case("azp of another client", azp, _put(azp="another-client"))
    yield case("exp in the past", exp, _put(exp=now - 3600))
    yield case("exp missing", exp, _drop("exp"))
    yield case("iat in the future", exp, _put(iat=now + 3600))
    yield case("iat missing", exp, _drop("iat"))
    yield case("nbf in the future", "RFC 7519 §4.1.5", _put(nbf=now + 3600))
    yield case("sub missing", "OpenID Connect Core §2", _drop("sub"))
    yield case("sub not a string", "OpenID Connect Core §2", _put(sub=5), once_by_default=True)
    yield case("sub empty", "OpenID Connect Core §2", _put(sub=""), policy=True, by_default=True)
    yield case("iat a year ago", exp, _put(iat=now - YEAR), policy=True, by_default=True)
    yield case("at_hash wrong", "OpenID Connect Core §3.1.3.8", _put(at_hash="AAAAAAAAAAAAAAAAAAAAAA"))
    read = frozenset({"discovery document"})
    yield case(
        "issuer of the discovery document is another",
        "OpenID Connect Discovery §4.3; RFC 8414 §3.3",
        _put(iss=EVIL),
        metadata=_put(issuer=EVIL),
        needs=read,
        by_default=True,
    )
    mixed = _put(authorization_response_iss_parameter_supported=True)
    for name, change in (
        ("iss of the callback is another", _without(iss=EVIL)),
        ("iss of the callback missing where it is announced", dict),
    ):
        yield Case(
            name,
            TOKEN,
            "RFC 9207 §2.4",
            metadata=mixed,
            parameters=change,
            needs=read,
            # with one provider there is no other to be mistaken for it
            policy=True,
            by_default=True,
        )
    yield Case(
        "userinfo of somebody else",
        TOKEN,
        "OpenID Connect Core §5.3.2",
        other_userinfo=True,
        needs=frozenset({"userinfo"}),
        by_default=True,
    )
    yield Case("ID token left out", TOKEN, "OpenID Connect Core §3.1.3.3", body=_drop("id_token"))


def _signatures() -> Iterator[Case]:
    def case(name: str, clause: str, make: Callable[[Claims, Claims, str], str], **more: Any) -> Case:
        return Case(name, TOKEN, clause, token=make, **more)

    algorithm, key = f"{CORE} (7); RFC 8725 §3.1", f"{CORE} (6); RFC 7515 §5.2"
    read = frozenset({"discovery document"})
    lists = "id_token_signing_alg_values_supported"
    yield case("alg none", algorithm, lambda _, claims, __: signing.unsigned(claims))
    bare: Callable[..., str] = lambda _, claims, __: signing.unsigned(_no_hash(claims))  # noqa: E731
    yield case("alg none without at_hash", algorithm, bare)
    yield case("alg none, discovery lists nothing", algorithm, bare, metadata=_drop(lists), needs=read)
    yield case(
        "alg none, discovery lists none",
        algorithm,
        bare,
        metadata=_put(**{lists: ["RS256", "none"]}),
        needs=read,
        by_default=True,
    )
    yield case(
        "HS256 with the client's secret",
        algorithm,
        lambda _, claims, secret: signing.symmetric(claims, secret.encode()),
        needs=frozenset({"client secret"}),
    )
    confused: Callable[..., str] = lambda _, claims, __: signing.symmetric(claims, signing.public_pem())  # noqa: E731
    yield case("HS256 with the public key", algorithm, confused)
    yield case(
        "HS256 with the public key, discovery lists it",
        algorithm,
        confused,
        metadata=_put(**{lists: ["RS256", "HS256"]}),
        needs=read,
    )
    yield case("signed with another key under the same kid", key, _header("twin"))
    yield case("signed with an unknown kid", key, _header("twin", kid="seatrial-unknown"))
    yield case("signed with the key that it brings itself", key, _embedded)
    yield case("signature stripped", key, lambda header, claims, _: signing.without_signature(header, claims))
    yield case(
        "unknown critical header",
        "RFC 7515 §4.1.11",
        lambda header, claims, _: signing.critical(header, claims),
        once_by_default=True,
    )
    yield case("an access token (typ at+jwt)", "RFC 9068 §4", _header(typ="at+jwt"), policy=True, by_default=True)


def _errors() -> Iterator[Case]:
    denied, token = "RFC 6749 §4.1.2.1", "RFC 6749 §5.2"
    yield Case("code absent", ERROR, "RFC 6749 §4.1.2", parameters=_without("code"))
    yield Case("error=access_denied", ERROR, denied, parameters=_without("code", error="access_denied"))
    yield Case("error and code", ERROR, denied, parameters=_without(error="server_error"))
    yield Case(
        "POST with error and code",
        ERROR,
        denied,
        parameters=_without(error="access_denied"),
        post=True,
        needs=frozenset({"POST callback"}),
        by_default=True,
    )
    yield Case("token end point answers 400 invalid_grant", ERROR, token, response=(400, '{"error": "invalid_grant"}'))
    yield Case("token end point answers 200 with an error", ERROR, token, response=(200, '{"error": "invalid_grant"}'))
    yield Case("token end point answers 500", ERROR, "RFC 9110 §15.6", response=(500, "<h1>Error</h1>"))
    yield Case("token end point answers no JSON", ERROR, "RFC 6749 §5.1", response=(200, "<h1>Welcome</h1>"))
    yield Case("token end point answers an empty object", ERROR, "RFC 6749 §5.1", response=(200, "{}"))
    yield Case("no access token", ERROR, "RFC 6749 §5.1", body=_drop("access_token"), by_default=True)
    yield Case("token_type mac", ERROR, "RFC 6749 §7.1", body=_put(token_type="mac"), by_default=True)
