"""HTTP requests to other machines, answered in place: nothing is sent, looked up or encrypted.

`http.client` is the bottom of urllib, urllib3 1 and 2, requests, botocore, httplib2 and most SDKs. Its subclasses
each have a `connect` of their own, so the stand-in is put on the connection **object** when it is made: instead of
connecting it gives the object a socket that takes the request and has the answer ready. httpx and aiohttp have
transports of their own; they are patched when the app imports them, so a trial without them does not pay for them.
"""

import functools
import http.client
import io
import socket
import threading
from http import HTTPStatus
from types import ModuleType
from typing import Any

from seatrial.observe import outbound
from seatrial.observe.addresses import plain_host
from seatrial.observe.imports import when_imported

LONGEST_REQUEST = 1024 * 1024
"""Bytes of a request that are kept: its head, and of its body what a peer reads and an interceptor compares."""
_installed = False
_lock = threading.Lock()


def install() -> None:
    """Put the stand-ins in, once and for good; `outbound` decides what is stood in for."""
    global _installed
    with _lock:
        if _installed:
            return
        _installed = True
        _patch_http_client()
        when_imported("httpx", _patch_httpx)
        when_imported("aiohttp", _patch_aiohttp)


# ---------------------------------------------------------------------------------------------------- http.client
def _patch_http_client() -> None:
    of = http.client.HTTPConnection
    init, set_tunnel, putrequest = of.__init__, of.set_tunnel, of.putrequest

    @functools.wraps(init)
    def standing_init(self: http.client.HTTPConnection, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        if not outbound.is_permitted(self.host, self.port):
            _stand_in(self)

    @functools.wraps(set_tunnel)
    def standing_set_tunnel(self: http.client.HTTPConnection, *args: Any, **kwargs: Any) -> None:
        set_tunnel(self, *args, **kwargs)
        # a proxy on loopback leads out: what counts is where the tunnel ends
        host, port = getattr(self, "_tunnel_host", None), getattr(self, "_tunnel_port", None)
        if host and not outbound.is_permitted(host, port):
            _stand_in(self)

    @functools.wraps(putrequest)
    def standing_putrequest(self: http.client.HTTPConnection, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        if "://" in url and self.sock is None:  # through a proxy, without a tunnel
            authority = url.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
            host, _, port = authority.partition(":") if "]" not in authority else (authority, "", "")
            if not outbound.is_permitted(host, port or 80):
                _stand_in(self)
        putrequest(self, method, url, *args, **kwargs)

    for name, patched in (
        ("__init__", standing_init),
        ("set_tunnel", standing_set_tunnel),
        ("putrequest", standing_putrequest),
    ):
        setattr(of, name, patched)


def _stand_in(connection: Any) -> None:
    """Shadow the object's `connect`, whatever its class makes of it."""

    def connect() -> None:
        connection.sock = _AnsweringSocket(connection)
        if hasattr(connection, "is_verified"):  # urllib3 warns of unverified TLS otherwise
            connection.is_verified = True

    connection.connect = connect


class _AnsweringSocket:
    """Takes one request and holds its answer. As much of a socket as HTTP clients ask for."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._sent = bytearray()
        self._answer: io.BytesIO | None = None
        self._pair: tuple[socket.socket, socket.socket] | None = None

    def sendall(self, data: Any, *_: Any) -> None:
        if len(self._sent) < LONGEST_REQUEST:
            self._sent += bytes(data)

    def send(self, data: Any, *_: Any) -> int:
        self.sendall(data)
        return len(data)

    def makefile(self, mode: str = "rb", buffering: int | None = None, **_: Any) -> io.RawIOBase | io.BufferedReader:
        """Several may be open on one answer and go on where the last stopped, as on a socket (botocore does that)."""
        reader = _Reader(self._answered())
        return reader if buffering == 0 else io.BufferedReader(reader)

    def _answered(self) -> io.BytesIO:
        if self._answer is None:
            of = self._connection
            scheme = "https" if of.default_port == 443 else "http"
            # set_tunnel() names the real host where the connection's own is a proxy
            host, port = getattr(of, "_tunnel_host", None) or of.host, getattr(of, "_tunnel_port", None) or of.port
            self._answer = io.BytesIO(_response(_ask(self._sent, scheme, host, port)))
        return self._answer

    def recv(self, size: int = -1, *_: Any) -> bytes:
        return self._answered().read(size)

    def fileno(self) -> int:
        """A descriptor that is readable at once: some clients wait for the answer with select()."""
        if self._pair is None:
            self._pair = socket.socketpair()
            self._pair[1].sendall(b".")
        return self._pair[0].fileno()

    def close(self) -> None:
        if self._pair is not None:
            for end in self._pair:
                end.close()
            self._pair = None

    def gettimeout(self) -> float | None:
        return None

    def getpeername(self) -> tuple[str, int]:
        return (str(self._connection.host), int(self._connection.port or 0))

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 0)

    def getpeercert(self, *_: Any) -> dict[str, Any]:
        return {}

    def ignore(self, *_: Any, **__: Any) -> None:
        """Settings of a socket that is none."""

    settimeout = setblocking = setsockopt = shutdown = ignore


class _Reader(io.RawIOBase):
    """A view of an answer; closing it leaves the answer open."""

    def __init__(self, answer: io.BytesIO) -> None:
        super().__init__()
        self._answer = answer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._answer.readinto(buffer)


def _parsed(sent: bytes | bytearray) -> tuple[str, str, dict[str, str], bytes]:
    """(method, target, headers by lower-case name, body as far as it was sent) of a request on the wire."""
    head, _, body = bytes(sent).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(body)
    return (words[0], words[1], headers, body) if len(words) >= 2 else ("", "/", headers, body)


def _unchunked(body: bytes) -> bytes:
    found, rest = b"", body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            break
        found, rest = found + rest[:length], rest[length + 2 :]
        if not length:
            break
    return found


def _complete(sent: bytes | bytearray) -> bool:
    """Whether a request on the wire has come to its end, as far as its head says where that is."""
    head, separator, body = bytes(sent).partition(b"\r\n\r\n")
    if not separator:
        return False
    _, _, headers, _ = _parsed(head + separator)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return body.endswith(b"0\r\n\r\n")
    length = headers.get("content-length", "")
    return not length.isdecimal() or len(sent) >= LONGEST_REQUEST or len(body) >= int(length)


def _ask(sent: bytes | bytearray, scheme: str, host: Any, port: Any) -> outbound.Answer:
    """What the stand-in says to a request as it was sent."""
    method, target, headers, body = _parsed(sent)
    if "://" in target:
        return outbound.answer(method, target, headers, body)
    name = plain_host(host)
    url = f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{target}"
    return outbound.answer(method, url, headers, body)


def _response(answer: outbound.Answer) -> bytes:
    """On the wire. The connection is closed afterwards, so none is kept for another request."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    head = (
        f"HTTP/1.1 {answer.status} {phrase}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + answer.body


# ---------------------------------------------------------------------------------------------------- httpx
def _patch_httpx(httpx: ModuleType) -> None:
    handle, handle_async = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def stood_in(request: Any, body: bytes) -> Any:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            answer = outbound.answer(request.method, str(request.url), headers, body)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error), request=request) from error
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return httpx.Response(answer.status, headers={"Content-Type": answer.content_type}, content=answer.body)

    def permitted(request: Any) -> bool:
        url = request.url
        return outbound.is_permitted(url.host, url.port or (443 if url.scheme == "https" else 80))

    @functools.wraps(handle)
    def standing_handle(self: Any, request: Any) -> Any:
        return handle(self, request) if permitted(request) else stood_in(request, request.read())

    @functools.wraps(handle_async)
    async def standing_handle_async(self: Any, request: Any) -> Any:
        if permitted(request):
            return await handle_async(self, request)
        return stood_in(request, await request.aread())

    httpx.HTTPTransport.handle_request = standing_handle
    httpx.AsyncHTTPTransport.handle_async_request = standing_handle_async


# ---------------------------------------------------------------------------------------------------- aiohttp
def _patch_aiohttp(aiohttp: ModuleType) -> None:
    from asyncio import Transport

    create = aiohttp.TCPConnector._create_connection

    class AnsweringTransport(Transport):
        """Feeds the answer to aiohttp's protocol as soon as the request is written."""

        def __init__(self, protocol: Any, request: Any, loop: Any) -> None:
            super().__init__()
            self._protocol, self._request, self._loop = protocol, request, loop
            self._sent = bytearray()
            self._answered = self._closing = False

        def write(self, data: Any) -> None:
            if len(self._sent) < LONGEST_REQUEST:
                self._sent += bytes(data)
            if not self._answered and _complete(self._sent):
                self._answered = True
                url = self._request.url
                wire = _response(_ask(self._sent, url.scheme, url.host, url.port))
                self._loop.call_soon(self._protocol.data_received, wire)

        def is_closing(self) -> bool:
            return self._closing

        def close(self) -> None:
            if not self._closing:
                self._closing = True
                self._loop.call_soon(self._protocol.connection_lost, None)

        abort = close

        def is_reading(self) -> bool:
            return not self._closing

        def pause_reading(self) -> None:
            """The answer is given in one piece."""

        resume_reading = pause_reading

        def get_write_buffer_size(self) -> int:
            return 0

    @functools.wraps(create)
    async def standing_create(self: Any, req: Any, *args: Any, **kwargs: Any) -> Any:
        if outbound.is_permitted(req.url.host, req.url.port):
            return await create(self, req, *args, **kwargs)
        protocol = self._factory()
        protocol.connection_made(AnsweringTransport(protocol, req, self._loop))
        return protocol

    aiohttp.TCPConnector._create_connection = standing_create
