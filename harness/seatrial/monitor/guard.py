"""Mistakes of the monitor's own: counted, told once per part, never raised."""

from __future__ import annotations

from contextlib import suppress

from seatrial.monitor.lines import LOGGER


class Guard:
    def __init__(self) -> None:
        self.failures: dict[str, int] = {}
        """How often each part (`start`, `statements`, `response`, `metrics`, `span`, `log`) has failed."""

    def count(self, part: str, times: int = 1) -> int:
        self.failures[part] = self.failures.get(part, 0) + times
        return self.failures[part]

    def failed(self, part: str) -> None:
        """To be called while the exception is handled."""
        if self.count(part) == 1:
            with suppress(Exception):  # the log may be what is broken
                LOGGER.error(
                    "seatrial.monitor: its %s failed; requests go on, later failures are only counted "
                    "in app.extensions['seatrial.monitor'].guard.failures",
                    part,
                    exc_info=True,
                )
