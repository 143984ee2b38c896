"""Follows the requests of every Flask app of this process by Flask's signals, and counts what each one sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec

import flask

from seatrial.model.evidence import Exchange, Limits
from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.rules import Context
from seatrial.observe.attribution import attribution
from seatrial.observe.statements import Recording, record
from seatrial.plugin.traffic import Key, Log
from seatrial.rules import sql

P = ParamSpec("P")


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
        self._open: dict[int, Visit] = {}
        """By the identity of the request, which is alive as long as its visit."""
        self._unread: dict[int, Visit] = {}
        """Those whose streamed body was not read to its end, by their identity."""
        self._lock = threading.Lock()

    def begin(self) -> None:
        for signal, handler in self._handlers():
            signal.connect(handler, weak=False)

    def end(self) -> None:
        for signal, handler in self._handlers():
            signal.disconnect(handler)

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
        rule = flask.request.url_rule
        key = (app.import_name, flask.request.method, rule.rule, rule.endpoint) if rule is not None else None
        scope = ExitStack()
        recording = scope.enter_context(record(attribute=self._attribution))
        self._open[_identity()] = Visit(key, recording, scope, _shares_app_context())

    @_harmless
    def on_finished(self, app: flask.Flask, response: flask.Response, **_: Any) -> None:
        visit = self._current()
        if visit is None:
            return
        visit.status = response.status_code
        # A file that is handed through sends no statements, and servers look at its type.
        if response.is_streamed and not response.direct_passthrough:
            visit.streams = True
            self._unread[id(visit)] = visit
            response.response = _Stream(response.response, visit, self._read)

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
            traffic = self.log.of(visit.key)
            exchange = Exchange(
                Route(method, rule, endpoint), ANONYMOUS, rule, visit.status, statements=tuple(statements)
            )
            (traffic.low if visit.shared else traffic.counts)[len(exchange.counted)] += 1
            traffic.statuses[visit.status] += 1
            limit = self._context.limits.slow_statement_ms
            traffic.slow += sum(s.elapsed_ms > limit for s in exchange.counted)
            repeated = sql.repeated_statement(exchange, self._context).findings
            wrote = sql.write_on_safe_method(exchange, self._context).findings
            traffic.repeats += bool(repeated)
            traffic.writes += bool(wrote)
            for finding in (*repeated, *wrote):
                where = f" at {finding.place.path}:{finding.place.line}" if finding.place else ""
                # Numbers differ from request to request: the statement and its line say enough.
                what = str(finding.evidence.get("sql", ""))[:80]
                traffic.note(f"{finding.rule} {method} {rule}{where}: {what}")


class _Stream:
    """A streamed body that counts what is sent while it is read."""

    def __init__(self, body: Any, visit: Visit, done: Callable[[Visit], None]) -> None:
        self._body, self._parts, self._visit, self._done = body, iter(body), visit, done

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._visit.recording.resume():
            try:
                return next(self._parts)
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


def _shares_app_context() -> bool:
    """Whether Flask reused an app context that was already there, and with it its session and identity map.

    Private to Flask 2.3 to 3.1: a request context notes None for the app context that it did not push. From 3.2 on each
    request pushes its own.
    """
    current = getattr(flask.globals, "_cv_request", None)
    tokens = getattr(current.get(None) if current is not None else None, "_cv_tokens", None)
    return isinstance(tokens, list) and isinstance(tokens[-1], tuple) and tokens[-1][-1] is None
