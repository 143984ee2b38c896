"""Outbound calls of the app under trial: never made, answered by a stand-in, recorded.

    install(allow=[("db.internal", 5432)], stand_ins=[StandIn("https://mail.example/*", 202, {"queued": True})])
    ...                                 # now import the app
    with outbound_calls() as calls:     # list[OutboundCall], in the order tried
        client.post("/checkout")

| the app uses | what happens |
|---|---|
| http.client and all built on it: urllib, urllib3, requests, boto3, stripe … | answered without a connection or TLS |
| httpx, sync and async; aiohttp | the same |
| any other Python socket: smtplib, redis, dnspython … | ConnectionRefusedError at once, without a look-up |
| loopback, Unix sockets, `allow` | untouched |
| a client written in C (libpq, libcurl, gRPC) | **not seen** |

Answers are 200 `{}` as application/json unless a StandIn says otherwise; a discovery document of OpenID Connect is one
that names its end points, so that a log-in can begin. A trial that plays a peer itself gives the answers with
`responding`. Mail: a try to reach a mail server is
refused and recorded with its host and port (25, 465, 587), the message is not looked at; a server on loopback is
reached. libpq opens its sockets itself, so databases are confined by `observe.connections`, not here.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from json import dumps
from typing import Any
from urllib.parse import urlsplit

from seatrial.model.evidence import OutboundCall
from seatrial.model.findings import Place
from seatrial.observe import openid, threads
from seatrial.observe.addresses import is_loopback, plain_host

_DEFAULT_PORTS = {"http": 80, "https": 443}
STRAY_CALLS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class StandIn:
    """An answer for the URLs that match. The first of several that match wins."""

    url: str
    """A glob over scheme, host, port (unless the scheme's own) and path, without the query: `https://mail.example/*`."""
    status: int = 200
    json: Any = field(default_factory=dict)
    """None: no body at all, as for services that speak XML (S3)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request that the app meant to send."""

    method: str
    url: str
    """Absolute, with its query and without the port that is the scheme's own."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the stand-in says to one HTTP request."""

    status: int
    body: bytes
    content_type: str = "application/json"


Interceptor = Callable[[Request, Callable[[], Answer]], Answer]
"""Stands around the stand-in: it may call it for the answer, or raise an OSError in its place."""


@dataclass(slots=True)
class _Policy:
    allowed: frozenset[tuple[str, int | None]]
    stand_ins: tuple[StandIn, ...]
    site: Callable[[], Place | None]
    resolved: set[tuple[str, int | None]] = field(default_factory=set)
    """Addresses that names in `allowed` turned out to have, with the port allowed there."""


class _Calls(list[OutboundCall]):
    """The calls of one scope; those of a scope nested inside count here as well."""

    def __init__(self, outer: "_Calls | None") -> None:
        super().__init__()
        self.outer = outer

    def follow(self, work: "threading.Thread | Future[Any]") -> None:
        """Threads started inside are in scope; nothing is to be kept of them."""

    def keep(self, call: OutboundCall) -> None:
        self.append(call)
        if self.outer is not None:
            self.outer.keep(call)


Responder = Callable[[Request], Answer | None]
"""A peer that a trial plays. None: not its business, the stand-ins answer."""

_policy: _Policy | None = None
_responder: Responder | None = None
_claimed: set[tuple[str, int | None]] = set()
_interceptor: Interceptor | None = None
_calls: ContextVar[_Calls | None] = ContextVar("seatrial_outbound_calls", default=None)
_strays: deque[OutboundCall] = deque(maxlen=STRAY_CALLS_KEPT)


def install(
    *,
    allow: Iterable[tuple[str, int | None]] = (),
    stand_ins: Sequence[StandIn] = (),
    site: Callable[[], Place | None] = lambda: None,
) -> None:
    """Close the way out. Call it before the app is imported; another call replaces what is given.

    `allow` names hosts (or addresses) with a port, or None for every port. `site` is asked for the app's own line
    while a call is being made.
    """
    global _policy
    # imported here: both ask this module what is permitted
    from seatrial.observe import http_stand_ins, sockets

    threads.carry(_calls)
    threads.install()
    _policy = _Policy(frozenset((plain_host(host), port) for host, port in allow), tuple(stand_ins), site)
    sockets.install()
    http_stand_ins.install()


def uninstall() -> None:
    """Open the way out again. The guards stay in place and let everything pass."""
    global _policy
    _policy = None


def intercept(interceptor: Interceptor | None) -> None:
    """Let every HTTP request that is not sent pass through this first; None: no longer."""
    global _interceptor
    _interceptor = interceptor


@contextmanager
def responding(responder: Responder) -> Iterator[None]:
    """Let `responder` answer first, in every thread."""
    global _responder, _claimed
    before = _responder, _claimed
    _responder, _claimed = responder, set()
    try:
        yield
    finally:
        _responder, _claimed = before


def claim(url: str) -> None:
    """Answer the host and port of this URL as well where they are this machine's, while somebody is `responding`."""
    parts = urlsplit(url)
    if parts.hostname:
        _claimed.add((plain_host(parts.hostname), parts.port or _DEFAULT_PORTS.get(parts.scheme)))


@contextmanager
def outbound_calls() -> Iterator[list[OutboundCall]]:
    """The calls that the block tries to make, its threads and tasks included. Nested scopes count in both."""
    calls = _Calls(_calls.get())
    token = _calls.set(calls)
    try:
        yield calls
    finally:
        try:
            _calls.reset(token)
        except ValueError:  # left in another context than it was entered in
            _calls.set(None)


def stray_calls() -> tuple[OutboundCall, ...]:
    """The last 1000 calls tried outside of every scope: while the app was imported and built, for example."""
    return tuple(_strays)


# ------------------------------------------------------------------------------------------------ asked by the guards
def is_permitted(host: str | bytes | None, port: int | str | None) -> bool:
    """Whether the app may talk to this host or address. True while nothing is installed."""
    policy = _policy
    name, number = plain_host(host), _number(port)
    if (name, number) in _claimed:
        return False
    if policy is None or is_loopback(host):
        return True
    ways = {(name, None), (name, number)}
    return not ways.isdisjoint(policy.allowed) or not ways.isdisjoint(policy.resolved)


def may_resolve(host: str | bytes | None) -> bool:
    """Whether a name may be looked up: that of a host which may be reached on some port."""
    policy = _policy
    if policy is None or is_loopback(host):
        return True
    name = plain_host(host)
    return any(name == known for known, _ in (*policy.allowed, *policy.resolved))


def learn(host: str | bytes | None, addresses: Iterable[str]) -> None:
    """What a permitted name was resolved to: the same ports are permitted there."""
    policy = _policy
    if policy is not None and not is_loopback(host):
        ports = [port for known, port in policy.allowed if known == plain_host(host)]
        policy.resolved.update((plain_host(address), port) for address in addresses for port in ports)


def refuse(host: str | bytes | None, port: int | str | None) -> str:
    """Record a connection that is refused; the sentence for the exception."""
    number = _number(port)
    name = plain_host(host)
    _record(OutboundCall(name, number))
    where = name if number is None else f"{name}:{number}"
    return (
        f"Seatrial refused a connection to {where}: in a trial the app reaches this machine only; "
        f"to permit it, name the host in allow_hosts under [tool.seatrial]"
    )


def answer(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """Record an HTTP request that is not sent; what the stand-in answers. `url` is absolute.

    Raises what an interceptor raises: an OSError, as a network would.
    """
    request = Request(method.upper(), _absolute(url), headers or {}, body)
    if _interceptor is None:
        return _answered(request)
    return _interceptor(request, lambda: _answered(request))


def _absolute(url: str) -> str:
    """With a path, and without the port that is the scheme's own."""
    parts = urlsplit(url)
    host, port = _peer(url)
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    plain = f"{parts.scheme}://{shown_host}{shown_port}{parts.path or '/'}"
    return f"{plain}?{parts.query}" if parts.query else plain


def _peer(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    return plain_host(parts.hostname), port


def _answered(request: Request) -> Answer:
    """What the peer that a trial plays says, else the stand-in."""
    host, port = _peer(request.url)
    path = urlsplit(request.url).path
    if _responder is not None and (said := _responder(request)) is not None:
        _record(OutboundCall(host, port, request.method, path, said.status))
        return said
    plain_url = request.url.partition("?")[0]
    stand_ins = _policy.stand_ins if _policy is not None else ()
    chosen = next((s for s in stand_ins if fnmatchcase(plain_url, s.url)), None) or StandIn(
        plain_url, json=openid.document(plain_url) or {}
    )
    # these have no body by definition; a client would wait for the next answer
    bodiless = chosen.json is None or chosen.status in (204, 304) or chosen.status < 200
    _record(OutboundCall(host, port, request.method, path, chosen.status))
    return Answer(chosen.status, b"" if bodiless else dumps(chosen.json).encode())


def _number(port: int | str | None) -> int | None:
    """None for the name of a service (`http`), which only a look-up could turn into a number."""
    return int(port) if isinstance(port, int) or (isinstance(port, str) and port.isdecimal()) else None


def _record(call: OutboundCall) -> None:
    calls = _calls.get()
    if _policy is not None and (place := _policy.site()) is not None:
        call = replace(call, place=place)
    if calls is None:
        _strays.append(call)
    else:
        calls.keep(call)
