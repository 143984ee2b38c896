"""Drives one run for the guards: visits are made once, failures become evidence, the database is put back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from seatrial.config import Settings
from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.migrate.specs import IndexSpec, configured
from seatrial.model.csrf import CsrfTrial
from seatrial.model.errors import BrokenError, InconclusiveError
from seatrial.model.evidence import AppFacts, Exchange, Kind
from seatrial.model.growth import Growth
from seatrial.model.indexes import Advice, Database
from seatrial.model.inventory import ANONYMOUS, Inventory, Route
from seatrial.model.latency import Timings
from seatrial.model.leaks import LeakTrial
from seatrial.model.markup import Mark, MarkupTrial, Shown
from seatrial.model.migrations import History
from seatrial.model.oauth import OAuthTrial
from seatrial.model.profiles import Profile
from seatrial.model.rates import LimiterFacts, RateTrial, guards_accounts
from seatrial.model.redirects import HostTrial, RedirectTrial
from seatrial.model.sessions import LogIn, LogOut
from seatrial.model.webhooks import Backoff, Broken, Conflict, KeyedTrial, Order, Pipeline, Refusals
from seatrial.trials import (
    csrf,
    discovery,
    errors,
    growth,
    hosts,
    idempotency,
    indexes,
    latency,
    leaks,
    markup,
    migrations,
    oauth,
    redirects,
    responses,
    sessions,
    sweep,
)
from seatrial.trials import limits as rates
from seatrial.trials.sweep import Visit
from seatrial.trials.webhooks import backoff, breaking, conflict, order, pipeline, planning, refusals

R = TypeVar("R")
S = TypeVar("S", LogIn, LogOut)
F = TypeVar("F", Broken, Refusals, Conflict, Order, Backoff, Pipeline)

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
    hooks = run.call(profile, planning.planned, deadlines.trial_s)
    routes = run.call(profile, discovery.routes, deadlines.trial_s)
    endpoints, answers_unknown = run.call(profile, discovery.endpoints, deadlines.trial_s)
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
    doors = run.call(profile, discovery.doors, deadlines.trial_s)
    run.restore(profile)
    return Inventory(
        routes=tuple(found[route.key] for route in routes),
        identities=(ANONYMOUS, *(identity.name for identity in run.settings.identities)),
        notes=tuple(dict.fromkeys((*run.notes, *notes, *_without_route(run.settings, found.values())))),
        grown=frozenset(growing.route for growing in run.settings.growth),
        doors=doors,
        endpoints=endpoints,
        answers_unknown=answers_unknown,
        webhooks=hooks,
        keyed=tuple(entry.route for entry in run.settings.idempotency),
        hot=frozenset(run.settings.hot),
    )


def _without_route(settings: Settings, routes: Collection[Route]) -> list[str]:
    served = {f"{route.method} {route.rule}" for route in routes}
    login = settings.oauth.login if settings.oauth is not None else None
    lost = login is not None and not any(route.oauth is not None for route in routes)
    return [
        *(
            f"{growing.route} is no route of the app: correct it under [[tool.seatrial.growth]]; "
            f"seatrial routes lists them"
            for growing in settings.growth
            if growing.route not in served
        ),
        *([f"{login} is no route of the app: correct login under [tool.seatrial.oauth]"] if lost else []),
    ]


class Allowance:
    """How long each trial of faults may take: its own limit, and its part of what is left for all."""

    def __init__(self, limit_s: float, budget_s: float | None) -> None:
        self._limit_s, self._left_s = limit_s, budget_s
        self.expected = 0
        """Trials that are still to come."""

    def share(self) -> float:
        """Seconds for the trial that begins now."""
        left, self.expected = self.expected, max(0, self.expected - 1)
        if self._left_s is None:
            return self._limit_s
        return max(0.0, min(self._limit_s, self._left_s / max(1, left)))

    def spend(self, seconds: float) -> None:
        if self._left_s is not None:
            self._left_s = max(0.0, self._left_s - seconds)


class Pilot:
    """Asks the hosts of one run for evidence. After a ban everything of that profile is inconclusive."""

    def __init__(self, run: Run, time_budget_s: float | None = None) -> None:
        """`time_budget_s`: for all trials of faults together; None: only their own limit."""
        self.run = run
        self.faults = Allowance(run.settings.deadlines.faults_s, time_budget_s)
        self._visits: dict[tuple[Profile, str, str], Visit] = {}
        self._looks: dict[tuple[Profile, str, str], Exchange] = {}
        self._logins: dict[tuple[Profile, str], OAuthTrial] = {}
        self._facts: dict[Profile, AppFacts] = {}
        self._banned: dict[Profile, InconclusiveError] = {}
        self._markup: dict[str, MarkupTrial] | None = None
        self._writers: Counter[str] = Counter()
        self._dirty: set[Profile] = set()
        self._cold: set[Profile] = set()

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

    def indexes(
        self,
        members: Sequence[tuple[Route, str]],
        profile: Profile = Profile.SWEEP,
        *,
        specs: Sequence[IndexSpec] | None = None,
    ) -> Database:
        """The app's statements without and with each planned index. The database is put back before the next trial.

        `specs`: others than those of the configuration.
        """
        self._clean(profile)
        settings = self.run.settings
        specs = configured(settings) if specs is None else specs
        options = {growing.route: growing.options for growing in settings.growth}
        hot = frozenset(settings.hot)
        self._dirty.add(profile)
        try:
            return self._checked(
                profile, lambda: self.run.call(profile, indexes.prove, self._whole, members, specs, hot, options)
            )
        except (HostEnded, HostHung) as error:
            raise BrokenError(f"the trial of the indexes did not finish: {error}") from error

    def advice(self, members: Sequence[tuple[Route, str]], profile: Profile = Profile.SWEEP) -> Advice:
        """Which further indexes would serve the app's statements."""
        self._clean(profile)
        settings = self.run.settings
        options = {growing.route: growing.options for growing in settings.growth}
        hot = frozenset(settings.hot)
        self._dirty.add(profile)
        try:
            return self._checked(
                profile, lambda: self.run.call(profile, indexes.advise, self._whole, members, hot, options)
            )
        except (HostEnded, HostHung) as error:
            raise BrokenError(f"the trial of further indexes did not finish: {error}") from error

    def history(self, profile: Profile = Profile.SWEEP) -> History:
        """The app's own migrations on a database of their own; the process of the host is left as it was."""
        self._clean(profile)
        since = self.run.settings.migrations.since
        try:
            with self.run.emptied(profile):
                found = self.run.call(profile, migrations.tried, self._whole, since)
        except (HostEnded, HostHung) as error:
            raise BrokenError(f"the trial of the migrations did not finish: {error}") from error
        return migrations.linted(found)

    @property
    def _whole(self) -> float:
        """Seconds for a trial that is about the whole app."""
        deadlines = self.run.settings.deadlines
        return max(deadlines.trial_s, 120.0) + deadlines.request_s

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

    def log_in(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> LogIn:
        """The identity logs in through this route with a session that was there before."""
        return self._in_a_session(
            profile, lambda d: self.run.call(profile, sessions.log_in, d, route, identity), LogIn(route, identity)
        )

    def log_out(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> LogOut:
        """The route that logs out, and a copy of the cookies from before it."""
        return self._in_a_session(
            profile,
            lambda d: self.run.call(profile, sessions.log_out, d, route, identity),
            LogOut(route, identity),
        )

    def redirects(
        self, route: Route, identity: str, enters: str = "", profile: Profile = Profile.PROTECTION
    ) -> RedirectTrial:
        """The route's parameters that reach Location; `enters` is who logs in through it, or empty."""
        self._clean(profile)
        try:
            found = self._guarded(
                profile,
                lambda d: self.run.call(profile, redirects.redirects, d, route, identity, enters),
                redirects.REQUESTS,
            )
        except (HostEnded, HostHung) as error:
            return RedirectTrial(_lost(route, identity, error))
        if found.wrote:
            self._dirty.add(profile)
        return found

    def hosts(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> HostTrial:
        """The route under forged hosts."""
        if not route.path or route.unresolved:
            return HostTrial(Exchange(route, identity, route.path, status=0))
        if route.safe and not guards_accounts(route):
            seen = self.look(route, identity, profile)
            if seen.failure or not 300 <= seen.status < 400:
                return HostTrial(seen, needless="it neither redirects nor is about an account")
        self._clean(profile)
        try:
            found = self._guarded(
                profile, lambda d: self.run.call(profile, hosts.hosts, d, route, identity), hosts.REQUESTS
            )
        except (HostEnded, HostHung) as error:
            return HostTrial(_lost(route, identity, error))
        if found.wrote:
            self._dirty.add(profile)
        return found

    def markup(self, members: Sequence[tuple[Route, str]]) -> Mapping[str, MarkupTrial]:
        """By route: every page after everything that takes text was given markup. Made once, for all of them."""
        if self._markup is None:
            self._markup = {}
            self._sow(members)
        return self._markup

    def _sow(self, members: Sequence[tuple[Route, str]]) -> None:
        profile, found = Profile.SWEEP, self._markup
        assert found is not None
        self._clean(profile)
        self._dirty.add(profile)
        reads = [(route, who) for route, who in members if route.safe and route.path and not route.unresolved]
        pages = [route.path for route, _ in reads]
        self.run.call(profile, markup.begin, self.run.settings.deadlines.trial_s, pages)
        sent = 0
        back: set[str] = set()
        answers: dict[str, tuple[Exchange, tuple[Shown, ...]]] = {}
        for route, who in sorted(members, key=lambda member: member[0].safe):  # writes first
            answer = Exchange(route, who, route.path, status=0)
            marks: tuple[Mark, ...] = ()
            shown: tuple[Shown, ...] = ()
            try:
                if (route, who) in reads:
                    answer, marks, shown = self._guarded(profile, _at(self.run, profile, markup.look, route, who), 2)
                elif not route.safe:
                    sown = self._guarded(profile, _at(self.run, profile, markup.sow, route, who), markup.REQUESTS)
                    answer, marks, shown = sown.answer, sown.marks, sown.shown
            except (HostEnded, HostHung) as error:
                answer = _lost(route, who, error)
            sent += len(marks)
            back.update(one.mark.name for one in shown)
            answers[route.key] = (answer, shown)
        found.update({k: MarkupTrial(answer, shown, sent, len(back)) for k, (answer, shown) in answers.items()})

    def _in_a_session(self, profile: Profile, work: Callable[[float], S], lost: S) -> S:
        self._clean(profile)
        try:
            found = self._guarded(profile, work, sessions.REQUESTS)
        except (HostEnded, HostHung) as error:
            return replace(lost, failure=str(error))
        if found.wrote:
            self._dirty.add(profile)
        return found

    def oauth(self, start: Route, others: Sequence[Route], profile: Profile = Profile.PROTECTION) -> OAuthTrial:
        """A log-in with a provider, once; the database is put back afterwards where it wrote."""
        key = (profile, start.key)
        if key not in self._logins:
            self._clean(profile)
            limit = self._rates_deadline
            try:
                found = self._checked(profile, lambda: self.run.call(profile, oauth.drive, limit, start, tuple(others)))
            except (HostEnded, HostHung) as error:
                found = OAuthTrial(start, failure=str(error))
            if found.wrote:
                self._dirty.add(profile)
            self._logins[key] = found
        return self._logins[key]

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

    # ------------------------------------------------------------------ webhooks and idempotency keys
    def broken(self, path: str, event: str, family: str, only: str = "") -> Broken:
        """One event of a webhook under one family of faults."""
        limit = self.faults.share()
        began = time.monotonic()
        try:
            return self._faults(limit, breaking.broken, path, event, family, limit, only)
        except (HostEnded, HostHung) as error:
            return Broken(f"webhook {path}", event, family, reason=str(error))
        finally:
            self.faults.spend(time.monotonic() - began)

    def refusals(self, path: str, family: str) -> Refusals:
        """Deliveries of a webhook that are to be refused."""
        try:
            return self._faults(0.0, refusals.refusals, path, family)
        except (HostEnded, HostHung) as error:
            return Refusals(f"webhook {path}", family, reason=str(error))

    def conflict(self, path: str) -> Conflict:
        """The same id with another payload."""
        try:
            return self._faults(0.0, conflict.conflict, path)
        except (HostEnded, HostHung) as error:
            return Conflict(f"webhook {path}", reason=str(error))

    def order(self, path: str, only: str = "") -> Order:
        """Related events in every order."""
        try:
            return self._faults(0.0, order.order, path, only)
        except (HostEnded, HostHung) as error:
            return Order(f"webhook {path}", reason=str(error))

    def backoff(self, path: str, event: str) -> Backoff:
        """An event that fails each time."""
        try:
            return self._faults(0.0, backoff.backoff, path, event)
        except (HostEnded, HostHung) as error:
            return Backoff(f"webhook {path}", event, reason=str(error))

    def pipeline(self, path: str, event: str) -> Pipeline:
        """The steps of a clean delivery."""
        try:
            return self._faults(0.0, pipeline.pipeline, path, event)
        except (HostEnded, HostHung) as error:
            return Pipeline(f"webhook {path}", event, reason=str(error))

    def keyed(self, route: str) -> KeyedTrial:
        """A route with idempotency keys."""
        limit = self.faults.share()
        try:
            self._clean(Profile.SWEEP)
            deadline = self._faults_deadline(limit)
            self._dirty.add(Profile.SWEEP)  # the copies of its rows lie beside them
            return self.run.call(Profile.SWEEP, idempotency.keyed, deadline, route, limit)
        except (HostEnded, HostHung) as error:
            return KeyedTrial(route, reason=str(error))

    def _faults_deadline(self, limit_s: float) -> float:
        """The references, a recovery that is being tried when the time is over, and forty single deliveries."""
        return limit_s + 6 * self.run.settings.deadlines.request_s + 60

    def _faults(self, limit_s: float, trial: Callable[..., F], *arguments: Any) -> F:
        """Run a trial that forks. A host that got threads from being warmed is started again and left cold."""
        profile, deadline = Profile.PROTECTION, self._faults_deadline(limit_s)
        self._clean(profile)
        found = self.run.call(profile, trial, deadline, *arguments, warm=profile not in self._cold)
        if found.crowded:
            self._cold.add(profile)
            self.run.stop(profile)
            found = self.run.call(profile, trial, deadline, *arguments, warm=False)
        return found

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


def _at(run: Run, profile: Profile, trial: Any, route: Route, who: str) -> Callable[[float], Any]:
    return lambda deadline: run.call(profile, trial, deadline, route, who)


def _lost(route: Route, identity: str, error: Exception) -> Exchange:
    return Exchange(route, identity, route.path, status=0, failure=str(error))
