"""What a hermetic pytest tells `seatrial check` while it works: pickles over one inherited descriptor."""

from __future__ import annotations

import os
import signal
from typing import Any

from seatrial.host.protocol import Channel, PeerGone


class Stream:
    """One-way. Without a descriptor it swallows what it is given: `pytest --seatrial` by hand has nobody to tell."""

    def __init__(self, channel: Channel | None) -> None:
        self._channel = channel

    @classmethod
    def open(cls, fd: int | None) -> Stream:
        if fd is None:
            return cls(None)
        os.set_inheritable(fd, False)
        return cls(Channel(-1, fd))

    @property
    def active(self) -> bool:
        return self._channel is not None

    def send(self, event: str, *values: Any) -> None:
        if self._channel is not None:
            try:
                self._channel.send((event, values))
            except PeerGone:
                # The command is gone, so nobody wants the result: end as if Ctrl-C had been pressed here.
                self._channel = None
                os.kill(os.getpid(), signal.SIGINT)
