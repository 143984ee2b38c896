"""What a hermetic pytest tells `seatrial check` while it works: pickles over one inherited descriptor."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from typing import Any

from seatrial.host.protocol import Channel, PeerGone
from seatrial.model.outcomes import ExitCode

PATIENCE_S = 8.0
"""Seconds to close in order after the command is gone; then this process ends at once, and its hosts with it."""


class Stream:
    """One-way. Without a descriptor it swallows what it is given: `pytest --seatrial` by hand has nobody to tell."""

    def __init__(self, channel: Channel | None) -> None:
        self._channel = channel

    @classmethod
    def open(cls, fd: int | None) -> Stream:
        if fd is None:
            return cls(None)
        os.set_inheritable(fd, False)
        # A command that was started in the background hands down that SIGINT is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_end_with_reader, args=(fd,), name="seatrial-stream", daemon=True).start()
        return cls(Channel(-1, fd))

    @property
    def active(self) -> bool:
        return self._channel is not None

    def send(self, event: str, *values: Any) -> None:
        if self._channel is not None:
            try:
                self._channel.send((event, values))
            except PeerGone:
                self._channel = None  # nobody wants the result; the watching thread ends us


def _end_with_reader(fd: int) -> None:
    """Wait until nobody reads any more (the command was killed), then end as if Ctrl-C had been pressed here."""
    poll = select.poll()
    poll.register(fd, 0)  # errors are always reported, and a pipe without a reader is one
    poll.poll()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(PATIENCE_S)
    os._exit(int(ExitCode.INTERRUPTED))
