"""One request to the app in a child: the boundaries around it, and the threads that it leaves behind."""

from __future__ import annotations

import contextvars
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from seatrial.faults import hooks
from seatrial.faults.wire import ANSWERED, BEGIN, RESPONSE, Wire

LINGER_S = 2.0
"""How long threads of the app may go on after the answer: a server's process lives on, too."""

Environ = dict[str, Any]
Request = Callable[[], Environ]
"""Makes the WSGI environment of one delivery, signed anew."""
Work = Callable[[Wire], None]


def single(app: Callable[..., Any], request: Request) -> Work:
    """The work of a child that sends one request."""

    def work(wire: Wire) -> None:
        hooks.install(wire)
        _as_worker(0, app, request, wire)
        _linger()

    return work


def twofold(app: Callable[..., Any], request: Request) -> Work:
    """The work of a child that sends the same request from two threads at once."""

    def work(wire: Wire) -> None:
        hooks.install(wire)
        threads = [threading.Thread(target=_as_worker, args=(n, app, request, wire)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _linger()

    return work


def calling(entry: Callable[[], Any]) -> Work:
    """The work of a child that calls a function of the app's own, such as its retry."""

    def work(wire: Wire) -> None:
        hooks.install(wire)
        entry()
        wire.tell(status=200, w=0)
        _linger()

    return work


def _as_worker(number: int, app: Callable[..., Any], request: Request, wire: Wire) -> None:
    wire.work_as(number)
    # A fresh context: an app context that the parent has left pushed would share its session with the request.
    contextvars.Context().run(_send, app, request(), wire)
    wire.tell(end=number)


def _send(app: Callable[..., Any], environ: Environ, wire: Wire) -> None:
    wire.hit(BEGIN)
    seen: list[str] = []

    def start_response(status: str, *_: Any) -> Callable[[bytes], None]:
        seen[:] = [status]
        return lambda _: None

    def raised(_: Any, exception: BaseException, **__: Any) -> None:
        wire.tell(raised=type(exception).__name__)

    from flask import got_request_exception

    try:
        with got_request_exception.connected_to(raised):
            body = app(environ, start_response)
    except Exception:
        # Left the app (debug mode, TESTING): a server would have answered 500.
        wire.tell(status=500, w=wire.worker)
        return
    wire.hit(RESPONSE)
    digest = hashlib.sha256()
    try:
        for part in _parts(body):
            digest.update(part)
        status = int(seen[0].split()[0])
    except Exception:
        status = 500
    wire.tell(status=status, w=wire.worker, digest=digest.hexdigest()[:16])
    wire.hit(ANSWERED)
    if hasattr(body, "close"):
        body.close()


def _parts(body: Any) -> Iterator[bytes]:
    yield from body


def _linger() -> None:
    end = time.monotonic() + LINGER_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, end - time.monotonic()))
