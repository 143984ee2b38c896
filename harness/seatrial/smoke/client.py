"""One request to a deployment, and whatever came of it: an answer, or why there is none. Nothing here raises.

Every request has a deadline for all of it, name and handshake included, so that a server that drips a byte per second
holds up nobody; bodies are read up to a limit. Redirects are answers like others, proxies of the environment are not
asked: what stands between us and the deployment is part of what is tried. A connection each: kept ones would hide one
worker of several, and be closed under us by the server.
"""

from __future__ import annotations

import http.client
import io
import json
import select
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from seatrial import __version__
from seatrial.smoke.base import Base

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of a body that are read."""
CHUNK = 64 * 1024
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
AGENT = f"seatrial-smoke/{__version__}"

REFUSED, TIMEOUT, TLS, BROKEN, UNKNOWN_HOST = "refused", "timeout", "tls", "broken", "unknown host"
"""Kinds of failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `failure` says in words why it is none, or not a whole one."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    elapsed_ms: float = 0.0
    failure: str = ""
    kind: str = ""
    """Of the failure."""
    cut: bool = False
    """The body was longer than is read."""

    def header(self, name: str) -> str:
        """All values of a header joined by comma, or empty."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def content_type(self) -> str:
        """Media type, lower case."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body in the charset that it says, whatever of it cannot be read replaced."""
        charset = self.header("Content-Type").lower().partition("charset=")[2].partition(";")[0].strip("\"' ")
        try:
            return self.body.decode(charset or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """Raises ValueError where the body is no JSON."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one address."""

    base: Base
    timeout_s: float = 10.0
    context: ssl.SSLContext | None = None
    """Of https; None for http."""
    token: str = field(default="", repr=False)
    """Sent as `X-Seatrial-Token`."""
    body_limit: int = BODY_LIMIT

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """One request, at most `timeout_s` long. `path` is the app's own, with its query."""
        started = time.monotonic()
        limit = timeout_s or self.timeout_s
        until = started + limit
        peer: socket.socket | None = None
        received: tuple[tuple[str, str], ...] = ()
        status, read, cut = 0, bytearray(), False
        failure = kind = ""
        try:
            peer = connect(self.base, until, self.context)
            reply = self._sent(peer, until, method, path, headers or {}, body)
            status, received = reply.status, tuple(reply.getheaders())
            while chunk := reply.read1(CHUNK):
                read += chunk
                if len(read) > self.body_limit:
                    del read[self.body_limit :]
                    cut = True
                    break
            if reply.length and not cut:  # `read1` takes an early end for the end
                failure, kind = f"broke off after {len(read)} bytes", BROKEN
        except http.client.IncompleteRead:
            failure, kind = f"broke off after {len(read)} bytes", BROKEN
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure, kind = said_of(error, limit, began=bool(status))
        finally:
            if peer is not None:
                peer.close()
        elapsed = (time.monotonic() - started) * 1000
        content, cut = self._plain(bytes(read), received, cut)
        return Answer(status, received, content, elapsed, failure, kind, cut)

    def _sent(
        self, peer: socket.socket, until: float, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> http.client.HTTPResponse:
        """The request is written, and status and headers of the answer are read."""
        connection = http.client.HTTPConnection(self.base.host, self.base.port)
        connection.sock = _Timed(peer, until)
        told = {
            "Host": self.base.netloc,
            "User-Agent": AGENT,
            "Accept": BROWSER,
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if self.token:
            told["X-Seatrial-Token"] = self.token
        if body is not None:
            told["Content-Length"] = str(len(body))
        connection.putrequest(method, quote(f"{self.base.prefix}{path}", safe=_KEPT), True, True)
        for name, value in (told | dict(headers)).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse()

    def _plain(self, body: bytes, headers: Iterable[tuple[str, str]], cut: bool) -> tuple[bytes, bool]:
        """Unpacked, where a server packs what was asked for plain; no longer than the limit."""
        packed = any(name.lower() == "content-encoding" and "gzip" in value.lower() for name, value in headers)
        if not packed or not body:
            return body, cut
        unpacker = zlib.decompressobj(wbits=47)
        try:
            unpacked = unpacker.decompress(body, self.body_limit)
        except zlib.error:
            return body, cut
        return unpacked, cut or bool(unpacker.unconsumed_tail)


_KEPT = "/?#[]@!$&'()*+,;=:%~-._"
"""Characters of a path that are sent as they are."""


def connect(base: Base, until: float, context: ssl.SSLContext | None) -> socket.socket:
    """A connection, over TLS where there is a context. Raises OSError."""
    peer = socket.create_connection((base.host, base.port), timeout=left(until))
    if context is None:
        return peer
    try:
        peer.setblocking(False)
        wrapped = context.wrap_socket(peer, server_hostname=base.host, do_handshake_on_connect=False)
    except BaseException:
        peer.close()
        raise
    try:
        while True:
            try:
                wrapped.do_handshake()
                return wrapped
            except ssl.SSLWantReadError:
                select.select([wrapped], [], [], left(until))
            except ssl.SSLWantWriteError:
                select.select([], [wrapped], [], left(until))
    except BaseException:
        wrapped.close()
        raise


def left(until: float) -> float:
    """Seconds until then. Raises TimeoutError where it is over."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Timed:
    """A socket as http.client uses it, in which every wait ends at one moment."""

    def __init__(self, peer: socket.socket, until: float) -> None:
        self._peer, self._until = peer, until

    def sendall(self, data: Any) -> None:
        self._peer.settimeout(left(self._until))
        self._peer.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._peer, self._until))

    def close(self) -> None:
        """The connection is told that it ends with this answer, and the answer is still to be read."""


class _Reader(io.RawIOBase):
    def __init__(self, peer: socket.socket, until: float) -> None:
        super().__init__()
        self._peer, self._until = peer, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._peer.settimeout(left(self._until))
        return self._peer.recv_into(buffer)


def said_of(error: Exception, limit_s: float, *, began: bool = False) -> tuple[str, str]:
    """(in words, kind) of what went wrong. `began`: the head of the answer had come."""
    match error:
        case TimeoutError():
            return f"{'was not complete' if began else 'did not answer'} within {limit_s:g} s", TIMEOUT
        case ssl.SSLCertVerificationError():
            return f"has a certificate that is not trusted ({certificate_problem(error)})", TLS
        case ssl.SSLError():
            return f"could not agree on TLS ({(error.reason or 'no reason').replace('_', ' ').lower()})", TLS
        case socket.gaierror():
            return "has a name that cannot be resolved", UNKNOWN_HOST
        case ConnectionRefusedError():
            return "refused the connection", REFUSED
        case ConnectionResetError() | BrokenPipeError() | http.client.RemoteDisconnected():
            return "reset the connection", BROKEN
        case http.client.HTTPException() | ValueError():
            return f"sent what is no HTTP ({type(error).__name__})", BROKEN
        case _:
            return f"could not be reached ({(error.strerror if isinstance(error, OSError) else '') or error})", REFUSED


def certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    """OpenSSL's words, as far as they say something."""
    return (error.verify_message or "not valid").removesuffix(".")
