"""What a guard suite is written with: `@guard` says what is planned, `trial` drives and judges."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from seatrial.model.classes import ResponseClasses
from seatrial.model.csrf import CsrfTrial
from seatrial.model.errors import BrokenError, InconclusiveError, SeatrialError
from seatrial.model.evidence import AppFacts, Budget, Exchange
from seatrial.model.findings import Check, Finding
from seatrial.model.growth import Growth
from seatrial.model.indexes import Database
from seatrial.model.inventory import Hook, Route
from seatrial.model.latency import Timings
from seatrial.model.leaks import LeakTrial
from seatrial.model.markup import MarkupTrial
from seatrial.model.migrations import History
from seatrial.model.oauth import OAuthTrial
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.profiles import Profile
from seatrial.model.rates import LimiterFacts, RateTrial
from seatrial.model.redirects import HostTrial, RedirectTrial
from seatrial.model.report import Report
from seatrial.model.result import RouteRow
from seatrial.model.rules import Context, Rule
from seatrial.model.sessions import LogIn, LogOut
from seatrial.model.webhooks import Backoff, Broken, Conflict, KeyedTrial, Order, Pipeline, Refusals
from seatrial.plugin.aims import Aim, Selector
from seatrial.rules.answers import hot
from seatrial.trials.pilot import Pilot
from seatrial.trials.sweep import Visit


@dataclass(frozen=True, slots=True)
class GuardPlan:
    """What a guard function was declared with."""

    profile: Profile
    over: Selector
    rules: tuple[Rule, ...]


def guard(
    *, over: Selector, rules: Iterable[Rule], profile: Profile = Profile.SWEEP
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a guard: collected once per aim; each of `rules` is planned for each aim and must be judged.

    The function takes one argument, `trial` (a `Trial`).
    """
    plan = GuardPlan(profile, over, tuple(rules))

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        # Not functools.wraps: pytest would look through to the original and ask for a fixture `trial`, which the
        # target's own conftest may well define.
        def run(seatrial_trial: Trial) -> None:
            __tracebackhide__ = True
            seatrial_trial.begin(plan)
            try:
                function(seatrial_trial)
            except SeatrialError as error:
                seatrial_trial.cannot(error)
            except Exception as error:
                # Ours to mend, not the app's: a crash is not clean, and pytest shows the traceback.
                seatrial_trial.cannot(_crash(function.__name__, error))
                raise
            seatrial_trial.conclude()

        run.__name__, run.__qualname__ = function.__name__, function.__qualname__
        run.__module__, run.__doc__ = function.__module__, function.__doc__
        run.seatrial_plan = plan  # type: ignore[attr-defined]
        return run

    return decorate


class Trial:
    """Handed to a guard as `trial`."""

    def __init__(
        self,
        aim: Aim,
        pilot: Callable[[], Pilot],
        facts: Callable[[Profile], AppFacts],
        context: Context,
        budgets: Callable[[str], Budget | None],
        levels: dict[str, Level],
        is_known: Callable[[Finding], bool],
        selected: Callable[[Rule], bool],
        fault: str = "",
    ) -> None:
        """`fault`: of a trial of faults, the one way of breaking that is tried."""
        self.aim = aim
        self._fault = fault
        self.report = Report()
        self._pilot, self._facts, self._context, self._budgets = pilot, facts, context, budgets
        self._levels, self._is_known, self._selected = levels, is_known, selected
        self._plan: GuardPlan | None = None

    # ------------------------------------------------------------------ evidence
    @property
    def route(self) -> Route:
        assert self.aim.route is not None, "this guard is about the whole app"
        return self.aim.route

    def visit(self) -> Visit:
        """The page, cold and warm, in the guard's profile."""
        found = self._pilot().visit(self.route, self.aim.identity, self._profile)
        warm = found.warm
        answered = not warm.failure
        counted = warm.counted
        self.report.rows.append(
            RouteRow(
                self.route.method,
                self.route.rule,
                self.route.endpoint,
                self.aim.identity,
                warm.status if answered else None,
                len(counted) if answered else None,
                sum(s.rows or 0 for s in counted) if answered else None,
                round(warm.elapsed_ms, 1) if answered else None,
            )
        )
        self.report.visits.append(warm)
        self._reached(found.cold, warm)
        return found

    def look(self) -> Exchange:
        """One response of the page, in the guard's profile."""
        return self._pilot().look(self.route, self.aim.identity, self._profile)

    def again(self) -> tuple[Exchange, ...]:
        """Two responses of the page where it carries a nonce, else one."""
        return self._pilot().again(self.route, self.aim.identity, self._profile)

    def origins(self) -> tuple[Exchange, ...]:
        """The page asked from foreign origins."""
        return self._pilot().origins(self.route, self.aim.identity, self._profile)

    def classes(self) -> ResponseClasses:
        """Every class of response of the blueprint that could be had."""
        return ResponseClasses(self.aim.subject, self._pilot().classes(self.aim.members, self._profile))

    def malformed(self) -> tuple[Exchange, ...]:
        """The route under malformed requests."""
        return self._reached(*self._pilot().malformed(self.route, self.aim.identity, self._profile))

    def errors(self) -> tuple[Exchange, ...]:
        """What the route answers to everything that provokes an error, asked as an API client."""
        return self._reached(*self._pilot().errors(self.route, self.aim.identity, self._profile))

    def forged(self) -> CsrfTrial:
        """The route under requests that another site could have a visitor's browser send."""
        return self._pilot().forged(self.route, self.aim.identity, self._profile)

    def growth(self) -> Growth:
        """The page while the tables that it reads grow."""
        found = self._pilot().growth(self.route, self.aim.identity)
        if found.broken:
            raise BrokenError(found.broken)
        return found

    def indexes(self) -> Database:
        """The app's statements without and with each planned index, on tables that are large."""
        return self._pilot().indexes(self.aim.members)

    def history(self) -> History:
        """The app's own migrations, run up and down on a database of their own."""
        return self._pilot().history()

    def timings(self) -> Timings:
        """The page, warm, alone; not driven where it is no hot path."""
        context = replace(self._context, budget=self._budgets(self.aim.subject))
        if not hot(self.route, context):
            return Timings(Exchange(self.route, self.aim.identity, self.route.path, status=0))
        return self._pilot().timings(self.route, self.aim.identity)

    def leaks(self) -> LeakTrial:
        """The page some hundred times."""
        return self._pilot().leaks(self.route, self.aim.identity)

    def limits(self) -> RateTrial:
        """The route tried by a stranger until its limit refuses, and beyond."""
        return self._pilot().limits(self.route, self._profile)

    def log_in(self) -> LogIn:
        """The first identity that logs in through this route, with a session that was there before."""
        [(route, who)] = self.aim.members
        return self._pilot().log_in(route, who, self._profile)

    def log_out(self) -> LogOut:
        """The identity logs out, while a copy of its cookies is kept elsewhere."""
        return self._pilot().log_out(self.route, self.aim.identity, self._profile)

    def markup(self) -> MarkupTrial:
        """The page after everything that takes text was given markup."""
        return self._pilot().markup(self.aim.members)[self.route.key]

    def redirects(self) -> RedirectTrial:
        """Every parameter of the route that reaches Location, under everything that looks like a local target."""
        enters = next((who for _, who in self.aim.members), "")
        return self._pilot().redirects(self.route, self.aim.identity, enters, self._profile)

    def hosts(self) -> HostTrial:
        """The route under forged hosts, where it redirects or is about an account."""
        return self._pilot().hosts(self.route, self.aim.identity, self._profile)

    def broken(self) -> Broken:
        """The event of the webhook, broken in every way of the family."""
        return self._pilot().faults.broken(self.hook.path, self.aim.event, self.aim.family, self._fault)

    def refusals(self, family: str) -> Refusals:
        """Deliveries of the webhook that are to be refused."""
        return self._pilot().faults.refusals(self.hook.path, family)

    def conflict(self) -> Conflict:
        """An id of the webhook's that comes again with another payload."""
        return self._pilot().faults.conflict(self.hook.path)

    def order(self) -> Order:
        """Related events of the webhook in every order."""
        return self._pilot().faults.order(self.hook.path, self._fault)

    def backoff(self) -> Backoff:
        """An event of the webhook that fails each time."""
        return self._pilot().faults.backoff(self.hook.path, self.aim.event)

    def pipeline(self) -> Pipeline:
        """The steps of a clean delivery of the event."""
        return self._pilot().faults.pipeline(self.hook.path, self.aim.event)

    def keyed(self) -> KeyedTrial:
        """The route with idempotency keys."""
        return self._pilot().faults.keyed(f"{self.route.method} {self.route.rule}")

    @property
    def hook(self) -> Hook:
        assert self.aim.hook is not None, "this guard is about a webhook"
        return self.aim.hook

    def limiter(self) -> LimiterFacts:
        """Where the app counts."""
        return self._pilot().limiter(self._profile)

    def oauth(self) -> OAuthTrial:
        """The log-in with a provider that begins here or comes back here, with everything that can be wrong with it."""
        if self.aim.route is None:
            library = next((p.library for p in self.facts().protections if p.name == "oauth"), "")
            return OAuthTrial(library=library)
        start, *others = (route for route, _ in self.aim.members)
        return replace(self._pilot().oauth(start, others, self._profile), callback=self.aim.route)

    def facts(self) -> AppFacts:
        """What was really on in the guard's profile."""
        return self._facts(self._profile)

    def _reached(self, *exchanges: Exchange) -> tuple[Exchange, ...]:
        """Keep what was tried to be reached, once per line and host."""
        calls = (call for exchange in exchanges for call in exchange.outbound if call.place is not None)
        known = {(call.place, call.host) for call in self.report.outbound}
        for call in calls:
            if (call.place, call.host) not in known:
                known.add((call.place, call.host))
                self.report.outbound.append(call)
        return exchanges

    @property
    def _profile(self) -> Profile:
        assert self._plan is not None
        return self._plan.profile

    # ------------------------------------------------------------------ judgement
    def begin(self, plan: GuardPlan) -> None:
        self._plan = plan

    def judge(self, rule: Rule, evidence: Any) -> None:
        """Let a rule speak on the evidence and keep what it says."""
        if not self._selected(rule):
            return
        context = replace(
            self._context,
            budget=self._budgets(self.aim.subject),
            facts=self.facts() if rule.family in ("CKE", "CFG", "CSR", "HDR") else None,
        )
        judgement = rule(evidence, context)
        self.report.checks.append(judgement.check)
        for finding in judgement.findings:
            level = self._levels.get(finding.rule, finding.level)
            if level is not Level.OFF:
                self.report.findings.append(replace(finding, level=level))

    def cannot(self, error: SeatrialError) -> None:
        """The evidence could not be had: what was planned and not judged says why."""
        assert self._plan is not None
        inconclusive = isinstance(error, InconclusiveError)
        if inconclusive:
            self.report.inconclusive = str(error)
        else:
            self.report.broken = str(error)
        judged = {check.rule for check in self.report.checks}
        outcome = Outcome.NOT_PROVED if inconclusive else Outcome.BROKEN
        self.report.checks += [
            Check(rule.code, self.aim.subject, outcome, str(error))
            for rule in self._plan.rules
            if rule.code not in judged and self._selected(rule)
        ]

    def conclude(self) -> None:
        """Fail the item on new blocking findings; skip it where nothing at all was proved."""
        __tracebackhide__ = True
        blocking = [f for f in self.report.findings if f.level is Level.BLOCK and not self._is_known(f)]
        if blocking:
            pytest.fail("\n".join(map(sentence, blocking)), pytrace=False)
        broken = [c for c in self.report.checks if c.outcome is Outcome.BROKEN]
        if broken:
            pytest.fail(f"broken: {broken[0].reason}", pytrace=False)
        if all(c.outcome in (Outcome.NOT_PROVED, Outcome.SKIPPED) for c in self.report.checks):
            reasons = "; ".join(dict.fromkeys(c.reason for c in self.report.checks)) or "the guard judged nothing"
            asked = any(c.outcome is Outcome.NOT_PROVED for c in self.report.checks)
            pytest.skip(f"not proved: {reasons}" if asked else reasons)


def _crash(guard: str, error: Exception) -> BrokenError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error} at {os.path.basename(frame.filename)}:{frame.lineno}"
    return BrokenError(f"the guard {guard} itself failed: {what}; pytest --seatrial shows the traceback")


def sentence(finding: Finding) -> str:
    """One finding for a pytest report: rule, place, message, remedy."""
    where = f" at {finding.place.path}:{finding.place.line}" if finding.place else ""
    return f"{finding.rule} {finding.name}: {finding.subject}{where}: {finding.message}\n    {finding.remedy}"
