"""Hosts without their start: forked from a process that has imported what every host imports, which takes most of it.

For tests that open hundreds of runs to judge what is in them. Whatever tries hosts themselves, and every command that a
test starts, has them as users do.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any
from unittest import mock

from seatrial.host import __main__ as host
from seatrial.host import client

TESTS = str(Path(__file__).parent)
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["seatrial.host.__main__", "seatrial.target.target"])


class Forked:
    """As much of a `subprocess.Popen` as `seatrial.host.client` asks for."""

    def __init__(
        self, command: Sequence[str], *, env: dict[str, str], cwd: Path, stdout: IO[bytes], **_: object
    ) -> None:
        python, _safe_path, _module, name, reading, writing, _parent = command
        assert (python, name) == (sys.executable, "seatrial.host")
        pipes = (Connection(os.dup(int(reading)), writable=False), Connection(os.dup(int(writing)), readable=False))
        log = Connection(os.dup(stdout.fileno()), readable=False)
        self._process: BaseProcess = CONTEXT.Process(target=become_host, args=(*pipes, log, env, cwd), daemon=True)
        # The hash seed is that of the process which forks; it is started with the first host.
        with mock.patch.dict(os.environ, {"PYTHONHASHSEED": env["PYTHONHASHSEED"]}):
            self._process.start()
        for end in (*pipes, log):
            end.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked host", timeout or 0)
        return self._process.exitcode


def become_host(reading: Connection, writing: Connection, log: Connection, env: dict[str, str], cwd: Path) -> None:
    """The surroundings that `Host` gives the process which it starts."""
    os.setsid()
    for standard in (1, 2):
        os.dup2(log.fileno(), standard)
    log.close()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:] = [entry for entry in sys.path if entry and not entry.startswith(TESTS)]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    host.main(reading.fileno(), writing.fileno(), os.getppid())


class Namespace:
    """`subprocess` with another `Popen`."""

    Popen = Forked

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)


@contextmanager
def forked_hosts() -> Iterator[None]:
    """Of all hosts that this process starts meanwhile."""
    with mock.patch.object(client, "subprocess", Namespace()):
        yield
