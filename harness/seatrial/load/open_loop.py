"""The open loop inside locust: arrivals keep to their schedule, users are only a pool of senders.

One dispatcher per process makes arrivals that do not look at the answers. A user's `wait_time` blocks on the queue of
arrivals; what an arrival waited for a free sender counts as part of its latency. Locust's own statistics, files and web
page carry the same latency, in buckets of three digits.
"""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass

import gevent
import locust.stats
from gevent.queue import Empty, Queue

from seatrial.load.arrivals import arrivals
from seatrial.load.plan import Plan, Task
from seatrial.load.sessions import LogInRefused, Sessions
from seatrial.load.tally import Tally
from seatrial.stats.quantiles import bucket

GENERATED = "generated"
"""Pool of the senders that run the tasks of the plan. A team's own user classes have pools of their own."""
UNSENT = "never sent: every sender waited for an answer"
PENDING = "not answered when the run ended"


@dataclass(eq=False, slots=True)
class Arrival:
    """One thing that is due. `second` counts from the end of warming up; below 0 it is not measured."""

    intended: float
    second: int
    task: Task | None = None
    subject: str = ""
    """Of the request that is in flight."""
    delayed_ms: float = 0.0
    """Waited for a free sender; counts for its first request."""


class OpenLoop:
    """Dispatcher, queues and counters of one process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        self.sessions = Sessions(plan)
        self.done = False
        """Every arrival is accounted for: nothing will be counted any more."""
        self.senders: dict[str, int] = {}
        self._weights = {GENERATED: sum(task.weight for task in plan.tasks)}
        self._queues: dict[str, Queue[Arrival]] = {}
        self._flying: dict[int, Arrival] = {}
        self._numbers = itertools.count()
        self._greenlet: gevent.Greenlet | None = None
        self._ends = 0.0

    # ------------------------------------------------------------------ the schedule
    def join(self, pool: str, weight: float | None = None) -> None:
        """A sender is ready. The first one starts the schedule."""
        self.senders[pool] = self.senders.get(pool, 0) + 1
        if weight is not None:
            self._weights[pool] = weight
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        try:
            if self._log_in():
                gevent.sleep(0.2)  # the other senders of this process are about to join
                self._dispatch()
        finally:
            self.done = True

    def _log_in(self) -> bool:
        mistakes: list[str] = []  # told together: whoever watches ends the run at the first one that it sees
        for identity, login in self.plan.logins.items():
            steps = [s for task in self.plan.tasks if task.identity == identity for s in task.steps]
            proof = next((s for s in steps if s.method == "GET" and "{" not in s.path), None)
            try:
                with gevent.Timeout(4 * self.plan.timeout_s):
                    self.sessions.log_in(identity, login, proof)
            except LogInRefused as refused:
                mistakes.append(f"could not log in as {identity}: {refused}")
            except gevent.Timeout:
                mistakes.append(f"could not log in as {identity}: no answer in {4 * self.plan.timeout_s:g} s")
        self.tally.mistakes += mistakes
        return not mistakes

    def _dispatch(self) -> None:
        plan = self.plan
        weights = list(itertools.accumulate(task.weight for task in plan.tasks))
        began, cpu = time.perf_counter(), time.process_time()
        self._ends = began + plan.warm_up_s + plan.duration_s
        for offset in arrivals(plan.stretches, kind=plan.kind, workers=plan.workers):
            delay = began + offset - time.perf_counter()
            if delay > 0:
                gevent.sleep(delay)
            arrival = Arrival(began + offset, int((offset - plan.warm_up_s) // 1))
            if arrival.second >= 0:
                self.tally.late((time.perf_counter() - arrival.intended) * 1000)
            pool = self._pool()
            if pool == GENERATED:
                [arrival.task] = random.choices(plan.tasks, cum_weights=weights)
                arrival.subject = arrival.task.steps[0].subject
            self._queue(pool).put(arrival)
        elapsed = time.perf_counter() - began
        self.tally.cpu["generator"] = round((time.process_time() - cpu) / max(elapsed, 0.001), 3)
        self._drain()

    def _pool(self) -> str:
        if len(self._weights) == 1:
            return GENERATED
        ready = [pool for pool in self._weights if self.senders.get(pool)]
        return random.choices(ready, [self._weights[pool] for pool in ready])[0]

    def _queue(self, pool: str) -> Queue[Arrival]:
        return self._queues.setdefault(pool, Queue())

    def _drain(self) -> None:
        """Wait for what is due and in flight; what does not come back is counted as what it is."""
        patience = max(0.0, self._ends - time.perf_counter()) + self.plan.timeout_s + 0.5
        until = time.perf_counter() + patience
        while time.perf_counter() < until and (self._flying or any(q.qsize() for q in self._queues.values())):
            gevent.sleep(0.02)
        self.done = True  # from here on nothing else is counted
        for pool, queue in self._queues.items():
            while True:
                try:
                    arrival = queue.get_nowait()
                except Empty:
                    break
                self._lost(arrival, arrival.subject or f"{pool} (own users)", UNSENT)
        for arrival in self._flying.values():
            self._lost(arrival, arrival.subject or "own users", PENDING)

    def _lost(self, arrival: Arrival, subject: str, reason: str) -> None:
        if arrival.second >= 0:
            self.tally.failed(subject, arrival.second, reason)
            self.tally.settled += 1

    # ------------------------------------------------------------------ for senders
    def next(self, pool: str) -> tuple[int, Arrival]:
        """Block until something is due."""
        arrival = self._queue(pool).get()
        arrival.delayed_ms = (time.perf_counter() - arrival.intended) * 1000
        number = next(self._numbers)
        self._flying[number] = arrival
        return number, arrival

    def settle(self, number: int) -> None:
        """Everything of an arrival is done."""
        arrival = self._flying.pop(number, None)
        if arrival is not None and not self.done and arrival.second >= 0:
            self.tally.settled += 1

    def record(self, arrival: Arrival, subject: str, service_ms: float, reason: str) -> float:
        """Count a request; returns its latency from the intended start in ms. `reason`: why it failed, or empty."""
        latency = service_ms + arrival.delayed_ms
        arrival.delayed_ms = 0.0
        if not self.done and arrival.second >= 0:
            if reason:
                self.tally.failed(subject, arrival.second, reason)
            else:
                in_time = time.perf_counter() <= self._ends
                self.tally.answered(subject, arrival.second, latency, service_ms, in_time=in_time)
        return latency


def fine_buckets() -> None:
    """Locust's own statistics in three digits, too: by default everything from 195 to 205 ms reads 200."""
    locust.stats.bucket_response_time = bucket  # type: ignore[assignment]
