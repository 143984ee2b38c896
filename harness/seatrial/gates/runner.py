"""Runs the gates side by side, and ends them all at once."""

import atexit
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from seatrial.config import Settings
from seatrial.gates import bandit, mypy, processes, ruff, suite
from seatrial.gates.bench import Adapter, Bench, Report
from seatrial.gates.exits import Broken
from seatrial.gates.processes import Finished
from seatrial.gates.sources import Sources, tidy
from seatrial.gates.surroundings import Surroundings, default_python, environment, probe
from seatrial.model.findings import Finding
from seatrial.model.outcomes import Level, ToolState
from seatrial.model.result import ToolRun

ADAPTERS: Mapping[str, Adapter] = {
    "ruff": ruff.check,
    "mypy": mypy.check,
    "bandit": bandit.check,
    "pytest": suite.check,
}
GATES = tuple(ADAPTERS)
"""Names of all gates, in the order of results: the keys of `[tool.seatrial.gates]` and the tools of findings."""
_PROBE_S = 60.0
_NOTHING = Report((), None)


@dataclass(frozen=True, slots=True)
class GateResult:
    """How one gate ended. A broken one has no findings: what it printed before it broke proves nothing."""

    run: ToolRun
    findings: tuple[Finding, ...] = ()
    checked: int | None = None
    """Files checked (pytest: tests), where the tool finished and says so. Fewer than before is worth a question."""


class Handle:
    """Gates under way. As a context manager it ends them when the block is left by an exception."""

    def __init__(self, crew: "_Crew") -> None:
        self._crew = crew
        # A daemon, so that an interpreter that goes down does not wait for a suite; `atexit` ends the processes then.
        atexit.register(self.cancel)
        Thread(target=crew.work, name="seatrial-gates", daemon=True).start()

    def wait(self) -> list[GateResult]:
        """Every planned gate's result, in the order of `GATES`. An interruption ends all tools before it goes on."""
        # Not Thread.join(): interrupted, Python 3.11 calls the running thread stopped, and later joins return at once.
        try:
            self._crew.finished.wait()
        except BaseException:
            self.cancel()
            raise
        atexit.unregister(self.cancel)
        return self._crew.results()

    def cancel(self) -> None:
        """End every tool that still runs, with all its children; those gates are broken. Returns when they are gone."""
        self._crew.cancelled.set()
        self._crew.finished.wait()
        atexit.unregister(self.cancel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()


class _Crew:
    """The threads: one for each gate, and the one that asks the target's Python first."""

    def __init__(
        self,
        settings: Settings,
        root: Path,
        copy: Path | None,
        planned: tuple[str, ...],
        on_progress: Callable[[str], None],
        python: str,
    ) -> None:
        self.settings = settings
        self.root = root
        self.copy = copy
        self.planned = planned
        self.python = python
        self.cancelled = Event()
        self.finished = Event()
        self._say = on_progress
        self._lock = Lock()
        self._results: dict[str, GateResult] = {}

    def work(self) -> None:
        """Run all gates to their end. `finished` is set whatever happens."""
        try:
            if self.planned:
                self._work()
        finally:
            self.finished.set()

    def _work(self) -> None:
        try:
            surroundings = self._probe()
        except Exception as error:
            problem = str(error) if isinstance(error, Broken) else _unexpected("the target's Python", error, self.root)
            for tool in self.planned:
                self._finish(tool, "", 0.0, problem)
            return
        threads = [
            Thread(target=self._gate, args=(tool, surroundings), name=f"seatrial-{tool}", daemon=True)
            for tool in self.planned
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def results(self) -> list[GateResult]:
        return [self._results[tool] for tool in self.planned]

    def _probe(self) -> Surroundings:
        def run(arguments: list[str]) -> Finished:
            try:
                return processes.run(
                    [self.python, "-P", *arguments],
                    cwd=self.root,
                    env=environment(),
                    timeout_s=_PROBE_S,
                    cancel=self.cancelled,
                )
            except OSError as error:
                raise Broken(
                    f"the target's Python cannot be started ({error.strerror}); name one that exists"
                ) from error

        return probe(run, GATES)

    def _gate(self, tool: str, surroundings: Surroundings) -> None:
        begun, version = time.monotonic(), surroundings.versions.get(tool, "")
        report, problem = _NOTHING, ""
        try:
            surroundings.require(tool)
            with TemporaryDirectory(prefix="seatrial-", ignore_cleanup_errors=True) as scratch:
                report = ADAPTERS[tool](self._bench(tool, surroundings, Path(scratch)))
        except Broken as broken:
            problem = str(broken)
        except Exception as error:  # A mistake of ours or a full disk: one gate is broken, the others go on.
            problem = _unexpected(tool, error, self.root)
        self._finish(tool, version, time.monotonic() - begun, problem, report)

    def _bench(self, tool: str, surroundings: Surroundings, scratch: Path) -> Bench:
        return Bench(
            tool=tool,
            settings=self.settings,
            root=self.root,
            copy=self.copy,
            python=self.python,
            surroundings=surroundings,
            scratch=scratch,
            cancel=self.cancelled,
            sources=Sources(self.root),
        )

    def _finish(self, tool: str, version: str, elapsed_s: float, problem: str, report: Report = _NOTHING) -> None:
        state = ToolState.BROKEN if problem else ToolState.FINDINGS if report.findings else ToolState.OK
        level = Level(getattr(self.settings.gates, tool))
        run = ToolRun(tool, version, state, len(report.findings), round(elapsed_s, 3), problem, level.value)
        said = f"broken: {problem}" if problem else _counted(len(report.findings)) if report.findings else "clean"
        with self._lock:
            self._results[tool] = GateResult(run, report.findings, report.checked)
            # A broken terminal must not cost a result.
            with suppress(Exception):
                self._say(f"{tool}: {said} ({elapsed_s:.1f} s)")


def _counted(findings: int) -> str:
    return "1 finding" if findings == 1 else f"{findings} findings"


def _unexpected(what: str, error: Exception, root: Path) -> str:
    return f"{what} could not be run ({type(error).__name__}: {tidy(str(error), [root])}); report this"


def start_gates(
    settings: Settings,
    *,
    root: Path,
    copy: Path | None,
    only: set[str] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    python: str | None = None,
) -> Handle:
    """Start every gate that is not off and return at once.

    Args:
        settings: The target's configuration.
        root: The real tree: ruff, mypy and bandit read it, nothing writes to it (but mypy to a `.mypy_cache` there).
        copy: A working copy of the tree that the suite may write to. None: the pytest gate is broken.
        only: Names of gates; others in it (families of rules) are passed over. None: all.
        on_progress: Called with a sentence when a gate ends, from another thread, one at a time.
        python: The target's Python; the one that runs Seatrial where None, as it is installed beside the app.
    """
    root = root.resolve()
    planned = tuple(
        tool
        for tool in GATES
        if (only is None or tool in only) and Level(getattr(settings.gates, tool)) is not Level.OFF
    )
    return Handle(
        _Crew(settings, root, copy.resolve() if copy else None, planned, on_progress, python or default_python())
    )


def run_gates(
    settings: Settings,
    *,
    root: Path,
    copy: Path | None,
    only: set[str] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
    python: str | None = None,
) -> list[GateResult]:
    """`start_gates(…).wait()`: the result of every planned gate, in the order of `GATES`."""
    return start_gates(settings, root=root, copy=copy, only=only, on_progress=on_progress, python=python).wait()
