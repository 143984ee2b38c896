"""Length-prefixed pickles over two private pipes.

Pickle is acceptable here because both ends are ours and the descriptors are inherited by exactly one child; nothing of
the app's ever writes to them (it has neither the numbers nor, being closed on exec, the descriptors).
"""

import os
import pickle
import select
import struct
import time
from typing import Any

_HEADER = struct.Struct("<Q")


class PeerGone(EOFError):
    """The other end closed its pipe, or died."""


class DeadlinePassed(TimeoutError):
    """The other end said nothing in time."""


class Channel:
    """One end of a conversation. Not thread-safe: a host answers one command at a time."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._owner = os.getpid()

    def send(self, value: Any) -> None:
        """Raises PeerGone when nobody reads any more."""
        if os.getpid() != self._owner:
            # A process that the app forked and that fell back into our loop: it must never speak for the host.
            os._exit(0)
        body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        view = memoryview(_HEADER.pack(len(body)) + body)
        try:
            while view:
                view = view[os.write(self._write_fd, view) :]
        except BrokenPipeError:
            raise PeerGone from None

    def receive(self, deadline_s: float | None = None) -> Any:
        """The next value. Raises PeerGone, or DeadlinePassed after `deadline_s` seconds."""
        end = None if deadline_s is None else time.monotonic() + deadline_s
        (size,) = _HEADER.unpack(self._read_exactly(_HEADER.size, end))
        return pickle.loads(self._read_exactly(size, end))

    def _read_exactly(self, size: int, end: float | None) -> bytes:
        parts: list[bytes] = []
        while size:
            if end is not None:
                ready, _, _ = select.select([self._read_fd], [], [], max(0.0, end - time.monotonic()))
                if not ready:
                    raise DeadlinePassed
            part = os.read(self._read_fd, min(size, 1 << 20))
            if not part:
                raise PeerGone
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        for fd in (self._read_fd, self._write_fd):
            if fd >= 0:
                os.close(fd)
        self._read_fd = self._write_fd = -1
