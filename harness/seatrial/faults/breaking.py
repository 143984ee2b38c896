"""Every way of breaking one event: plans that are numbered, run one by one, and can be run alone by their id."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.faults import race, wire
from seatrial.faults.bench import DIED, HUNG, LATEST_S, Bench, Ran, tried
from seatrial.faults.children import Work
from seatrial.faults.state import Compared, Reference
from seatrial.faults.statements import written
from seatrial.faults.wire import AFTER_CALL, AFTER_COMMIT, ANSWERED, BEFORE_CALL, BEFORE_COMMIT, GATED_KINDS, SQL, Fault
from seatrial.model import webhooks as evidence
from seatrial.model.webhooks import EARLY, Boundary, Tried

PREEMPTED_TWICE = 4
"""Parts of a schedule in which each lane is interrupted once."""
TIMES = 3
"""Deliveries of a sequence of duplicates."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing to try."""

    id: str
    where: str
    run: Callable[[], Tried]


@dataclass(slots=True)
class Outcome:
    """What a family came to within its time."""

    planned: int = 0
    tried: int = 0
    unheard: int = 0
    soft: int = 0
    convicted: list[Tried] = field(default_factory=list)


class Breaker:
    """One request with its clean reference."""

    def __init__(
        self,
        bench: Bench,
        one: Work,
        two: Work,
        reference: Reference,
        clean: Ran,
        retry: Work | None = None,
        other: Work | None = None,
        siblings: Mapping[str, Work] | None = None,
        constraints: bool = True,
    ) -> None:
        """`one` sends the request once, `two` from two threads; `retry` is the app's own.

        `other` sends another request, for the family PAIR; the reference is that of both, one after the other.
        `siblings` send events that tell of the same thing once more, for the family OBJECT. `constraints`: a row that
        is refused is one of the ERRORS.
        """
        self._bench, self._one, self._two = bench, one, two
        self._reference, self._clean, self._retry = reference, clean, retry
        self._other = other or one
        self._siblings = siblings or {}
        self._constraints = constraints
        self._unheard = 0
        self._stuck: dict[int, Tried] = {}

    def run(self, family: str, limit_s: float, only: str = "", enough: int = 0) -> Outcome:
        """Everything of a family, or the one with the id `only`, as far as the time goes.

        `enough`: convictions after which the rest would tell nothing new; 0: all are wanted.
        """
        end = time.monotonic() + limit_s
        plans = [plan for plan in self._plans(family) if not only or plan.id == only]
        outcome = Outcome(planned=len(plans))
        self._unheard = 0
        self._stuck.clear()
        for plan in plans:
            if time.monotonic() > end or (enough and len(outcome.convicted) >= enough):
                break
            self._bench.keeper.reset()
            result = plan.run()
            outcome.tried += 1
            outcome.soft += result.soft
            if result.verdict:
                outcome.convicted.append(result)
        self._bench.keeper.reset()
        outcome.unheard = self._unheard
        return outcome

    def _plans(self, family: str) -> list[Plan]:
        plans: dict[str, Callable[[], Iterator[Plan]]] = {
            evidence.DUPLICATES: self._duplicates,
            evidence.DEATH: self._deaths,
            evidence.RECOVERY: self._recoveries,
            evidence.ERRORS: self._errors,
            evidence.CALLS: self._calls,
            evidence.RACE: lambda: self._races(evidence.RACE, race.processes, self._one),
            evidence.THREADS: lambda: self._races(evidence.THREADS, race.threads, self._two),
            evidence.PAIR: lambda: self._races(evidence.PAIR, race.processes, self._one),
            evidence.ACKNOWLEDGED: self._acknowledged,
            evidence.OBJECT: self._objects,
        }
        return list(plans[family]())

    # ------------------------------------------------------------------ one after the other
    def _duplicates(self) -> Iterator[Plan]:
        def run() -> Tried:
            answers: list[int] = []
            told: list[dict[str, Any]] = []
            for _ in range(TIMES):
                ran = self._bench.send(self._one)
                answers.append(ran.status)
                told += ran.told
            refused = any(not 200 <= status < 300 for status in answers)
            found = self._bench.compared(self._reference, told)
            verdict = found.verdict or (evidence.NEVER if refused else "")
            return tried(f"{evidence.DUPLICATES}@{TIMES}", where, answers, verdict, found)

        def late() -> Tried:
            runs = [self._bench.send(self._one)]
            self._bench.let_time_pass(self._reference, LATEST_S)
            if self._retry is not None:  # what an app cleans up, it cleans up when it is called by the clock
                runs.append(self._bench.send(self._retry))
            runs.append(self._bench.send(self._one))
            answers, told = [runs[0].status, runs[-1].status], [line for ran in runs for line in ran.told]
            found = self._bench.compared(self._reference, told)
            refused = not (runs[0].acknowledged and runs[-1].acknowledged)
            verdict = found.verdict or (evidence.NEVER if refused else "")
            return tried(f"{evidence.DUPLICATES}@late", after, answers, verdict, found)

        where, after = f"it was delivered {TIMES} times", "it was delivered again after almost three days"
        yield Plan(f"{evidence.DUPLICATES}@{TIMES}", where, run)
        yield Plan(f"{evidence.DUPLICATES}@late", after, late)

    def _deaths(self) -> Iterator[Plan]:
        for boundary in self._clean.boundaries:
            if boundary.kind == ANSWERED:  # deaths from here on are the other family's: nothing comes again
                break
            yield self._faulty(wire.DEATH, boundary, f"the process died {_place(boundary)}")

    def _errors(self) -> Iterator[Plan]:
        yield self._faulty(wire.DOWN, Boundary(0, "down"), "the database was down for the whole request")
        for boundary in self._clean.boundaries:
            if boundary.kind in (SQL, BEFORE_COMMIT):
                yield self._faulty(wire.ERROR, boundary, f"the database failed {_place(boundary)}")
                if self._constraints and self._works(boundary):
                    yield self._faulty(wire.CONSTRAINT, boundary, f"a constraint refused a row {_place(boundary)}")
            elif boundary.kind == AFTER_COMMIT:
                yield self._faulty(wire.LOST_ACK, boundary, f"the answer to a commit was lost {_place(boundary)}")

    def _works(self, boundary: Boundary) -> bool:
        """A write of the event's work: what a constraint refuses there is no duplicate of the event."""
        ledger = self._reference.ledger
        work = {row.table for row in self._reference.state} - ledger
        tables = written(boundary.detail) if boundary.kind == SQL and ledger else frozenset()
        return bool(tables & work) and not tables & ledger

    def _calls(self) -> Iterator[Plan]:
        for boundary in self._clean.boundaries:
            if boundary.kind == BEFORE_CALL:
                yield self._faulty(wire.OUTBOUND, boundary, f"the peer refused ({boundary.detail})")
            elif boundary.kind == AFTER_CALL:
                yield self._faulty(
                    wire.OUTBOUND, boundary, f"the peer acted and its answer was lost ({boundary.detail})"
                )

    def _faulty(self, mode: str, boundary: Boundary, where: str) -> Plan:
        name = f"{mode}@{boundary.number}"

        def run() -> Tried:
            ran = self._bench.send(self._one, Fault(mode, boundary.number))
            answers, told = [ran.status], list(ran.told)
            if ran.status == HUNG:
                return tried(name, where, answers, evidence.HUNG, Compared())
            if boundary.number and not any(line.get("b") == boundary.number for line in ran.told):
                self._unheard += 1
            verdict, found = self._bench.recover(
                self._one, self._reference, answers, told, ran.acknowledged, self._retry
            )
            return tried(name, where, answers, verdict, found)

        return Plan(name, where, run)

    def _recoveries(self) -> Iterator[Plan]:
        """A second death while the first is being made up for.

        What a recovery finds depends on what was durable, so one first death stands for all between two commits or
        calls; the first deaths themselves are all tried in their own family.
        """
        for first in representatives(self._clean.boundaries):
            self._bench.keeper.reset()
            self._bench.send(self._one, Fault(wire.DEATH, first.number))
            recovery = self._bench.send(self._one)
            later = not recovery.acknowledged
            if later:  # a lease is in the way: what makes up for the death comes when it is over
                self._bench.let_time_pass(self._reference)
                recovery = self._bench.send(self._one)
            for second in recovery.boundaries:
                if second.kind == ANSWERED:
                    break
                yield self._twice(first, second, later)

    def _twice(self, first: Boundary, second: Boundary, later: bool) -> Plan:
        name = f"{evidence.RECOVERY}@{first.number}.{second.number}"
        where = f"the process died {_place(first)}, and its recovery died {_place(second)}"

        def run() -> Tried:
            runs = [self._bench.send(self._one, Fault(wire.DEATH, first.number))]
            if later:
                self._bench.let_time_pass(self._reference)
            runs.append(self._bench.send(self._one, Fault(wire.DEATH, second.number)))
            answers, told = [ran.status for ran in runs], [line for ran in runs for line in ran.told]
            if HUNG in answers:
                return tried(name, where, answers, evidence.HUNG, Compared())
            verdict, found = self._bench.recover(
                self._one, self._reference, answers, told, runs[-1].acknowledged, self._retry
            )
            return tried(name, where, answers, verdict, found)

        return Plan(name, where, run)

    # ------------------------------------------------------------------ at the same time
    def _races(self, family: str, lanes: Any, work: Work) -> Iterator[Plan]:
        gates = self._gates()
        for id, steps in race.schedules(len(gates)):
            yield self._race(f"{family}@{id}", steps, lanes, work, self._other, gates)

    def _gates(self) -> list[Boundary]:
        """Of one request: of a pair those of the first."""
        found: list[Boundary] = []
        for boundary in self._clean.boundaries:
            if boundary.kind == wire.BEGIN and boundary.number == 1 and found:
                break
            if boundary.kind in GATED_KINDS:
                found.append(boundary)
        return found

    def _race(
        self, name: str, steps: list[tuple[int, int]], lanes: Any, work: Work, other: Work, gates: list[Boundary]
    ) -> Plan:
        lock_step = name.endswith(race.LOCK_STEP)
        where = "two deliveries went on in lock-step" if lock_step else _schedule(steps, gates)
        first, second = steps[0][1], steps[1][1]

        def run() -> Tried:
            if first in self._stuck and not lock_step:
                # The second came no further than before: however many steps it were given, it would be the same.
                return replace(self._stuck[first], id=name, where=where)
            reached = 0
            with lanes(work, other, self._bench.keeper, self._bench.deadline_s) as running:
                for number, (lane, count) in enumerate(steps):
                    running.walk(lane, count)
                    if number == 1:
                        reached = running.passed[1]
                running.run_out()
                answers, told, soft = [running.status(0), running.status(1)], list(running.told), running.soft
            sent = zip((self._one, other), answers, strict=True)
            again = [request for request, status in sent if not 200 <= status < 300]
            if other is not self._one and len(again) > 1:
                self._bench.redeliver(again.pop(), self._reference, answers, told)
            verdict, found = self._bench.recover(
                again[0] if again else self._one, self._reference, answers, told, not again, self._retry
            )
            result = tried(name, where, answers, verdict, found, soft=soft)
            if len(steps) == PREEMPTED_TWICE and reached < second and not soft and not lock_step:
                self._stuck[first] = result
            return result

        return Plan(name, where, run)

    def _objects(self) -> Iterator[Plan]:
        """Other events about the same thing: one after the other, and at once with one preemption and in lock-step.

        Only what is there twice is convicted: that the second event changes something else is its right.
        """
        gates = self._gates()
        for name, sibling in self._siblings.items():
            told = f"{'a second event' if name == evidence.TWIN else name} told of the same object"
            yield _only_twice(self._after(f"{evidence.OBJECT}@{name}", sibling), told)
            for id, steps in race.schedules(len(gates)):
                if len(steps) == 2 or id == race.LOCK_STEP:
                    plan = self._race(
                        f"{evidence.OBJECT}@{name}.{id}", steps, race.processes, self._one, sibling, gates
                    )
                    yield _only_twice(plan, f"{told}, and {plan.where}")

    def _after(self, name: str, sibling: Work) -> Plan:
        def run() -> Tried:
            answers: list[int] = []
            told: list[dict[str, Any]] = []
            for work in (self._one, sibling):
                self._bench.redeliver(work, self._reference, answers, told)
            found = self._bench.compared(self._reference, told)
            return tried(name, "", answers, found.verdict, found)

        return Plan(name, "", run)

    def _acknowledged(self) -> Iterator[Plan]:
        after = False
        for boundary in self._clean.boundaries:
            after = after or boundary.kind == ANSWERED
            if after:
                yield self._answered(boundary)
        gates = self._gates()
        for number in range(1, len(gates)):
            yield self._twin(number, gates[number])

    def _answered(self, boundary: Boundary) -> Plan:
        name, where = f"{ANSWERED}@{boundary.number}", f"the process had answered and died {_place(boundary)}"

        def run() -> Tried:
            ran = self._bench.send(self._one, Fault(wire.DEATH, boundary.number))
            found = self._bench.compared(self._reference, ran.told) if ran.acknowledged else Compared()
            return tried(name, where, [ran.status], EARLY if found else "", found)

        return Plan(name, where, run)

    def _twin(self, number: int, gate: Boundary) -> Plan:
        name = f"{evidence.ACKNOWLEDGED}@{gate.number}"
        where = f"a duplicate was answered 2xx while the first had stopped {_place(gate)}, and then the first died"

        def run() -> Tried:
            with race.processes(self._one, self._one, self._bench.keeper, self._bench.deadline_s) as running:
                running.walk(0, number)
                running.walk(1, race.ALL)
                early = 200 <= running.status(1) < 300 and running.status(0) == DIED
                running.kill(0)
                running.kill(1)
                answers, told, soft = [DIED, running.status(1)], list(running.told), running.soft
            found = self._bench.compared(self._reference, told) if early else Compared()
            return tried(name, where, answers, EARLY if found else "", found, soft=soft)

        return Plan(name, where, run)


def _only_twice(plan: Plan, where: str) -> Plan:
    """The same, acquitted of everything but what is there twice."""

    def run() -> Tried:
        one = replace(plan.run(), where=where)
        twice = one.verdict in (evidence.DOUBLE, evidence.OUTBOUND_REPEATED)
        return one if twice else replace(one, verdict="", differences=())

    return Plan(plan.id, where, run)


def representatives(boundaries: tuple[Boundary, ...]) -> list[Boundary]:
    """The first boundary after each thing that outlives the process: the start, commits, calls."""
    found: list[Boundary] = []
    fresh = True
    for boundary in boundaries:
        if boundary.kind == ANSWERED:
            break
        if boundary.kind in (AFTER_COMMIT, AFTER_CALL):
            fresh = True
        if fresh:
            found.append(boundary)
            fresh = False
    return found


def _place(boundary: Boundary) -> str:
    words = {
        wire.BEGIN: "before the app was called",
        AFTER_COMMIT: "after a commit",
        BEFORE_COMMIT: "before a commit",
        wire.RESPONSE: "before the response",
        SQL: f"before {boundary.detail[:90]}",
        BEFORE_CALL: f"before {boundary.detail}",
        AFTER_CALL: f"after {boundary.detail}",
        ANSWERED: "after the response",
    }
    return f"at boundary {boundary.number}, {words[boundary.kind]}"


def _schedule(steps: list[tuple[int, int]], gates: list[Boundary]) -> str:
    at = gates[steps[0][1]]
    stopped = f"one delivery stopped {_place(at)}"
    if len(steps) == 2:
        return f"{stopped}, another ran as far as it could"
    other = gates[steps[1][1]]
    return f"{stopped}, another stopped {_place(other)}, and the first ran on"
