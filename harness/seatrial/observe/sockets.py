"""The socket guard: no connection, datagram or look-up beyond what `observe.outbound` permits.

Two lines. The methods of `socket.socket` and the look-up functions of `socket` are wrapped: they refuse before
anything is looked up, and `connect_ex` can answer with a number as its callers expect. Behind them an audit hook sees
what goes to the C module directly (gevent's sockets, `from socket import getaddrinfo` before the installation). An
audit hook can never be removed; while nothing is installed it returns at once.

Not seen by either: sockets opened in C, by libpq (psycopg, psycopg2), libcurl, gRPC or a resolver such as c-ares.
"""

import errno
import functools
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from seatrial.observe import outbound

_installed = False
_lock = threading.Lock()
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


def install() -> None:
    """Wrap and hook, once and for good; `outbound` decides."""
    global _installed
    with _lock:
        if _installed:
            return
        _installed = True
        _wrap_methods(socket.socket)
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            setattr(socket, name, _guarded_lookup(getattr(socket, name)))
        sys.addaudithook(_audit)


def _check(host: Any, port: Any) -> None:
    """Raises ConnectionRefusedError, an OSError like that of a closed port, which apps are used to."""
    if not outbound.is_permitted(host, port):
        raise ConnectionRefusedError(errno.ECONNREFUSED, outbound.refuse(host, port))


def _check_address(sock: Any, address: Any) -> None:
    # a Unix socket's address is a path; other families (netlink, vsock) lead nowhere outside
    if isinstance(address, tuple) and len(address) >= 2 and sock.family in _INTERNET:
        _check(address[0], address[1])


def _check_name(host: Any, port: Any = None) -> None:
    # Its own name is looked up by many programs when they start, and leads to no other machine.
    if not outbound.may_resolve(host) and host != socket.gethostname():
        raise ConnectionRefusedError(errno.ECONNREFUSED, outbound.refuse(host, port))


def _wrap_methods(of: type[socket.socket]) -> None:
    connect, connect_ex, sendto, sendmsg = of.connect, of.connect_ex, of.sendto, of.sendmsg

    @functools.wraps(connect)
    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check_address(self, address)
        connect(self, address)

    @functools.wraps(connect_ex)
    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        try:
            _check_address(self, address)
        except ConnectionRefusedError:
            return errno.ECONNREFUSED
        return connect_ex(self, address)

    @functools.wraps(sendto)
    def guarded_sendto(self: socket.socket, data: Any, *args: Any) -> int:
        if args:
            _check_address(self, args[-1])
        return sendto(self, data, *args)

    @functools.wraps(sendmsg)
    def guarded_sendmsg(
        self: socket.socket, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /
    ) -> int:
        _check_address(self, address)
        return sendmsg(self, buffers, ancdata, flags, address)

    for name, guarded in (
        ("connect", guarded_connect),
        ("connect_ex", guarded_connect_ex),
        ("sendto", guarded_sendto),
        ("sendmsg", guarded_sendmsg),
    ):
        setattr(of, name, guarded)


def _guarded_lookup(lookup: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(lookup)
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        _check_name(host, args[0] if args else kwargs.get("port"))
        found = lookup(host, *args, **kwargs)
        outbound.learn(host, _addresses(found))
        return found

    return guarded


def _addresses(found: Any) -> list[str]:
    """The addresses in an answer of getaddrinfo, gethostbyname or gethostbyname_ex."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, tuple):
        return list(found[2])
    return [str(entry[4][0]) for entry in found]


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):  # the hook sees every import and every file opened: leave quickly
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check_address(args[0], args[1])
    elif event == "socket.getaddrinfo":
        _check_name(args[0], args[1])
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        _check_name(args[0])
