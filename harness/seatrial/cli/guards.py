"""Run the guards in a hermetic pytest: own ini file, no conftest, no plugins that the target's environment brings."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

from seatrial.config import Settings
from seatrial.host.protocol import Channel, PeerGone
from seatrial.model.errors import SeatrialError
from seatrial.model.inventory import Inventory
from seatrial.model.report import Report
from seatrial.verdict.outcome import Collected, Pairs

_INI = "[pytest]\naddopts =\nconsole_output_style = classic\n"
PATIENCE_S = 8.0
"""Seconds for pytest to stop its hosts and its server after Ctrl-C."""
_FINISHED = (0, 1, 5)
"""pytest.ExitCode's OK, TESTS_FAILED and NO_TESTS_COLLECTED: to import pytest for that takes a tenth of a second."""


class Watcher(Protocol):
    """Whoever shows a person what is going on."""

    def stage(self, text: str) -> None: ...
    def advance(self, done: int, total: int, text: str = "") -> None: ...


class GuardRun:
    """A hermetic pytest at work. `wait` returns what it brought home; `cancel` ends it."""

    def __init__(self, settings: Settings, folder: Path, arguments: list[str], watcher: Watcher) -> None:
        """`folder`: a temporary folder that is ours; the child keeps everything it makes in it."""
        self.collected = Collected()
        self.inventory: Inventory | None = None
        self.means: tuple[str, ...] = ()
        """Of a replay: what its fingerprint stands for."""
        self._error: SeatrialError | None = None
        self._crash: Exception | None = None
        self._status: int | None = None
        self._done = 0
        self._watcher = watcher
        self._log = folder / "guards.log"
        ini = folder / "pytest.ini"
        ini.write_text(_INI)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_", "COV_"))
        }
        environment.update(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", TMPDIR=str(folder))
        we_read, child_writes = os.pipe()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "pytest", "-p", "seatrial.plugin", "--noconftest"),
                    *("-p", "no:cacheprovider", "-c", str(ini), "--rootdir", str(settings.root), "--seatrial"),
                    *("--seatrial-target", str(settings.root), "--seatrial-config", str(settings.file)),
                    *("--seatrial-stream", str(child_writes), "-q", "--no-header", *arguments),
                ],
                pass_fds=(child_writes,),
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(child_writes)
        self._channel = Channel(we_read, -1)
        self._reader = threading.Thread(target=self._read, name="seatrial-guards", daemon=True)
        self._reader.start()

    def wait(self) -> Collected:
        """What the guards found. Raises what ended them before they began (ConfigurationError and its like).

        A pytest that crashed in the middle has proved what it had reported until then, and is broken.
        """
        self._reader.join()
        code = self._process.wait()
        if self._error is not None:
            raise self._error
        if self._crash is not None:
            raise self._crash
        if self._status not in _FINISHED:
            if code < 0:
                how = f"was killed by {signal.Signals(-code).name}"
            else:
                how = f"ended with exit code {code}{self._last_words()}"
            self.collected.broken.append(f"the guards did not finish: pytest {how}; run `seatrial check` again")
        return self.collected

    def cancel(self) -> None:
        """End it: politely, so that it stops its hosts and its server, then not."""
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(PATIENCE_S)
        finally:
            # Also when somebody presses Ctrl-C again. The hosts end with it, and the watcher stops the server.
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._reader.join(1)

    def _read(self) -> None:
        try:
            while True:
                event, values = self._channel.receive()
                getattr(self, f"_on_{event}")(*values)
        except PeerGone:
            return
        except Exception as error:
            self._crash = error  # raised where somebody waits
        finally:
            self._channel.close()  # a pytest that nobody reads must not wait for us

    def _on_stage(self, text: str) -> None:
        self._watcher.stage(text)

    def _on_target(self, inventory: Inventory, facts: Any, database: str) -> None:
        self.inventory = inventory
        self.collected.facts, self.collected.database = facts, database

    def _on_replaying(self, means: tuple[str, ...]) -> None:
        self.means = means

    def _on_planned(self, plan: dict[str, Pairs]) -> None:
        self.collected.plan = plan
        self._watcher.stage("guards")

    def _on_report(self, nodeid: str, report: Report) -> None:
        self.collected.add(nodeid, report)
        self._done += 1
        self._watcher.advance(self._done, len(self.collected.plan), nodeid.partition("[")[2].rpartition("]")[0])

    def _on_error(self, error: SeatrialError) -> None:
        self._error = error

    def _on_end(self, status: int, unrun: dict[str, str], broken: list[str], files_written: list[str]) -> None:
        self._status = status
        self.collected.unrun = unrun
        self.collected.broken += broken
        self.collected.files_written = files_written

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return f" ({lines[-1].strip()[:200]})" if lines else ""
