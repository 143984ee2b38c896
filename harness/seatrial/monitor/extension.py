"""`Monitor`: reads the settings, puts the WSGI layer around the app, registers what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from seatrial.monitor import tally
from seatrial.monitor.settings import Options, read
from seatrial.monitor.watch import Watch

if TYPE_CHECKING:
    from flask import Flask

NAME = "seatrial.monitor"
"""Key in `app.extensions`."""


class Monitor:
    """`Monitor(app)`, or `Monitor()` and `init_app(app)` for each app. Options go before `app.config`.

    Raises:
        MonitorError: The settings cannot be used; the message has all mistakes.
    """

    def __init__(self, app: Flask | None = None, **options: Unpack[Options]) -> None:
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Watch this app. A second time changes nothing: two layers would count everything twice."""
        if NAME in app.extensions:
            return
        settings = read(app.config, self._options)
        if not settings.enabled:
            return
        metrics = None
        if settings.prometheus:
            from seatrial.monitor.metrics import AppMetrics

            metrics = AppMetrics(settings, app.name)
            if settings.metrics_path is not None:
                metrics.add_endpoint(app)
        tally.install()
        watch = Watch(app, settings, metrics)
        app.after_request_funcs.setdefault(None, []).insert(0, watch.note_response)
        app.teardown_request_funcs.setdefault(None, []).append(watch.note_route)
        app.extensions[NAME] = watch
        app.wsgi_app = watch  # type: ignore[method-assign]
