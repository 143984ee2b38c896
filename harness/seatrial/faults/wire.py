"""The child's side of a broken request: numbers the boundaries that it crosses, tells them, and breaks one of them.

| boundary | crossed |
|---|---|
| `begin` | before the app is called |
| `sql` | before each statement |
| `commit<`, `commit>` | before and after each commit |
| `http<`, `http>` | before and after a peer has got a call |
| `response` | the app returned; the sender has nothing yet |
| `answered` | the sender has the whole answer; what runs afterwards is still to come |

What is told goes through a pipe, a line of JSON each: it is there even if the process dies right after.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from dataclasses import dataclass
from typing import Any

BEGIN, SQL, BEFORE_COMMIT, AFTER_COMMIT = "begin", "sql", "commit<", "commit>"
BEFORE_CALL, AFTER_CALL, RESPONSE, ANSWERED = "http<", "http>", "response", "answered"
DEATH, ERROR, CONSTRAINT, LOST_ACK = "death", "error", "constraint", "lost-ack"
OUTBOUND, DOWN, POISON = "outbound", "down", "poison"
"""SIGKILL; the driver's own error; a row that a constraint refuses; an error after the commit was made; a call refused
(`http<`) or timed out (`http>`); no database during the whole request; the driver's error each time that a statement on
a table comes."""
GATED_KINDS = frozenset({SQL, BEFORE_COMMIT, RESPONSE})
"""Where two requests can change places: before what the database sees, and at the end."""
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and at which boundary (0: not at a number)."""

    mode: str
    at: int = 0
    table: str = ""
    """Of POISON: the statements that fail are those that write to it."""


class Wire:
    """Armed once in a child process; every hook asks it with `hit`."""

    def __init__(self, tell_fd: int, go_fds: tuple[int, ...] = (), fault: Fault | None = None) -> None:
        """`go_fds`: one per worker where each boundary waits for leave; without any nothing waits."""
        self._tell_fd, self._go_fds, self.fault = tell_fd, go_fds, fault
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._count = 0

    def work_as(self, worker: int) -> None:
        """The calling thread is this worker from now on."""
        self._local.worker = worker

    @property
    def worker(self) -> int:
        worker: int = getattr(self._local, "worker", 0)
        return worker

    @property
    def gated(self) -> bool:
        return bool(self._go_fds)

    def tell(self, **message: Any) -> None:
        """One line to the parent, whole or not at all."""
        if os.getpid() == self._owner:
            with self._lock:
                os.write(self._tell_fd, (json.dumps(message) + "\n").encode())

    def hit(self, kind: str, detail: str = "", backend: int = 0) -> str:
        """A boundary is crossed: the fault that is to happen here, or an empty string. A death does not return."""
        if os.getpid() != self._owner:  # a process that the app has forked: nobody waits for it
            return ""
        with self._lock:
            self._count += 1
            number = self._count
            waits = self.gated and kind in GATED_KINDS
            line = {"b": number, "k": kind, "d": detail[:LONGEST], "w": self.worker, "p": backend, "g": waits}
            os.write(self._tell_fd, (json.dumps(line) + "\n").encode())
        if waits:
            os.read(self._go_fds[min(self.worker, len(self._go_fds) - 1)], 1)
        fault = self.fault
        if fault is None or fault.at != number:
            return ""
        if fault.mode == DEATH:
            os.kill(self._owner, signal.SIGKILL)
        return fault.mode

    def poisoned(self, statement: str) -> bool:
        """Whether this statement is one that fails whenever it comes."""
        fault = self.fault
        if fault is None or fault.mode != POISON:
            return False
        words = statement.replace('"', " ").replace("(", " ").lower().split()
        return words[:1] != ["select"] and fault.table.lower() in words


class LogWitness(logging.Handler):
    """Tells that something was logged as a warning or worse; never what."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(logging.WARNING)
        self._wire = wire

    def emit(self, record: logging.LogRecord) -> None:
        self._wire.tell(log=record.levelname, name=record.name)
