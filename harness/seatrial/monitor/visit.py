"""One request as the monitor sees it, from the first byte to the end of the stream."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from seatrial.monitor.tally import Tally, current

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from seatrial.monitor.watch import Watch

UNMATCHED = "(unmatched)"
"""Stands for the rule of a request that no route served; its path is an outsider's text and never written."""
OTHER_METHOD = "OTHER"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
KEY = "seatrial.monitor"
"""Key of the WSGI environment under which the innermost visit of a request stands."""


class Visit:
    """What is known of a request while it is served, and what is done when it ends."""

    __slots__ = (
        "_environ",
        "_send",
        "_started",
        "_watch",
        "finished",
        "method",
        "span",
        "status",
        "tally",
        "total_s",
    )

    def __init__(self, watch: Watch, environ: WSGIEnvironment, send: StartResponse) -> None:
        self._watch = watch
        self._environ = environ
        self._send = send
        self._started = perf_counter()
        self.tally = Tally(watch.slow_s)
        self.method = method if (method := environ.get("REQUEST_METHOD", "")) in METHODS else OTHER_METHOD
        self.status = 0
        """0: nothing was sent."""
        self.span: Any = None
        self.finished = False
        self.total_s = 0.0
        environ[KEY] = self

    # ------------------------------------------------------------------------------------------------ facts
    @property
    def rule(self) -> str:
        return self.tally.rule or UNMATCHED

    @property
    def endpoint(self) -> str:
        return self.tally.endpoint

    @property
    def status_class(self) -> str:
        return f"{self.status // 100}xx" if self.status else "aborted"

    # ------------------------------------------------------------------------------------------------ the response
    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
        try:
            self.status = int(status[:3])
            # Werkzeug leaves the request here until its context goes. A before_request hook would not do: another that
            # answers keeps later ones from running.
            self.tally.served_by(self._environ.get("werkzeug.request"))
            self._watch.begins_to_answer(self)
            if self._is_asked():
                headers = [*headers, *self._server_timing()]
        except Exception:
            self._watch.guard.failed("response")
        return self._send(status, headers, *exc_info)

    def _is_asked(self) -> bool:
        """Whether the request brought the token. Without a configured token nobody can."""
        token = self._watch.token
        if token is None:
            return False
        given: str = self._environ.get("HTTP_X_SEATRIAL_TOKEN", "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), token)

    def _server_timing(self) -> list[tuple[str, str]]:
        value = f'sql;dur={self.tally.seconds * 1000:.1f};desc="{self.tally.count}"'
        # a shared cache must not hand this answer to those who did not ask
        return [("Server-Timing", value), ("Vary", "X-Seatrial-Token")]

    def ended(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The app has returned: what is complete ends here, a stream when the server closes it."""
        if self.tally.stream and type(body) not in (list, tuple) and not _is_file(body, self._environ):
            return Stream(self, body)
        self.finish()
        return body

    def finish(self) -> None:
        """Report, once."""
        if self.finished:
            return
        self.finished = True
        self.total_s = perf_counter() - self._started
        self.tally.open = False
        # Another monitored app, mounted inside this one, has answered, and reported.
        if self._environ.get(KEY) is self:
            self._watch.report(self)

    def fail(self, error: BaseException) -> None:
        """An exception left the app: the server will answer 500. Anything else than an Exception aborts the request."""
        if isinstance(error, Exception):
            self.status = 500
        self.finish()


def _is_file(body: object, environ: WSGIEnvironment) -> bool:
    """A file for the server to send by itself, which it recognises by its type."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class Scope:
    """Statements sent inside count for the tally."""

    __slots__ = ("_tally", "_token")

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __enter__(self) -> None:
        self._token = current.set(self._tally)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            current.reset(self._token)
        except ValueError:  # left in another context than it was entered in
            current.set(None)


class Stream:
    """A body that counts while it is made, and ends the visit when it is closed."""

    __slots__ = ("_body", "_chunks", "_visit")

    def __init__(self, visit: Visit, body: Iterable[bytes]) -> None:
        self._visit = visit
        self._body = body
        self._chunks: Iterator[bytes] | None = None

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        with Scope(self._visit.tally):
            if self._chunks is None:
                self._chunks = iter(self._body)
            return next(self._chunks)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                with Scope(self._visit.tally):
                    close()
        finally:
            self._visit.finish()
