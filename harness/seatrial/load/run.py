"""Runs locust: one process, or a master and its workers, and brings home what they measured."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seatrial import suites
from seatrial.load.plan import VARIABLE, Plan
from seatrial.load.tally import read
from seatrial.model.errors import BrokenError, ConfigurationError
from seatrial.model.load import LoadRun

PATIENCE_S = 30.0
"""Beyond everything that a run may take by its own plan."""


@dataclass(frozen=True, slots=True)
class Role:
    """Which part of a distributed run this machine plays."""

    kind: str = "local"
    """`local` (with workers of its own where the plan has several), `master` or `worker`."""
    host: str = "127.0.0.1"
    """Of the master."""
    port: int = 0
    """Of the master; 0: any that is free."""


def run(
    plan: Plan,
    role: Role = Role(),
    *,
    users: Sequence[Path] = (),
    extra: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> LoadRun | None:
    """One batch of load; None on a worker, whose master has the result.

    Raises:
        BrokenError: Locust did not come to a result.
        ConfigurationError: Locust is not installed, or nobody could log in.
    """
    with tempfile.TemporaryDirectory(prefix="seatrial-load-") as folder:
        told = replace(plan, result=str(Path(folder) / "result.json"))
        file = Path(folder) / "plan.json"
        told.write(file)
        crew = _Crew(told, file, role, users, extra, Path(folder))
        try:
            crew.start()
            progress(f"{plan.rate} requests per second for {plan.duration_s:g} s")
            crew.wait()
        finally:
            crew.stop()
        if role.kind == "worker":
            return None
        found = json.loads(Path(told.result).read_text()) if Path(told.result).exists() else None
        if found is None:
            raise BrokenError(f"locust ended without a result: {crew.last_words()}")
        measured = read(told, found["delta"], found["ended"])
        if measured.mistakes:
            raise ConfigurationError(*measured.mistakes)
        return measured


class _Crew:
    """The processes of one batch."""

    def __init__(
        self, plan: Plan, file: Path, role: Role, users: Sequence[Path], extra: Sequence[str], folder: Path
    ) -> None:
        self.plan, self.role, self.folder = plan, role, folder
        self.environment = os.environ | {VARIABLE: str(file), "PYTHONUNBUFFERED": "1"}
        files = [str(suites.path("loadtests") / "locustfile.py"), *(str(path.resolve()) for path in users)]
        self.base = [sys.executable, "-m", "locust", "-f", ",".join(files), "--host", plan.url, "--loglevel", "WARNING"]
        self.extra = list(extra)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.logs: list[Path] = []

    def start(self) -> None:
        plan, role = self.plan, self.role
        port = str(role.port or _free_port())
        headless = [] if "--autostart" in self.extra else ["--headless"]
        leading = [*headless, "-u", str(plan.senders), "-r", str(plan.senders), "--only-summary", "--stop-timeout", "1"]
        led = ["--worker", "--master-host", role.host, "--master-port", port]
        if role.kind == "worker":
            self._spawn([*led, *self.extra])
            return
        distributed = role.kind == "master" or plan.workers > 1
        if not distributed:
            self._spawn([*leading, *self.extra])
            return
        bind = role.host if role.kind == "master" else "127.0.0.1"
        master = ["--master", "--master-bind-host", bind, "--master-bind-port", port]
        waits = ["--expect-workers", str(plan.workers), "--expect-workers-max-wait", "60"]
        self._spawn([*leading, *master, *waits, *self.extra])
        if role.kind == "local":
            for _ in range(plan.workers):
                self._spawn(led)

    def _spawn(self, arguments: list[str]) -> None:
        log = self.folder / f"locust-{len(self.processes)}.log"
        self.logs.append(log)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self.base, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)

    def wait(self) -> None:
        """Until the first process (the master, where there is one) has ended."""
        plan = self.plan
        limit = 120 + PATIENCE_S + plan.warm_up_s + plan.duration_s + plan.timeout_s
        until = time.monotonic() + limit if not self.extra and self.role.kind == "local" else float("inf")
        first = self.processes[0]
        while first.poll() is None:
            if time.monotonic() > until:
                raise BrokenError(f"locust did not end within {limit:g} s and was stopped: {self.last_words()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                first.wait(0.1)

    def stop(self) -> None:
        """Nothing of it outlives the run."""
        for number, process in enumerate(self.processes):
            if number and process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(2)  # a worker leaves when its master has said so
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def last_words(self) -> str:
        for log in self.logs:
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                return lines[-1][:300]
        return f"exit code {self.processes[0].returncode}" if self.processes else "it was not started"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
