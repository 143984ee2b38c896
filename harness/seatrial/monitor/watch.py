"""What the monitor does for one app: the WSGI layer around it, and the report at the end of each request."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import request

from seatrial.monitor import spans
from seatrial.monitor.guard import Guard
from seatrial.monitor.lines import LOGGER, Lines
from seatrial.monitor.route_limits import RouteLimits
from seatrial.monitor.settings import Settings
from seatrial.monitor.tally import current
from seatrial.monitor.visit import Visit

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask, Response

    from seatrial.monitor.metrics import AppMetrics


class Watch:
    """The state of one app; `app.extensions["seatrial.monitor"]`."""

    def __init__(self, app: Flask, settings: Settings, metrics: AppMetrics | None) -> None:
        self.settings = settings
        self.guard = Guard()
        self.token = settings.token.encode() if settings.token else None
        slow = settings.slow_statement_ms
        self.slow_s = float("inf") if slow is None else slow / 1000
        self.wsgi_app: WSGIApplication = app.wsgi_app
        """What is inside; under the name by which others walk through the layers."""
        self._metrics = metrics
        self._limits = RouteLimits(app, settings.limits, settings.route_limits or {})
        self._lines = Lines(settings.app_name or app.name, self._limits, settings.log_lines_per_minute)
        self._limits_checked = False

    @property
    def logs_slow_statements(self) -> bool:
        """A slow statement would leave a line now. (`dictConfig` disables loggers that it does not name.)"""
        return self.settings.slow_statement_ms is not None and LOGGER.isEnabledFor(logging.WARNING)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            visit = Visit(self, environ, start_response)
        except Exception:
            self.guard.failed("start")
            return self.wsgi_app(environ, start_response)
        entered = current.set(visit.tally)
        try:
            body = self.wsgi_app(environ, visit.start_response)
        except BaseException as error:
            _leave(entered)
            visit.fail(error)
            raise
        _leave(entered)
        return visit.ended(body)

    def note_response(self, response: Response) -> Response:
        """Runs after the app's own after_request hooks: only the response knows whether it is complete."""
        tally = current.get()
        if tally is not None and response.is_sequence:
            tally.stream = False
        return response

    def note_route(self, _error: BaseException | None = None) -> None:
        """Runs when the request context goes: the last chance to know the route of a request that got no answer."""
        tally = current.get()
        if tally is not None and not tally.rule:
            tally.served_by(request)

    def begins_to_answer(self, visit: Visit) -> None:
        """The request context is still there; instrumentations end their span when it goes."""
        try:
            visit.span = spans.recording_span()
            if visit.span is not None:
                spans.describe(visit.span, visit)
        except Exception:
            self.guard.failed("span")

    def report(self, visit: Visit) -> None:
        """Nothing that fails in here reaches the request."""
        if visit.tally.lost:
            self.guard.count("statements", visit.tally.lost)
        if self._metrics is not None:
            try:
                self._metrics.observe(visit)
            except Exception:
                self.guard.failed("metrics")
        try:
            span = visit.span or spans.recording_span()
            if span is not None:
                spans.describe(span, visit)
        except Exception:
            self.guard.failed("span")
        try:
            if not self._limits_checked:
                self._limits_checked = True
                for name in self._limits.nowhere():
                    LOGGER.warning("SEATRIAL_ROUTE_LIMITS names %r, which is no route of the app: correct it", name)
            self._lines.write(visit)
        except Exception:
            self.guard.failed("log")


def _leave(entered: Any) -> None:
    try:
        current.reset(entered)
    except ValueError:  # the app came back in another context than it was called in
        current.set(None)
