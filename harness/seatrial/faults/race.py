"""Two requests at once, one step at a time: every schedule is forced, and the same again under the same id.

A lane waits at each gate (before a statement, before a commit, before the response) until it is its turn. A lane that
has leave and does not come to its next gate is blocked: by the database if `pg_blocking_pids` says so, else, after a
while, by something of the app's own (a lock of Python's, a sleep), and then the schedule is called soft.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator
from typing import Any

from seatrial.faults.children import Child, Work, children
from seatrial.faults.keeper import Keeper

RUNNING, WAITING, DONE = "running", "waiting", "done"
GLANCE_S = 0.004
"""How long a lane may run before the database is asked about it."""
SOFT_S = 0.12
UNCONNECTED_S = 0.4
"""The same for one that has no connection yet, or is on SQLite: it may be connecting."""
LOCK_STEP = "lockstep"
ALL = 10**6
"""Steps to the end."""


class Race:
    """Two lanes; made by `processes` or `threads`."""

    def __init__(self, lanes: list[tuple[Child, int]], keeper: Keeper, deadline_s: float) -> None:
        self._lanes, self._keeper, self._deadline_s = lanes, keeper, deadline_s
        self.state = [RUNNING] * len(lanes)
        self.backend = [0] * len(lanes)
        self.passed = [0] * len(lanes)
        """Gates that a lane has passed."""
        self.soft = False
        self._settle()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [line for child in dict.fromkeys(child for child, _ in self._lanes) for line in child.told]

    def status(self, lane: int) -> int:
        child, worker = self._lanes[lane]
        return next((m["status"] for m in child.told if "status" in m and m.get("w", 0) == worker), 0)

    def step(self, lane: int) -> bool:
        """Through one gate; False where it is not at one."""
        if self.state[lane] != WAITING:
            return False
        child, worker = self._lanes[lane]
        self.state[lane] = RUNNING
        self.passed[lane] += 1
        child.go(worker)
        self._settle()
        return True

    def walk(self, lane: int, steps: int) -> None:
        for _ in range(steps):
            if not self.step(lane):
                return

    def run_out(self) -> None:
        """Everything to its end, without gates."""
        for child, _ in self._lanes:
            child.open_gates()
        end = time.monotonic() + self._deadline_s
        for child in dict.fromkeys(child for child, _ in self._lanes):
            child.finish(max(0.05, end - time.monotonic()))
        self.state = [DONE] * len(self._lanes)

    def kill(self, lane: int) -> None:
        self._lanes[lane][0].kill()
        self.state[lane] = DONE

    # ------------------------------------------------------------------ watching
    def _settle(self) -> None:
        """Until each lane is at a gate, at its end, or blocked."""
        began = asked = time.monotonic()
        while RUNNING in self.state:
            if self._listen(GLANCE_S):
                began = asked = time.monotonic()
                continue
            running = [lane for lane, state in enumerate(self.state) if state == RUNNING]
            if not running:
                return
            now = time.monotonic()
            backends = [self.backend[lane] for lane in running if self.backend[lane]]
            if now - asked >= GLANCE_S / 2 and backends:
                blocked = self._keeper.blocked(backends)
                if len(blocked) == len(running):
                    return
                asked = now
            if now - began > SOFT_S and not self._busy(running):
                # On a loaded machine the server itself may be slow: what it works on is no lock of the app's.
                if backends and self._keeper.working(backends):
                    continue
                if len(backends) == len(running) or now - began > UNCONNECTED_S:
                    self.soft = True
                    return
            if now - began > self._deadline_s:
                self.soft = True
                return

    def _listen(self, seconds: float) -> bool:
        """Whether something was told, or a child has ended."""
        alive = [child for child in dict.fromkeys(c for c, _ in self._lanes) if not child.ended]
        ends = {end: child for child in alive for end in child.ends}
        if ends:
            ready, _, _ = select.select(list(ends), [], [], seconds)
            for child in dict.fromkeys(ends[end] for end in ready):
                for line in child.listen(0):
                    self._note(child, line)
        moved = bool(ends) and bool(ready)
        for lane, (child, _) in enumerate(self._lanes):
            if child.ended and self.state[lane] != DONE:
                self.state[lane] = DONE
                moved = True
        return moved

    def _note(self, child: Child, line: dict[str, Any]) -> None:
        for lane, (of, worker) in enumerate(self._lanes):
            if of is not child or worker != line.get("w", line.get("end", 0)):
                continue
            if line.get("p"):
                self.backend[lane] = line["p"]
            if line.get("g"):
                self.state[lane] = WAITING
            elif "end" in line:
                self.state[lane] = DONE

    def _busy(self, running: list[int]) -> bool:
        """A process that computes is not blocked: on a loaded machine it only is not its turn."""
        return any(_on_a_processor(self._lanes[lane][0].pid) for lane in running)


def _on_a_processor(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "R"
    return False


@contextlib.contextmanager
def processes(work: Work, other: Work, keeper: Keeper, deadline_s: float) -> Iterator[Race]:
    """Two processes, as two workers of a server are."""
    with children(work, gates=1) as first, children(other, gates=1) as second:
        yield Race([(first, 0), (second, 0)], keeper, deadline_s)


@contextlib.contextmanager
def threads(work: Work, _: Work, keeper: Keeper, deadline_s: float) -> Iterator[Race]:
    """Two threads of one process; `work` starts both."""
    with children(work, gates=2) as child:
        yield Race([(child, 0), (child, 1)], keeper, deadline_s)


def schedules(gates: int) -> list[tuple[str, list[tuple[int, int]]]]:
    """(id, [(lane, steps), …]) of every schedule with one or two preemptions, and lock-step.

    `gates`: of one clean request. The lanes are the same, so it does not matter which of them begins.
    """
    one = [(f"{i}", [(0, i), (1, ALL)]) for i in range(1, gates)]
    two = [(f"{i}.{j}", [(0, i), (1, j), (0, ALL), (1, ALL)]) for i in range(1, gates) for j in range(1, gates)]
    lock_step = (LOCK_STEP, [(lane, 1) for _ in range(gates) for lane in (0, 1)])
    return [*one, lock_step, *two]
