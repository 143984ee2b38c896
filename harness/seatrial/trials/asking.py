"""Calls trials inside the hosts of one run: a lost host becomes evidence, and the database is put back in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.model.errors import InconclusiveError
from seatrial.model.evidence import Exchange, Kind
from seatrial.model.profiles import Profile

if TYPE_CHECKING:
    from seatrial.target import Target

P = ParamSpec("P")
R = TypeVar("R")
Lost = Callable[[str], R]
"""Makes evidence of a host that died or hung, from the sentence about it."""

BOOKKEEPING_ROUTES = 5
"""A statement that so many routes send (last_seen, an access log) is bookkeeping: it is put back once, at the end."""


class Asking:
    """Of one run. After a ban everything of that profile is inconclusive."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._banned: dict[Profile, InconclusiveError] = {}
        self._writers: Counter[str] = Counter()
        self._dirty: set[Profile] = set()

    def asked(
        self,
        profile: Profile,
        deadline_s: float,
        lost: Lost[R],
        trial: Callable[Concatenate[Target, P], R],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> R:
        """The evidence of one trial, on a database as it was; evidence that says `wrote` has it put back."""
        self.clean(profile)
        found = self.looked(profile, deadline_s, lost, trial, *arguments, **options)
        if getattr(found, "wrote", False):
            self.soil(profile)
        return found

    def looked(
        self,
        profile: Profile,
        deadline_s: float,
        lost: Lost[R],
        trial: Callable[Concatenate[Target, P], R],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> R:
        """The evidence of one trial, on the database as it is."""
        try:
            return self.checked(profile, lambda: self.run.call(profile, trial, deadline_s, *arguments, **options))
        except (HostEnded, HostHung) as error:
            return lost(str(error))

    def checked(self, profile: Profile, work: Callable[[], R]) -> R:
        """After a ban nothing of the profile is asked any more."""
        if profile in self._banned:
            raise self._banned[profile]
        try:
            return work()
        except InconclusiveError as error:
            self._banned[profile] = error
            raise

    def clean(self, profile: Profile) -> None:
        """Put the database back if anything was written since."""
        if profile in self._dirty:
            self._dirty.discard(profile)
            self.run.restore(profile)

    def soil(self, profile: Profile) -> None:
        """The database is to be put back before the next trial."""
        self._dirty.add(profile)

    def note_writes(self, profile: Profile, exchanges: Iterable[Exchange]) -> None:
        """Soil the database where the exchanges wrote more than the app's own bookkeeping."""
        wrote = {s.fingerprint for e in exchanges for s in e.statements if s.kind is Kind.DML}
        self._writers.update(wrote)
        if any(self._writers[fingerprint] <= BOOKKEEPING_ROUTES for fingerprint in wrote):
            self.soil(profile)

    def requests_s(self, requests: int) -> float:
        """Seconds for so many requests. The alarm inside the host ends a slow one; this is for code that no alarm can
        interrupt."""
        return self.run.settings.deadlines.request_s * (requests + 1) + 5

    @property
    def several_s(self) -> float:
        """Seconds for a trial of many requests that are quick where the app is well."""
        deadlines = self.run.settings.deadlines
        return deadlines.trial_s + 2 * deadlines.request_s + 5

    @property
    def whole_s(self) -> float:
        """Seconds for a trial that is about the whole app."""
        deadlines = self.run.settings.deadlines
        return max(deadlines.trial_s, 120.0) + deadlines.request_s
