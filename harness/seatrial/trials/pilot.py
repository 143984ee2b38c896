"""Asks the hosts of one run for evidence, for the guards: what may be asked once is asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from seatrial.host.client import HostEnded, HostHung
from seatrial.host.run import Run
from seatrial.migrate.specs import IndexSpec, configured
from seatrial.model.csrf import CsrfTrial
from seatrial.model.errors import BrokenError
from seatrial.model.evidence import AppFacts, Exchange, Kind
from seatrial.model.growth import Growth
from seatrial.model.indexes import Advice, Database
from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.latency import Timings
from seatrial.model.leaks import LeakTrial
from seatrial.model.markup import Mark, MarkupTrial, Shown, Sown
from seatrial.model.migrations import History
from seatrial.model.oauth import OAuthTrial
from seatrial.model.profiles import Profile
from seatrial.model.rates import LimiterFacts, RateTrial, guards_accounts
from seatrial.model.redirects import HostTrial, RedirectTrial
from seatrial.model.sessions import LogIn, LogOut
from seatrial.trials import (
    csrf,
    discovery,
    errors,
    growth,
    hosts,
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
from seatrial.trials.asking import Asking
from seatrial.trials.sweep import Visit
from seatrial.trials.webhooks.pilot import FaultPilot

if TYPE_CHECKING:
    from seatrial.target import Target

FORGED_REQUESTS = 60
"""Of one CSRF trial at most: the first one looks for a token on many pages."""


class Pilot:
    """One method per kind of evidence. A host that died or hung is evidence, too: `failure` says how."""

    def __init__(self, run: Run, time_budget_s: float | None = None) -> None:
        """`time_budget_s`: for all trials of faults together; None: only their own limit."""
        self.run = run
        self.asking = Asking(run)
        self.faults = FaultPilot(self.asking, time_budget_s)
        self._visits: dict[tuple[Profile, str, str], Visit] = {}
        self._looks: dict[tuple[Profile, str, str], Exchange] = {}
        self._logins: dict[tuple[Profile, str], OAuthTrial] = {}
        self._facts: dict[Profile, AppFacts] = {}
        self._markup: dict[str, MarkupTrial] | None = None

    # ------------------------------------------------------------------ pages
    def visit(self, route: Route, identity: str, profile: Profile = Profile.SWEEP) -> Visit:
        """Cold and warm GET."""
        key = (profile, route.key, identity)
        if key not in self._visits:

            def lost(said: str) -> Visit:
                return Visit(*[_lost(route, identity)(said)] * 2)

            limit = self.asking.requests_s(2)
            found = self.asking.asked(profile, limit, lost, sweep.visit, route, identity)
            self.asking.note_writes(profile, (found.cold, found.warm))
            self._visits[key] = found
        return self._visits[key]

    def look(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> Exchange:
        """One GET, for rules that judge the response only."""
        key = (profile, route.key, identity)
        if key not in self._looks:
            self._looks[key] = self._look(route, identity, profile)
        return self._looks[key]

    def _look(self, route: Route, identity: str, profile: Profile) -> Exchange:
        limit = self.asking.requests_s(1)
        found = self.asking.asked(profile, limit, _lost(route, identity), sweep.look, route, identity)
        self.asking.note_writes(profile, (found,))
        return found

    def again(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> tuple[Exchange, ...]:
        """The page, and once more where its policy carries a nonce: only then there is something to compare."""
        first = self.look(route, identity, profile)
        said = "".join(first.header_values("Content-Security-Policy")) + first.marks.get("csp-meta", "")
        if first.failure or "'nonce-" not in said.lower():
            return (first,)
        return first, self._look(route, identity, profile)

    def origins(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> tuple[Exchange, ...]:
        """The route asked from foreign origins."""
        return self._exchanges(profile, 4, responses.origins, route, identity)

    def malformed(self, route: Route, identity: str, profile: Profile = Profile.SWEEP) -> tuple[Exchange, ...]:
        """The route with malformed requests."""
        return self._exchanges(profile, len(list(sweep.variants(route))), sweep.malformed, route, identity)

    def errors(self, route: Route, identity: str, profile: Profile = Profile.SWEEP) -> tuple[Exchange, ...]:
        """The route with everything that provokes an error."""
        return self._exchanges(profile, errors.REQUESTS, errors.provoke, route, identity)

    def _exchanges(
        self,
        profile: Profile,
        requests: int,
        trial: Callable[[Target, Route, str], tuple[Exchange, ...]],
        route: Route,
        identity: str,
    ) -> tuple[Exchange, ...]:
        """The database is put back afterwards where one of them wrote."""
        limit = self.asking.requests_s(requests)
        found = self.asking.asked(profile, limit, _alone(route, identity), trial, route, identity)
        self.asking.note_writes(profile, found)
        return found

    def classes(self, members: Sequence[tuple[Route, str]], profile: Profile) -> tuple[Exchange, ...]:
        """Every page among the members as who may see it, and what can be provoked around them."""
        looks = [self.look(route, identity, profile) for route, identity in members if route.safe]
        routes = [route for route, _ in members]
        identity = next((name for _, name in members if name != ANONYMOUS), ANONYMOUS)
        lost = _alone(routes[0], identity)
        provoked = self.asking.asked(profile, self.asking.requests_s(9), lost, responses.provoke, routes, identity)
        self.asking.note_writes(profile, provoked)
        return (*looks, *provoked)

    # ------------------------------------------------------------------ cost
    def growth(self, route: Route, identity: str) -> Growth:
        """The route while its tables grow. The database is put back by the trial itself, or before the next one."""
        profile, deadlines = Profile.SWEEP, self.run.settings.deadlines
        if route.unresolved:
            return Growth(route, identity, answer=_unasked(route, identity))
        self.asking.clean(profile)
        key = f"{route.method} {route.rule}"
        options = next((growing.options for growing in self.run.settings.growth if growing.route == key), {})

        def lost(said: str) -> Growth:
            return Growth(route, identity, reason=said, dirty=True)

        if route.safe:
            limit = deadlines.growth_s + 2 * deadlines.request_s + 5
            found = self.asking.looked(profile, limit, lost, growth.prove, route, identity, options)
        else:
            try:
                found = self.asking.checked(
                    profile, lambda: growth.prove_writing(self.run, profile, route, identity, options)
                )
            except (HostEnded, HostHung) as error:
                found = lost(str(error))
        if found.dirty:
            self.asking.soil(profile)
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
        settings = self.run.settings
        specs = configured(settings) if specs is None else specs
        self.asking.clean(profile)
        self.asking.soil(profile)
        lost = _breaks("the trial of the indexes did not finish")
        hot, options = frozenset(settings.hot), {growing.route: growing.options for growing in settings.growth}
        return self.asking.looked(profile, self.asking.whole_s, lost, indexes.prove, members, specs, hot, options)

    def advice(self, members: Sequence[tuple[Route, str]], profile: Profile = Profile.SWEEP) -> Advice:
        """Which further indexes would serve the app's statements."""
        settings = self.run.settings
        self.asking.clean(profile)
        self.asking.soil(profile)
        lost = _breaks("the trial of further indexes did not finish")
        hot, options = frozenset(settings.hot), {growing.route: growing.options for growing in settings.growth}
        return self.asking.looked(profile, self.asking.whole_s, lost, indexes.advise, members, hot, options)

    def timings(self, route: Route, identity: str) -> Timings:
        """The route, warm, alone, unrecorded."""
        profile, seconds = Profile.SWEEP, self.run.settings.deadlines.request_s
        if route.unresolved:
            return Timings(_unasked(route, identity))
        writes = self._writes(route, identity)

        def lost(said: str) -> Timings:
            return Timings(_lost(route, identity)(said))

        limit = self.asking.requests_s(1 + latency.WARM + latency.FEWEST)
        found = self.asking.looked(profile, limit, lost, latency.time_calls, route, identity, seconds)
        if writes:
            self.asking.soil(profile)
        return found

    def leaks(self, route: Route, identity: str) -> LeakTrial:
        """The route some hundred times, in a host that is put back afterwards where the route writes."""
        profile, deadlines, subject = Profile.SWEEP, self.run.settings.deadlines, route.subject(identity)
        if route.unresolved or route.skipped:
            return LeakTrial(subject, failure="no sample value for its arguments: see [tool.seatrial.arguments]")
        writes = self._writes(route, identity)

        def lost(said: str) -> LeakTrial:
            return LeakTrial(subject, failure=said)

        limit = deadlines.leak_s + 2 * deadlines.request_s + 5
        found = self.asking.looked(profile, limit, lost, leaks.calls, route, identity, deadlines.leak_s)
        if writes:
            self.asking.soil(profile)
        return found

    def _writes(self, route: Route, identity: str) -> bool:
        return self.visit(route, identity).writing.count(Kind.DML) > 0

    # ------------------------------------------------------------------ security
    def forged(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> CsrfTrial:
        """The route under forged requests; the database is put back afterwards where one of them wrote."""

        def lost(said: str) -> CsrfTrial:
            return CsrfTrial(_lost(route, identity)(said))

        limit = self.asking.requests_s(FORGED_REQUESTS)
        return self.asking.asked(profile, limit, lost, csrf.forge, route, identity)

    def limits(self, route: Route, profile: Profile = Profile.PROTECTION) -> RateTrial:
        """A stranger at a route, until its limit refuses. Afterwards the database is put back.

        A limiter or ban that we do not know cannot be reset: its host is ended, and what it remembers with it.
        """

        def lost(said: str) -> RateTrial:
            return RateTrial(route, failure=said)

        found = self.asking.asked(profile, self.asking.several_s, lost, rates.limits, route)
        unknown = not found.limiter and found.attempts and not found.attempts[-1].entered
        if unknown or found.recovered is False:
            self.run.stop(profile)
        return found

    def limiter(self, profile: Profile = Profile.PROTECTION) -> LimiterFacts:
        """Where the app counts."""
        return self.run.call(profile, rates.limiter, self.run.settings.deadlines.trial_s)

    def log_in(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> LogIn:
        """The identity logs in through this route with a session that was there before."""

        def lost(said: str) -> LogIn:
            return LogIn(route, identity, failure=said)

        limit = self.asking.requests_s(sessions.REQUESTS)
        return self.asking.asked(profile, limit, lost, sessions.log_in, route, identity)

    def log_out(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> LogOut:
        """The route that logs out, and a copy of the cookies from before it."""

        def lost(said: str) -> LogOut:
            return LogOut(route, identity, failure=said)

        limit = self.asking.requests_s(sessions.REQUESTS)
        return self.asking.asked(profile, limit, lost, sessions.log_out, route, identity)

    def redirects(
        self, route: Route, identity: str, enters: str = "", profile: Profile = Profile.PROTECTION
    ) -> RedirectTrial:
        """The route's parameters that reach Location; `enters` is who logs in through it, or empty."""

        def lost(said: str) -> RedirectTrial:
            return RedirectTrial(_lost(route, identity)(said))

        limit = self.asking.requests_s(redirects.REQUESTS)
        return self.asking.asked(profile, limit, lost, redirects.redirects, route, identity, enters)

    def hosts(self, route: Route, identity: str, profile: Profile = Profile.PROTECTION) -> HostTrial:
        """The route under forged hosts."""
        if not route.path or route.unresolved:
            return HostTrial(_unasked(route, identity))
        if route.safe and not guards_accounts(route):
            seen = self.look(route, identity, profile)
            if seen.failure or not 300 <= seen.status < 400:
                return HostTrial(seen, needless="it neither redirects nor is about an account")

        def lost(said: str) -> HostTrial:
            return HostTrial(_lost(route, identity)(said))

        limit = self.asking.requests_s(hosts.REQUESTS)
        return self.asking.asked(profile, limit, lost, hosts.hosts, route, identity)

    def oauth(self, start: Route, others: Sequence[Route], profile: Profile = Profile.PROTECTION) -> OAuthTrial:
        """A log-in with a provider, once; the database is put back afterwards where it wrote."""
        key = (profile, start.key)
        if key not in self._logins:

            def lost(said: str) -> OAuthTrial:
                return OAuthTrial(start, failure=said)

            limit = self.asking.several_s
            self._logins[key] = self.asking.asked(profile, limit, lost, oauth.drive, start, tuple(others))
        return self._logins[key]

    def markup(self, members: Sequence[tuple[Route, str]]) -> Mapping[str, MarkupTrial]:
        """By route: every page after everything that takes text was given markup. Made once, for all of them."""
        if self._markup is None:
            self._markup = self._sown(members)
        return self._markup

    def _sown(self, members: Sequence[tuple[Route, str]]) -> dict[str, MarkupTrial]:
        profile = Profile.SWEEP
        self.asking.clean(profile)
        self.asking.soil(profile)
        reads = [(route, who) for route, who in members if route.safe and route.path and not route.unresolved]
        pages = [route.path for route, _ in reads]
        self.run.call(profile, markup.begin, self.run.settings.deadlines.trial_s, pages)
        sent = 0
        back: set[str] = set()
        answers: dict[str, tuple[Exchange, tuple[Shown, ...]]] = {}
        for route, who in sorted(members, key=lambda member: member[0].safe):  # writes first
            answer, marks, shown = self._marked(route, who, profile, reads=(route, who) in reads)
            sent += len(marks)
            back.update(one.mark.name for one in shown)
            answers[route.key] = (answer, shown)
        return {key: MarkupTrial(answer, shown, sent, len(back)) for key, (answer, shown) in answers.items()}

    def _marked(
        self, route: Route, who: str, profile: Profile, *, reads: bool
    ) -> tuple[Exchange, tuple[Mark, ...], tuple[Shown, ...]]:
        if reads:

            def unread(said: str) -> tuple[Exchange, tuple[Mark, ...], tuple[Shown, ...]]:
                return _lost(route, who)(said), (), ()

            return self.asking.looked(profile, self.asking.requests_s(2), unread, markup.look, route, who)
        if route.safe:
            return _unasked(route, who), (), ()

        def lost(said: str) -> Sown:
            return Sown(_lost(route, who)(said))

        limit = self.asking.requests_s(markup.REQUESTS)
        sown = self.asking.looked(profile, limit, lost, markup.sow, route, who)
        return sown.answer, sown.marks, sown.shown

    # ------------------------------------------------------------------ the whole app
    def history(self, profile: Profile = Profile.SWEEP) -> History:
        """The app's own migrations on a database of their own; the process of the host is left as it was."""
        self.asking.clean(profile)
        since = self.run.settings.migrations.since
        try:
            with self.run.emptied(profile):
                found = self.run.call(profile, migrations.tried, self.asking.whole_s, since)
        except (HostEnded, HostHung) as error:
            raise BrokenError(f"the trial of the migrations did not finish: {error}") from error
        return migrations.linted(found)

    def facts(self, profile: Profile = Profile.PROTECTION) -> AppFacts:
        """What is really on."""
        if profile not in self._facts:
            self._facts[profile] = self.run.call(profile, discovery.facts, self.run.settings.deadlines.trial_s)
        return self._facts[profile]


def _unasked(route: Route, identity: str) -> Exchange:
    return Exchange(route, identity, route.path, status=0)


def _lost(route: Route, identity: str) -> Callable[[str], Exchange]:
    return lambda said: Exchange(route, identity, route.path, status=0, failure=said)


def _alone(route: Route, identity: str) -> Callable[[str], tuple[Exchange, ...]]:
    return lambda said: (_lost(route, identity)(said),)


def _breaks(what: str) -> Callable[[str], NoReturn]:
    """For a trial without which there is nothing to judge."""

    def lost(said: str) -> NoReturn:
        raise BrokenError(f"{what}: {said}")

    return lost
