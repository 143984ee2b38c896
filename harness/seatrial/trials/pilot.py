"""Drives one run for the guards: visits are made once, failures become evidence, the database is put back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from seatrial.config import Settings
from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.model.csrf import CsrfTrial
from seatrial.model.errors import InconclusiveError
from seatrial.model.evidence import AppFacts, Exchange, Kind
from seatrial.model.growth import Growth
from seatrial.model.inventory import ANONYMOUS, Inventory, Route
from seatrial.model.latency import Timings
from seatrial.model.leaks import LeakTrial
from seatrial.model.profiles import Profile
from seatrial.model.rates import LimiterFacts, RateTrial
from seatrial.trials import csrf, discovery, errors, growth, latency, leaks, responses, sweep
from seatrial.trials import limits as rates
from seatrial.trials.sweep import Visit

R = TypeVar("R")

BOOKKEEPING_ROUTES = 5
"""A statement that so many routes send (last_seen, an access log) is bookkeeping: it is put back once, at the end."""

FORGED_REQUESTS = 60
"""Of one CSRF trial at most: the first one looks for a token on many pages."""


def open_run(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> Run:
    """A run with the trials of discovery wired in."""
    return Run(
        settings,
        log_in=discovery.log_in,
        prepare=discovery.prepare,
        release=discovery.release,
        progress=progress,
    )


def prepare(run: Run, *profiles: Profile) -> Inventory:
    """Start the hosts and find out what there is to try.

    Raises:
        ConfigurationError: The app cannot be built, seeded or logged in to.
    """
    run.start(*profiles)
    profile, deadlines = profiles[0], run.settings.deadlines
    run.report("finding routes")
    routes = run.call(profile, discovery.routes, deadlines.trial_s)
    known: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, tuple[str, ...]]] = {}
    found: dict[str, Route] = {}
    notes: list[str] = []
    for route in sorted(routes, key=lambda r: not r.safe):  # reads first: writes borrow their values
        key = (route.rule, route.arguments)
        try:
            seen = run.call(profile, discovery.probe, deadlines.trial_s, route, known.get(key))
        except (HostEnded, HostHung) as error:
            notes.append(f"{route.key}: {error}")
            seen = run.call(profile, discovery.first_path, deadlines.trial_s, route)
        if route.arguments and seen.path:
            known.setdefault(key, (seen.path, seen.unresolved))
        found[route.key] = seen
    run.restore(profile)
    return Inventory(
        routes=tuple(found[route.key] for route in routes),
        identities=(ANONYMOUS, *(identity.name for identity in run.settings.identities)),
        notes=tuple(dict.fromkeys((*run.notes, *notes, *_without_route(run.settings, found.values())))),
        grown=frozenset(growing.route for growing in run.settings.growth),
        hot=frozenset(run.settings.hot),
    )


def _without_route(settings: Settings, routes: Iterable[Route]) -> list[str]:
    served = {f"{route.method} {route.rule}" for route in routes}
    return [
        f"{growing.route} is no route of the app: correct it under [[tool.seatrial.growth]]; seatrial routes lists them"
        for growing in settings.growth
        if growing.route not in served
    ]


class Pilot:
    """Asks the hosts of one run for evidence. After a ban everything of that profile is inconclusive."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._visits: dict[tuple[Profile, str, str], Visit] = {}
        self._looks: dict[tuple[Profile, str, str], Exchange] = {}
        self._facts: dict[Profile, AppFacts] = {}
        self._banned: dict[Profile, InconclusiveError] = {}
        self._writers: Counter[str] = Counter()
        self._dirty: set[Profile] = set()

    def visit(self, route: Route, identity: str, profile: Profile = Profile.SWEEP) -> Visit:
        """Cold and warm GET. A host that died or hung is evidence, too: `failure` says how."""
        key = (profile, route.key, identity)
        if key not in self._visits:
            self._clean(profile)
            try:
                found = self._guarded(profile, lambda d: self.run.call(profile, sweep.visit, d, route, identity), 2)
            except (HostEnded, HostHung) as error:
                lost = _lost(route, identity, error)
                found = Visit(lost, lost)
            self._note_writes(profile, (found.cold, found.warm))
            self._visits[key] = found
        return self._visits[key]

    def look(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> Exchange:
        """One GET, for rules that judge the response only."""
        key = (profile, route.key, identity)
        if key not in self._looks:
            try:
                found = self._guarded(profile, lambda d: self.run.call(profile, sweep.look, d, route, identity), 1)
            except (HostEnded, HostHung) as error:
                found = _lost(route, identity, error)
            self._looks[key] = found
        return self._looks[key]

    def malformed(self, route: Route, identity: str, profile: Profile = Profile.SWEEP) -> tuple[Exchange, ...]:
        """The route with malformed requests; the database is put back afterwards where they wrote."""
        requests = len(list(sweep.variants(route)))
        self._clean(profile)
        try:
            found = self._guarded(
                profile, lambda d: self.run.call(profile, sweep.malformed, d, route, identity), requests
            )
        except (HostEnded, HostHung) as error:
            return (_lost(route, identity, error),)
        self._note_writes(profile, found)
        return found

    def errors(self, route: Route, identity: str, profile: Profile = Profile.SWEEP) -> tuple[Exchange, ...]:
        """The route with everything that provokes an error."""
        self._clean(profile)
        try:
            found = self._guarded(
                profile, lambda d: self.run.call(profile, errors.provoke, d, route, identity), errors.REQUESTS
            )
        except (HostEnded, HostHung) as error:
            return (_lost(route, identity, error),)
        self._note_writes(profile, found)
        return found

    def forged(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> CsrfTrial:
        """The route under forged requests; the database is put back afterwards where one of them wrote."""
        self._clean(profile)
        try:
            found = self._guarded(
                profile, lambda d: self.run.call(profile, csrf.forge, d, route, identity), FORGED_REQUESTS
            )
        except (HostEnded, HostHung) as error:
            return CsrfTrial(_lost(route, identity, error))
        if found.wrote:
            self._dirty.add(profile)
        return found

    def growth(self, route: Route, identity: str) -> Growth:
        """The route while its tables grow. The database is put back by the trial itself, or before the next one."""
        profile, deadlines = Profile.SWEEP, self.run.settings.deadlines
        if route.unresolved:
            return Growth(route, identity, answer=Exchange(route, identity, route.path, status=0))
        self._clean(profile)
        try:
            key = f"{route.method} {route.rule}"
            options = next((growing.options for growing in self.run.settings.growth if growing.route == key), {})
            if route.safe:
                limit = deadlines.growth_s + 2 * deadlines.request_s + 5
                found = self._checked(
                    profile, lambda: self.run.call(profile, growth.prove, limit, route, identity, options)
                )
            else:
                found = self._checked(
                    profile, lambda: growth.prove_writing(self.run, profile, route, identity, options)
                )
        except (HostEnded, HostHung) as error:
            return Growth(route, identity, reason=str(error), dirty=True)
        if found.dirty:
            self._dirty.add(profile)
        return found

    def again(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> tuple[Exchange, ...]:
        """The page, and once more where its policy carries a nonce: only then there is something to compare."""
        first = self.look(route, identity, profile)
        said = "".join(first.header_values("Content-Security-Policy")) + first.marks.get("csp-meta", "")
        if first.failure or "'nonce-" not in said.lower():
            return (first,)
        try:
            return first, self._guarded(profile, lambda d: self.run.call(profile, sweep.look, d, route, identity), 1)
        except (HostEnded, HostHung) as error:
            return first, _lost(route, identity, error)

    def origins(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> tuple[Exchange, ...]:
        """The route asked from foreign origins."""
        try:
            return self._guarded(profile, lambda d: self.run.call(profile, responses.origins, d, route, identity), 4)
        except (HostEnded, HostHung) as error:
            return (_lost(route, identity, error),)

    def classes(self, members: Sequence[tuple[Route, str]], profile: Profile) -> tuple[Exchange, ...]:
        """Every page among the members as who may see it, and what can be provoked around them."""
        looks = [self.look(route, identity, profile) for route, identity in members if route.safe]
        routes = [route for route, _ in members]
        identity = next((name for _, name in members if name != ANONYMOUS), ANONYMOUS)
        self._clean(profile)
        try:
            provoked: tuple[Exchange, ...] = self._guarded(
                profile, lambda d: self.run.call(profile, responses.provoke, d, routes, identity), 9
            )
        except (HostEnded, HostHung) as error:
            provoked = (_lost(routes[0], identity, error),)
        self._note_writes(profile, provoked)
        return (*looks, *provoked)

    def limits(self, route: Route, profile: Profile = Profile.PROTECTION) -> RateTrial:
        """A stranger at a route, until its limit refuses. Afterwards the database is put back.

        A limiter or ban that we do not know cannot be reset: its host is ended, and what it remembers with it.
        """
        self._clean(profile)
        try:
            found = self._checked(profile, lambda: self.run.call(profile, rates.limits, self._rates_deadline, route))
        except (HostEnded, HostHung) as error:
            return RateTrial(route, failure=str(error))
        if found.wrote:
            self._dirty.add(profile)
        unknown = not found.limiter and found.attempts and not found.attempts[-1].entered
        if unknown or found.recovered is False:
            self.run.stop(profile)
        return found

    def timings(self, route: Route, identity: str) -> Timings:
        """The route, warm, alone, unrecorded."""
        profile, seconds = Profile.SWEEP, self.run.settings.deadlines.request_s
        if route.unresolved:
            return Timings(Exchange(route, identity, route.path, status=0))
        self._clean(profile)
        writes = self.visit(route, identity).writing.count(Kind.DML)
        try:
            found = self._guarded(
                profile, lambda d: self.run.call(profile, latency.time_calls, d, route, identity, seconds), 3
            )
        except (HostEnded, HostHung) as error:
            return Timings(_lost(route, identity, error))
        if writes:
            self._dirty.add(profile)
        return found

    def leaks(self, route: Route, identity: str) -> LeakTrial:
        """The route some hundred times, in a host that is put back afterwards where the route writes."""
        profile, deadlines = Profile.SWEEP, self.run.settings.deadlines
        if route.unresolved or route.skipped:
            return LeakTrial(
                route.subject(identity), failure="no sample value for its arguments: see [tool.seatrial.arguments]"
            )
        writes = self.visit(route, identity).writing.count(Kind.DML)
        limit = deadlines.leak_s + 2 * deadlines.request_s + 5
        try:
            found = self._checked(
                profile, lambda: self.run.call(profile, leaks.calls, limit, route, identity, deadlines.leak_s)
            )
        except (HostEnded, HostHung) as error:
            return LeakTrial(route.subject(identity), failure=str(error))
        if writes:
            self._dirty.add(profile)
        return found

    def limiter(self, profile: Profile = Profile.PROTECTION) -> LimiterFacts:
        """Where the app counts."""
        return self.run.call(profile, rates.limiter, self.run.settings.deadlines.trial_s)

    @property
    def _rates_deadline(self) -> float:
        deadlines = self.run.settings.deadlines
        return deadlines.trial_s + 2 * deadlines.request_s + 5

    def facts(self, profile: Profile = Profile.PROTECTION) -> AppFacts:
        if profile not in self._facts:
            self._facts[profile] = self.run.call(profile, discovery.facts, self.run.settings.deadlines.trial_s)
        return self._facts[profile]

    def _guarded(self, profile: Profile, work: Callable[[float], R], requests: int) -> R:
        # The alarm inside the host ends a slow request; this one is for code that no alarm can interrupt.
        deadline = self.run.settings.deadlines.request_s * (requests + 1) + 5
        return self._checked(profile, lambda: work(deadline))

    def _checked(self, profile: Profile, work: Callable[[], R]) -> R:
        """After a ban nothing of the profile is asked any more."""
        if profile in self._banned:
            raise self._banned[profile]
        try:
            return work()
        except InconclusiveError as error:
            self._banned[profile] = error
            raise

    def _clean(self, profile: Profile) -> None:
        if profile in self._dirty:
            self._dirty.discard(profile)
            self.run.restore(profile)

    def _note_writes(self, profile: Profile, exchanges: tuple[Exchange, ...]) -> None:
        wrote = {s.fingerprint for e in exchanges for s in e.statements if s.kind is Kind.DML}
        self._writers.update(wrote)
        if any(self._writers[fingerprint] <= BOOKKEEPING_ROUTES for fingerprint in wrote):
            self._dirty.add(profile)


def _lost(route: Route, identity: str, error: Exception) -> Exchange:
    return Exchange(route, identity, route.path, status=0, failure=str(error))
