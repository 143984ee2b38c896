"""Every page that both revisions have: statements and rows of one call, then times in turn."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.model.comparison import Comparison, Side
from seatrial.model.errors import InconclusiveError
from seatrial.model.inventory import ANONYMOUS, Access, Inventory, Route
from seatrial.model.profiles import Profile
from seatrial.stats.pairs import abba
from seatrial.trials import latency
from seatrial.trials.opening import prepare
from seatrial.trials.pilot import Pilot

CALLS = 3
"""Of each side in a pair; the fastest counts."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision, built and running."""

    run: Run
    pilot: Pilot
    inventory: Inventory

    @classmethod
    def started(cls, run: Run) -> Revision:
        """Raises ConfigurationError where the app cannot be built at this revision."""
        inventory = prepare(run, Profile.SWEEP)
        return cls(run, Pilot(run), inventory)

    def pages(self) -> dict[str, tuple[Route, str]]:
        """By subject: every readable route, as a stranger where it is public, else as the first identity."""
        named = [name for name in self.inventory.identities if name != ANONYMOUS]
        found = {}
        for route in self.inventory.routes:
            if not route.safe or route.method != "GET" or route.skipped or route.shadowed_by or not route.path:
                continue
            identity = ANONYMOUS if route.access is Access.PUBLIC or not named else named[0]
            found[f"{route.method} {route.rule} {route.endpoint} [{identity}]"] = (route, identity)
        return found


def compare(
    base: Revision, head: Revision, *, pairs: int, pattern: str | None, progress: Callable[[int, int, str], None]
) -> list[Comparison]:
    """Every page of head. Those that the base does not have are not compared, and not named."""
    before, now = base.pages(), head.pages()
    subjects = [subject for subject in now if subject in before and _wanted(now[subject][0], pattern)]
    found = []
    for number, subject in enumerate(subjects):
        progress(number, len(subjects), subject)
        found.append(_route(subject, (base, *before[subject]), (head, *now[subject]), pairs))
    return found


def _wanted(route: Route, pattern: str | None) -> bool:
    names = (f"{route.method} {route.rule}", route.rule)
    return pattern is None or any(fnmatch.fnmatchcase(name, pattern) for name in names)


def _route(
    subject: str, base: tuple[Revision, Route, str], head: tuple[Revision, Route, str], pairs: int
) -> Comparison:
    sides = []
    for revision, route, identity in (base, head):
        warm = revision.pilot.visit(route, identity).warm
        answered = warm.failure or str(warm.status)
        sides.append(Side(answered, None if warm.failure else len(warm.counted), None if warm.failure else warm.rows))
    before, now = sides
    if not (before.ok and now.ok):
        return Comparison(subject, before, now)
    measured: list[tuple[float, float]] = []
    for number in range(pairs):
        pair = [0.0, 0.0]
        for which in abba(number):
            revision, route, identity = (base, head)[which]
            try:
                pair[which] = _best(revision, route, identity)
            except (HostEnded, HostHung, InconclusiveError) as error:
                return Comparison(subject, before, now, tuple(measured), reason=str(error))
            if not pair[which]:
                return Comparison(subject, before, now, tuple(measured), reason="it did not answer the same every time")
        measured.append((pair[0], pair[1]))
    return Comparison(subject, before, now, tuple(measured))


def _best(revision: Revision, route: Route, identity: str) -> float:
    """The fastest of a few calls in ms; 0 where one was answered otherwise."""
    seconds = revision.run.settings.deadlines.request_s
    deadline = 2 * seconds + 5
    calls: Sequence[float] = revision.run.call(Profile.SWEEP, latency.burst, deadline, route, identity, seconds, CALLS)
    return min(calls, default=0.0)
