"""The Flask extension that counts and times the statements of every request in production.

    from seatrial.monitor import Monitor

    Monitor(app)                    # or: monitor = Monitor(); monitor.init_app(app)

It writes a log line for each slow statement and for each request over its limits, answers `X-Seatrial-Token` with
Server-Timing, and feeds Prometheus and OpenTelemetry where the app uses them. docs/monitor.md is its page.

It runs inside the users' app: nothing here raises into a request, nothing grows with traffic, and importing it costs
what Flask and SQLAlchemy have not loaded already: hardly anything.
"""

from seatrial.monitor.extension import Monitor
from seatrial.monitor.route_limits import limits
from seatrial.monitor.settings import MonitorError

__all__ = ["Monitor", "MonitorError", "limits"]
