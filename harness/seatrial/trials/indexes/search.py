"""The search among candidates: the best one, then the best beside it, until none is worth its writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatrial.migrate.explain import explain
from seatrial.migrate.specs import IndexSpec
from seatrial.trials.indexes import hypothetical
from seatrial.trials.indexes.proof import create_sql
from seatrial.trials.indexes.workload import Captured

KEPT = 0.5
"""A statement counts as helped when its cost falls below this share."""
PROMISING = 0.75
"""The same where the index is only believed in: its size is guessed, and guessed high."""
MARGIN = 1.1
"""By so much an index may save more than what was estimated while it was only believed in."""
WORTH = 0.002
"""A pick must save this share of what all statements cost: one slow report must not hide what pages need."""
TIE = 0.02
"""Within this share of the best one, the narrower index is taken."""
PICKS = 8
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """What one candidate would save."""

    spec: IndexSpec
    saved: float = 0.0
    """Of the planner's cost, all its statements together."""
    costs: Mapping[int, float] = field(default_factory=dict)
    """Of each statement that it helps, by number."""


class Search:
    """On one connection, whose transaction is undone at the end.

    What a candidate saves can only fall when another index is there: what it saved in an earlier round is a bound, and
    only those are looked at again that could still be the best. With hypopg the first look is an estimate, and only
    those are built whose estimate could be the best.
    """

    def __init__(
        self, connection: sa.Connection, wanted: Mapping[IndexSpec, Sequence[int]], statements: Sequence[Captured]
    ) -> None:
        """`wanted`: each candidate with the numbers of the statements that it comes from."""
        self.wanted = wanted
        self.built: set[IndexSpec] = set()
        self.unjudged = ""
        """Why every candidate was built, or empty: hypopg was there."""
        self.notes: tuple[str, ...] = ()
        self.before = self.after = 0.0
        """Cost of all statements without and with the picks."""
        self._connection, self._statements = connection, statements
        self._current: dict[int, float] = {}

    def run(self) -> list[Found]:
        """The picks, in the order of what they save."""
        until = time.monotonic() + SECONDS
        for number in range(len(self._statements)):
            if (cost := self._cost(number, "")) is not None:
                self._current[number] = cost
        self.before = sum(self._current.values())
        self.unjudged = hypothetical.enable(self._connection)
        picks = self._picks(until)
        self.after = sum(self._current.values())
        self._connection.rollback()
        return _without_prefixes(picks)

    def _picks(self, until: float) -> list[Found]:
        look = self._build if self.unjudged else self._believe
        bounds = self._looked(look, self.wanted, until)
        if left := len(self.wanted) - len(bounds):
            self.notes = (f"{left} candidates were not tried: the {SECONDS:.0f} s of the search were over",)
        looked = set(bounds)
        certain = set(bounds) if self.unjudged else set()
        picks: list[Found] = []
        while len(picks) < PICKS and time.monotonic() < until:
            worth = [found for found in bounds.values() if found.saved > self.before * WORTH]
            if not worth:
                break
            best = max(found.saved for found in worth)
            near = [found for found in worth if found.saved >= best * (1 - TIE)]
            if stale := [found.spec for found in near if found.spec not in certain]:
                if unseen := [spec for spec in stale if spec not in looked]:
                    bounds |= self._looked(look, unseen, until)
                    looked.update(unseen)
                    certain.update(unseen if self.unjudged else ())
                else:
                    bounds |= self._looked(self._build, stale, until)
                    certain.update(stale)
                continue
            pick = min(near, key=lambda found: (len(found.spec.columns), -found.saved, found.spec.name))
            picks.append(pick)
            self._connection.exec_driver_sql(create_sql(self._connection, pick.spec))
            self._current |= pick.costs
            del bounds[pick.spec]
            touched = {spec for spec, found in bounds.items() if set(found.costs) & set(pick.costs)}
            looked -= touched
            certain -= touched
        return picks

    @staticmethod
    def _looked(look: Callable[[IndexSpec], Found], specs: Iterable[IndexSpec], until: float) -> dict[IndexSpec, Found]:
        return {spec: look(spec) for spec in specs if time.monotonic() < until}

    def _believe(self, spec: IndexSpec) -> Found:
        """An estimate, with room upwards."""
        try:
            with hypothetical.believed(self._connection, spec) as name:
                found = self._helped(spec, name, PROMISING)
        except DBAPIError:
            return Found(spec)  # a type that has no order
        return replace(found, saved=found.saved * MARGIN)

    def _build(self, spec: IndexSpec) -> Found:
        self.built.add(spec)
        savepoint = self._connection.begin_nested()
        try:
            self._connection.exec_driver_sql(create_sql(self._connection, spec))
            return self._helped(spec, spec.name, KEPT)
        except DBAPIError:
            return Found(spec)  # a type that has no order
        finally:
            savepoint.rollback()

    def _helped(self, spec: IndexSpec, name: str, share: float) -> Found:
        saved, costs = 0.0, {}
        for number in self.wanted[spec]:
            before = self._current.get(number)
            cost = self._cost(number, name) if before is not None else None
            if before is not None and cost is not None and cost < before * share:
                saved += before - cost
                costs[number] = cost
        return Found(spec, saved, costs)

    def _cost(self, number: int, index: str) -> float | None:
        """Of a statement, provided that its plan uses the index; None: it does not, or the server refuses to say."""
        one = self._statements[number]
        plan = explain(self._connection, one.text, one.parameters, run=False)
        return plan.cost if plan is not None and (not index or index in plan.indexes) else None


def _without_prefixes(picks: Sequence[Found]) -> list[Found]:
    """An early narrow pick may have become the beginning of a later one, which serves its readers as well."""
    return [
        one
        for one in picks
        if not any(
            other is not one
            and other.spec.table == one.spec.table
            and other.spec.columns[: len(one.spec.columns)] == one.spec.columns
            for other in picks
        )
    ]
