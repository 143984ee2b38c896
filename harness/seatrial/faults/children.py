"""Children of a process without connections: each does one piece of work, tells what it crosses, and ends.

    with children(lambda wire: send(app), fault=Fault(DEATH, at=7)) as child:
        child.finish(deadline_s=10)
    child.told                      # lines of the wire, also of a child that was killed

A child is killed with its parent (PDEATHSIG) and by its parent (deadline). What it has started itself is reaped, too:
the parent is the sub-reaper of everything below it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from seatrial.faults.wire import Fault, Wire

PRIVATE_FDS: list[int] = []
"""Descriptors of the parent's that no child may keep open: the host's pipes to its runner."""
_ENDS: set[int] = set()
"""Our ends of the pipes to children that live: a brother must not hold them open."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True)

Work = Callable[[Wire], None]


def adopt_orphans() -> None:
    """From now on whatever our children leave behind becomes our own child, and can be ended."""
    with contextlib.suppress(OSError, AttributeError):
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def forking_hazards() -> list[str]:
    """What makes this process a bad parent: threads that a child would lack, connections that it would share."""
    gc.collect()
    found = []
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        found.append(f"the app's process has {threads} threads, of which a forked one has one")
    return found


def sockets() -> int:
    """Open sockets of this process."""
    found = 0
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += os.readlink(fd).startswith("socket:")
    return found


def begin(parent: int) -> None:
    """What every child does first: die with its parent, forget the parent's pipes, be random on its own."""
    with contextlib.suppress(OSError, AttributeError):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    for fd in (*PRIVATE_FDS, *_ENDS):
        with contextlib.suppress(OSError):
            os.close(fd)
    signal.setitimer(signal.ITIMER_REAL, 0)
    random.seed()  # else every child would draw the same numbers, which two processes never do


class Child:
    """One forked process at work."""

    def __init__(self, work: Work, fault: Fault | None = None, gates: int = 0) -> None:
        """`gates`: for how many workers each boundary waits until `go` is called."""
        self.told: list[dict[str, Any]] = []
        self.died = self.hung = self.ended = False
        self._rest = b""
        read_fd, write_fd = os.pipe()
        go = [os.pipe() for _ in range(gates)]
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                begin(parent)
                for fd in (read_fd, *(theirs for _, theirs in go)):
                    os.close(fd)
                gc.disable()
                work(Wire(write_fd, tuple(ours for ours, _ in go), fault))
                code = 0
            except BaseException as error:
                with contextlib.suppress(BaseException):
                    sys.stderr.write(f"seatrial: a child failed: {type(error).__name__}: {error}\n")
                    sys.stderr.flush()
            finally:
                os._exit(code)
        os.close(write_fd)
        self._fd = read_fd
        self._go = []
        for ours, theirs in go:
            os.close(ours)
            self._go.append(theirs)
        os.set_blocking(read_fd, False)
        self._handle = os.pidfd_open(self.pid)
        _ENDS.update((read_fd, self._handle, *self._go))

    @property
    def ends(self) -> tuple[int, int]:
        """Descriptors that become readable when something is told, or when it has ended."""
        return self._fd, self._handle

    # ------------------------------------------------------------------ listening
    def listen(self, seconds: float) -> list[dict[str, Any]]:
        """What is told within that time: returns as soon as there is something, or the child has ended."""
        if self.ended:
            return []
        ready, _, _ = select.select([self._fd, self._handle], [], [], max(0.0, seconds))
        new = self._read() if self._fd in ready else []
        if self._handle in ready and not new:
            new = self._read()
            self._reap()
        return new

    def finish(self, deadline_s: float) -> None:
        """Until it has ended, or was killed because it did not."""
        end = time.monotonic() + deadline_s
        while not self.ended:
            left = end - time.monotonic()
            if left <= 0:
                self.hung = True
                self.kill()
                return
            self.listen(left)

    def go(self, worker: int = 0) -> None:
        """Leave to cross the boundary that a worker waits at."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go[worker], b".")

    def open_gates(self) -> None:
        """From now on nothing waits any more."""
        for fd in self._go:
            _close(fd)
        self._go = []

    def _read(self) -> list[dict[str, Any]]:
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._fd, 65536):
                self._rest += part
        *lines, self._rest = self._rest.split(b"\n")
        new = [json.loads(line) for line in lines]
        self.told += new
        return new

    # ------------------------------------------------------------------ ending
    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if not self.ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._reap()

    def _reap(self) -> None:
        _, status = os.waitpid(self.pid, 0)
        self._read()
        self.died = os.WIFSIGNALED(status)
        self.failed = not self.died and os.WEXITSTATUS(status) == 70
        self.ended = True
        for fd in (self._fd, self._handle):
            _close(fd)
        self.open_gates()

    failed = False
    """It ended in an exception of our own."""


@contextlib.contextmanager
def children(work: Work, fault: Fault | None = None, gates: int = 0) -> Iterator[Child]:
    """A child that is gone afterwards, with everything that it has started."""
    keep = own_children()
    child = Child(work, fault, gates)
    try:
        yield child
    finally:
        child.kill()
        end_orphans(keep)


def register(fds: Iterable[int]) -> None:
    """Descriptors that no child may keep open, while they are."""
    _ENDS.update(fds)


def unregister(fds: Iterable[int]) -> None:
    """They are about to be closed."""
    _ENDS.difference_update(fds)


def _close(fd: int) -> None:
    _ENDS.discard(fd)
    with contextlib.suppress(OSError):
        os.close(fd)


def own_children() -> frozenset[int]:
    """Processes whose parent we are, adopted ones included."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listed:
            return frozenset(map(int, listed.read().split()))
    except OSError:
        return frozenset()


def end_orphans(keep: frozenset[int]) -> None:
    """Processes that a child had started and left; `keep` were there before."""
    for pid in own_children() - keep:
        with contextlib.suppress(ProcessLookupError, ChildProcessError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
