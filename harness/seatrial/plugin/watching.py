"""Follows the requests of every Flask app of this process by Flask's signals, and counts what each one sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, ParamSpec

import flask

from seatrial.model import envelope
from seatrial.model.evidence import Exchange, Limits
from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.rules import Context
from seatrial.observe.attribution import attribution
from seatrial.observe.callsite import CallSites
from seatrial.observe.markup import marks
from seatrial.observe.redaction import safe_headers
from seatrial.observe.statements import LAST_ATTRIBUTED, Recording, record
from seatrial.plugin import seen
from seatrial.plugin.strays import Strays
from seatrial.plugin.traffic import Key, Log

P = ParamSpec("P")

BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are looked at: enough for the head of a page, and for every error."""


@dataclass(slots=True, eq=False)
class Visit:
    """A request under way."""

    key: Key | None
    """None: no route answers it."""
    recording: Recording
    scope: ExitStack
    shared: bool
    """It runs in an app context that the test had pushed."""
    thread: int = field(default_factory=threading.get_ident)
    status: int = 0
    streams: bool = False
    scheme: str = "http"
    api: bool = False
    """An API client sent it."""
    answer: flask.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    """The beginning, where a rule wants to see it."""

    def keep(self, part: Any) -> None:
        if isinstance(part, bytes) and len(self.body) < BODY_LIMIT:
            self.body += part[:BODY_LIMIT]


def _harmless(handler: Callable[P, None]) -> Callable[P, None]:
    """A handler of a signal runs inside the team's request: it may fail to count, and nothing else."""

    @wraps(handler)
    def guarded(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            handler(*arguments, **options)
        except Exception as error:
            watch = arguments[0]
            assert isinstance(watch, Watch)
            watch.log.missed[f"{type(error).__name__}: {error}"] += 1

    return guarded


class Watch:
    """From `begin` to `end`. Safe with several apps, nested clients and threads."""

    def __init__(self, log: Log, limits: Limits, root: object) -> None:
        self.log = log
        self._context = Context(limits=limits)
        self._attribution = attribution(str(root))
        self.strays = Strays(CallSites(str(root)))
        self._open: dict[int, Visit] = {}
        """By the identity of the request, which is alive as long as its visit."""
        self._unread: dict[int, Visit] = {}
        """Those whose streamed body was not read to its end, by their identity."""
        self._lock = threading.Lock()

    def begin(self) -> None:
        for signal, handler in self._handlers():
            signal.connect(handler, weak=False)
        self.strays.begin()

    def end(self) -> None:
        for signal, handler in self._handlers():
            signal.disconnect(handler)
        self.strays.end()

    def _handlers(self) -> Iterable[tuple[Any, Any]]:
        return (
            (flask.request_started, self.on_started),
            (flask.request_finished, self.on_finished),
            (flask.got_request_exception, self.on_exception),
            (flask.request_tearing_down, self.on_torn_down),
        )

    # ------------------------------------------------------------------ Flask's signals
    @_harmless
    def on_started(self, app: flask.Flask, **_: Any) -> None:
        request, rule = flask.request, flask.request.url_rule
        key = (app.import_name, request.method, rule.rule, rule.endpoint) if rule is not None else None
        scope = ExitStack()
        recording = scope.enter_context(record(attribute=self._attribution, attributed=(1, LAST_ATTRIBUTED)))
        visit = self._open[_identity()] = Visit(key, recording, scope, _shares_app_context())
        visit.scheme = request.scheme
        accept, sent = request.headers.get("Accept", ""), request.mimetype
        visit.api = envelope.from_api_client(rule.rule if rule is not None else request.path, accept, sent)

    @_harmless
    def on_finished(self, app: flask.Flask, response: flask.Response, **_: Any) -> None:
        visit = self._current()
        if visit is None:
            return
        visit.status = response.status_code
        visit.answer = response
        if _is_stray(visit.status):
            request = flask.request
            self.strays.answered(request.environ, request.method, request.path, visit.status)
        # A file that is handed through sends no statements, and servers look at its type.
        if response.is_streamed and not response.direct_passthrough:
            visit.streams = True
            self._unread[id(visit)] = visit
            response.response = _Stream(response.response, visit, self._read)
        elif not response.is_streamed and (visit.status >= 400 or response.mimetype == "text/html"):
            for part in response.iter_encoded():
                visit.keep(part)

    @_harmless
    def on_exception(self, app: flask.Flask, **_: Any) -> None:
        visit = self._current()
        if visit is not None and not visit.status:
            visit.status = 500  # replaced where the app answers it; under TESTING nothing else comes

    @_harmless
    def on_torn_down(self, app: flask.Flask, **_: Any) -> None:
        # A preserved context (`with client:`) is torn down twice: the second time nothing is open.
        visit = self._open.pop(_identity(), None)
        if visit is not None:
            self._leave(visit)

    def tidy(self, *, everything: bool = False) -> None:
        """After each test, what this thread has left: a teardown function that raised has kept Flask from sending its
        signal, and a body that nobody read (an error page is a stream to Flask) is not read any more."""
        for identity, visit in list(self._open.items()):
            if everything or visit.thread == threading.get_ident():
                self._open.pop(identity, None)
                with suppress(Exception):
                    self._leave(visit)
        for visit in list(self._unread.values()):
            if everything or visit.thread == threading.get_ident():
                with suppress(Exception):
                    self._read(visit)

    # ------------------------------------------------------------------ counting
    def _current(self) -> Visit | None:
        return self._open.get(_identity())

    def _leave(self, visit: Visit) -> None:
        visit.scope.close()
        if not visit.streams:
            self._count(visit)

    def _read(self, visit: Visit) -> None:
        """A streamed body has come to its end, or has been given up."""
        if self._unread.pop(id(visit), None) is not None:
            self._count(visit)

    def _count(self, visit: Visit) -> None:
        statements = visit.recording.statements()
        with self._lock:
            if visit.key is None:
                self.log.unserved += 1
                return
            _, method, rule, endpoint = visit.key
            exchange = Exchange(
                Route(method, rule, endpoint),
                ANONYMOUS,
                rule,
                visit.status,
                scheme=visit.scheme,
                statements=tuple(statements),
                marks=marks(visit.body.decode("utf-8", "replace")),
            )
            if visit.answer is not None:
                headers, media_type = safe_headers(visit.answer.headers.items()), visit.answer.mimetype or ""
                exchange = replace(exchange, headers=headers, content_type=media_type.lower())
            traffic = self.log.of(visit.key)
            seen.statements(traffic, exchange, self._context, shared=visit.shared)
            if visit.answer is not None:
                seen.answer(traffic, exchange, self._context, api=visit.api, body=bytes(visit.body))


class _Stream:
    """A streamed body that counts what is sent while it is read."""

    def __init__(self, body: Any, visit: Visit, done: Callable[[Visit], None]) -> None:
        self._body, self._parts, self._visit, self._done = body, iter(body), visit, done

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._visit.recording.resume():
            try:
                part = next(self._parts)
                self._visit.keep(part)
                return part
            except BaseException:
                self._ended()
                raise

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                with self._visit.recording.resume():
                    close()
        finally:
            self._ended()

    def _ended(self) -> None:
        with suppress(Exception):
            self._done(self._visit)


def _identity() -> int:
    return id(flask.request._get_current_object())  # type: ignore[attr-defined]


def _is_stray(status: int) -> bool:
    """No route serves the request, and the app has said so: a redirect to the right URL or a catch-all page serves."""
    refusal = flask.request.routing_exception
    return getattr(refusal, "code", None) in (404, 405) and status in (404, 405)


def _shares_app_context() -> bool:
    """Whether Flask reused an app context that was already there, and with it its session and identity map.

    Private to Flask 2.3 to 3.1: a request context notes None for the app context that it did not push. From 3.2 on each
    request pushes its own.
    """
    current = getattr(flask.globals, "_cv_request", None)
    tokens = getattr(current.get(None) if current is not None else None, "_cv_tokens", None)
    return isinstance(tokens, list) and isinstance(tokens[-1], tuple) and tokens[-1][-1] is None
