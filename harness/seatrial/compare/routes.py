"""Every page that both revisions have: statements and rows of one call, then times in rounds."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.model.comparison import Comparison, Side
from seatrial.model.errors import InconclusiveError
from seatrial.model.inventory import ANONYMOUS, Access, Inventory, Route
from seatrial.model.profiles import Profile
from seatrial.stats.pairs import abba, paired_ratio
from seatrial.trials import latency
from seatrial.trials.opening import prepare
from seatrial.trials.pilot import Pilot

CALLS = 3
"""Of each side in a pair; the fastest counts."""
ROUND_S = 0.1
"""From one round to the next at least: fifteen pairs of one quick page were over in as long."""


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
    """Every page of head. Those that the base does not have are not compared, and not named.

    The times in rounds, one pair of every page in each: what slows one of two processes down for a moment, as a busy
    core does, must not be all that is seen of a page. What looks slower then is judged by pairs of its own: of a
    hundred pages that are as fast as before, one looks slower at 98 % confidence.
    """
    before, now = base.pages(), head.pages()
    subjects = [subject for subject in now if subject in before and _wanted(now[subject][0], pattern)]
    pages = []
    for number, subject in enumerate(subjects):
        progress(number, len(subjects), subject)
        pages.append(_Page(subject, (base, *before[subject]), (head, *now[subject])))
    _timed(pages, pairs)
    suspects = [page for page in pages if page.looks_slower]
    for page in suspects:
        page.forget()
    _timed(suspects, pairs)
    return [page.comparison for page in pages]


def _timed(pages: Sequence[_Page], pairs: int) -> None:
    for number in range(pairs if pages else 0):
        began = time.monotonic()
        for page in pages:
            page.time(number)
        if number + 1 < pairs:
            time.sleep(max(0.0, began + ROUND_S - time.monotonic()))


def _wanted(route: Route, pattern: str | None) -> bool:
    names = (f"{route.method} {route.rule}", route.rule)
    return pattern is None or any(fnmatch.fnmatchcase(name, pattern) for name in names)


class _Page:
    """One page at both revisions, and what is known of it so far."""

    def __init__(self, subject: str, *sides: tuple[Revision, Route, str]) -> None:
        self._sides = sides
        before, now = (_side(*side) for side in sides)
        self.comparison = Comparison(subject, before, now)

    @property
    def looks_slower(self) -> bool:
        ratio = paired_ratio(self.comparison.pairs)
        return ratio is not None and ratio.low is not None and ratio.low > 1

    def forget(self) -> None:
        """The pairs: they were chosen for looking slow."""
        self.comparison = replace(self.comparison, pairs=())

    def time(self, number: int) -> None:
        """One more pair of times, unless that was given up."""
        known = self.comparison
        if not (known.base.ok and known.head.ok) or known.reason:
            return
        pair = [0.0, 0.0]
        for which in abba(number):
            try:
                # Both orders on each processor.
                pair[which] = _best(*self._sides[which], number // 2)
            except (HostEnded, HostHung, InconclusiveError) as error:
                self.comparison = replace(known, reason=str(error))
                return
            if not pair[which]:
                self.comparison = replace(known, reason="it did not answer the same every time")
                return
        self.comparison = replace(known, pairs=(*known.pairs, (pair[0], pair[1])))


def _side(revision: Revision, route: Route, identity: str) -> Side:
    warm = revision.pilot.visit(route, identity).warm
    answered = warm.failure or str(warm.status)
    return Side(answered, None if warm.failure else len(warm.counted), None if warm.failure else warm.rows)


def _best(revision: Revision, route: Route, identity: str, turn: int) -> float:
    """The fastest of a few calls in ms; 0 where one was answered otherwise."""
    seconds = revision.run.settings.deadlines.request_s
    deadline = 2 * seconds + 5
    calls: Sequence[float] = revision.run.call(
        Profile.SWEEP, latency.burst, deadline, route, identity, seconds, CALLS, turn
    )
    return min(calls, default=0.0)
