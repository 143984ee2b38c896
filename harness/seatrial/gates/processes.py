"""One subprocess in its own process group: it ends in time, or its whole group is ended."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event
from typing import IO

_GRACE_S = 2.0
_LONGEST_NAP_S = 0.05


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended. `code` is negative after a signal, as in `subprocess`."""

    code: int
    stdout: str
    stderr: str
    allowed_s: float
    timed_out: bool = False
    cancelled: bool = False


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float, cancel: Event) -> Finished:
    """Run to the end, the deadline or the cancellation; afterwards nothing of the process group is alive.

    Output goes to files, not pipes: a grandchild that keeps a pipe open would hold us up after the tool has ended.

    Raises:
        OSError: The command cannot be started.
    """
    with TemporaryFile() as out, TemporaryFile() as err:
        process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        timed_out = False
        try:
            timed_out = not _ended(process.pid, timeout_s, cancel)
            cancelled = timed_out and cancel.is_set()
        finally:
            _end_group(process.pid)
            code = process.wait()
            _until_empty(process.pid)
        return Finished(code, _text(out), _text(err), timeout_s, timed_out and not cancelled, cancelled)


def _ended(pid: int, timeout_s: float, cancel: Event) -> bool:
    """Wait without reaping: while the zombie stands, its number cannot become another group's."""
    deadline, nap = time.monotonic() + timeout_s, 0.002
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = deadline - time.monotonic()
        if left <= 0 or cancel.wait(min(nap, left)):
            return False
        nap = min(nap * 2, _LONGEST_NAP_S)
    return True


def _end_group(pid: int) -> None:
    """End whatever is left of the group: politely while its leader lives, so that pytest tears down, then for good."""
    leader_lives = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if leader_lives:
            os.killpg(pid, signal.SIGTERM)
            _ended(pid, _GRACE_S, Event())
        os.killpg(pid, signal.SIGKILL)


def _until_empty(group: int) -> None:
    """SIGKILL takes a moment: a caller who removes folders next must not meet a process that still writes."""
    deadline = time.monotonic() + _GRACE_S
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            if not _lives(group):
                return
            time.sleep(0.005)


def _lives(group: int) -> bool:
    """Whether the group has a member that is no zombie: in many containers nobody reaps orphans, ever."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name may hold blanks and brackets; the state, the parent and the group follow the last one.
            state, _, number = stat.read_text("ascii", "replace").rpartition(")")[2].split()[:3]
            if int(number) == group and state not in "ZX":
                return True
    return False


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    # Tools echo source lines, and those need not be UTF-8.
    return stream.read().decode("utf-8", "replace")
