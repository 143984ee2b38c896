"""What is asked of a deployment that is ready, and what the rules say of all the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from seatrial.model.classes import ResponseClasses
from seatrial.model.deployment import DEPLOYMENT, Build, CsrfProbe, LimitProbe, Readiness, Tls, Visit
from seatrial.model.evidence import AppFacts, Exchange
from seatrial.model.findings import Check, Judgement
from seatrial.model.inventory import Route
from seatrial.model.profiles import Profile
from seatrial.model.result import RouteRow
from seatrial.model.rules import Context, Rule
from seatrial.rules import cfg, cke, err, hdr, smk
from seatrial.smoke import pages, probes, ready, transport
from seatrial.smoke.client import Answer, Client
from seatrial.smoke.forms import Doorbell
from seatrial.smoke.plan import Plan
from seatrial.smoke.ready import Front
from seatrial.verdict.verdict import reconcile

Said = Callable[[str], None]
COMMIT_ASKS = 3
"""Times that a page is asked for its commit: behind one address there may be several builds."""


@dataclass(slots=True)
class Smoked:
    """What was found at one deployment."""

    plan: Plan
    readiness: Readiness
    tls: Tls
    judgements: list[Judgement] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    commits: Counter[str] = field(default_factory=Counter)
    inconclusive: list[str] = field(default_factory=list)
    why: str = ""
    """Why nothing more was asked, where that is so."""
    elapsed_s: float = 0.0

    @property
    def checks(self) -> list[Check]:
        """Everything that was planned and everything that came up, each with its outcome."""
        found = [judgement.check for judgement in self.judgements]
        return reconcile(planned(self.plan), found, why=self.why or "the run ended before it")

    @property
    def rows(self) -> list[RouteRow]:
        return [
            RouteRow(
                visit.answer.route.method,
                visit.answer.route.rule,
                visit.answer.route.endpoint,
                visit.answer.identity,
                visit.answer.status or None,
                visit.statements,
                None,
                visit.fastest_ms,
            )
            for visit in self.visits
        ]


def planned(plan: Plan) -> Iterator[tuple[str, str]]:
    """(rule, subject) of what is known before anything is asked."""
    for rule in (smk.not_ready, smk.wrong_content, smk.wrong_commit, smk.tls, hdr.https_redirect):
        yield rule.code, DEPLOYMENT
    for aim in plan.aims:
        yield from ((rule.code, aim.subject) for rule in smk.OF_A_VISIT)
    yield from ((smk.static_asset_missing.code, route.subject()) for route in plan.assets)
    if plan.posts:
        yield from ((smk.webhook_accepts_unsigned.code, route.subject()) for route in plan.webhooks)
    if plan.posts and plan.door is not None:
        yield from ((rule.code, plan.door.route.subject()) for rule in (smk.csrf_inactive, smk.limit_inactive))


class Course:
    """From the first page to the last."""

    def __init__(self, plan: Plan, front: Front, said: Said) -> None:
        self.plan, self.front, self.said, self.ask = plan, front, said, front.ask
        self.found = Smoked(plan, front.readiness, front.tls)
        self.context = Context(environment=plan.environment)
        self.silent = 0

    def judge(self, rule: Rule, evidence: object) -> Judgement:
        judgement = rule(evidence, self.context)
        self.found.judgements.append(judgement)
        return judgement

    # ------------------------------------------------------------------ the course of it
    def whole(self) -> Smoked:
        self.found.why = self._stopped()
        identity = self.front.identity
        if self.found.why or identity is None:
            return self.found
        with ThreadPoolExecutor(4, thread_name_prefix="smoke-beside") as pool:
            beside = _Beside(self.plan, self.ask, pool, self.said)
            self._note(self.front.answer)
            self.found.visits = pages.visits(self.plan, self.ask, note_commit=self._note)
            answers = [visit.answer for visit in self.found.visits]
            for visit in self.found.visits:
                for rule in smk.OF_A_VISIT:
                    self.judge(rule, visit)
            assets = list(pool.map(lambda asset: probes.asset(self.plan, self.ask, *asset), self._assets(answers)))
            for asset in assets:
                self.judge(smk.static_asset_missing, asset)
            self._beside(beside, answers, [identity.answer, *assets], identity.missing)
        self._build()
        return self.found

    def _stopped(self) -> str:
        """Ready, and who it is; why nothing more is asked, or empty."""
        front = self.front
        self.judge(smk.tls, front.tls)
        if front.untrusted and not front.readiness.ready:
            return "no connection could be trusted: see SMK005"
        if self.judge(smk.not_ready, front.readiness).findings:
            return "the deployment is not ready: see SMK001"
        if front.banned:
            self.found.inconclusive.append(
                f"{self.plan.base.netloc}: {front.banned}, so smoke is locked out: let its address in, "
                "or try again later"
            )
            return front.banned
        if self.judge(smk.wrong_content, front.identity).findings:
            return "something else than the app answers: see SMK003"
        return ""

    def _assets(self, answers: Sequence[Exchange]) -> list[tuple[Route, str]]:
        """(route, page that asks for it) of the inventory's files, and of what the pages of this host link."""
        found = {route.path: (route, "") for route in self.plan.assets}
        for page, address in pages.linked(answers):
            path = self.plan.base.own(self.plan.base.leads(page.path, address))
            if path is not None and path not in found and len(found) < probes.MOST_ASSETS:
                found[path] = (Route("GET", path, "static", path=path), page.path)
        return list(found.values())

    def _beside(self, beside: _Beside, answers: list[Exchange], more: list[Exchange], missing: Exchange | None) -> None:
        """What was asked beside the pages, and what concerns all of it."""
        errors = [exchange for exchange in (missing,) if exchange is not None]
        for webhook in (future.result() for future in beside.webhooks):
            self.judge(smk.webhook_accepts_unsigned, webhook)
            errors.append(webhook)
        self.judge(hdr.https_redirect, beside.upgrade.result())
        if beside.door is not None:
            bell, csrf, limit = beside.door.result()
            self.judge(smk.csrf_inactive, csrf)
            self.judge(smk.limit_inactive, limit)
            errors += bell.refused[-1:]
        self._errors(beside, answers, errors)
        if (debugger := beside.debugger.result()) is not None:
            facts = AppFacts(Profile.PROTECTION, self.plan.environment, debug=True)
            judged = cfg.debug_on(facts, self.context)
            findings = tuple(replace(finding, requests=debugger.asked) for finding in judged.findings)
            self.found.judgements.append(replace(judged, findings=findings))
        self._headers(answers, more, errors)

    def _errors(self, beside: _Beside, answers: list[Exchange], errors: list[Exchange]) -> None:
        """ERR: an unknown address of the API, and whatever else was answered as an error."""
        if beside.api is not None:
            unknown = beside.api.result()
            for rule in (err.envelope, err.leaks_internals, err.html_for_json):
                self.judge(rule, (unknown,))
        for exchange in [*errors, *(answer for answer in answers if answer.status >= 400)]:
            self.judge(err.leaks_internals, (exchange,))
            if exchange.status == 429:
                self.judge(err.drops_header, (exchange,))

    def _headers(self, answers: list[Exchange], more: list[Exchange], errors: list[Exchange]) -> None:
        """HDR and CKE: each page, and all of it together."""
        asked = [answer for answer in answers if not answer.failure]
        for exchange in [*asked, *([] if asked else more[:1])]:
            for rule in (*hdr.OF_A_RESPONSE, *cke.RULES):
                self.judge(rule, exchange)
        everything = tuple(exchange for exchange in (*asked, *more, *errors) if not exchange.failure)
        self.judge(hdr.header_lost, ResponseClasses(DEPLOYMENT, everything))
        page = next(
            (answer for answer in (*asked, *more) if "nonce-" in (answer.header("Content-Security-Policy") or "")), None
        )
        if page is not None and page.ok:
            self.judge(hdr.csp_nonce_reused, (page, probes.once_more(self.plan, self.ask, page)))

    # ------------------------------------------------------------------ the commit
    def _note(self, answer: Answer) -> None:
        if not self.plan.commit.header or answer.failure:
            return
        if commit := ready.commit_of(self.plan.commit, answer):
            self.found.commits[commit] += 1
        else:
            self.silent += 1

    def _build(self) -> None:
        plan = self.plan
        if plan.commit.path and plan.expected_commit:
            for _ in range(COMMIT_ASKS):
                if commit := ready.commit_of(plan.commit, self.ask.ask("GET", plan.commit.path)):
                    self.found.commits[commit] += 1
                else:
                    self.silent += 1
        build = Build(plan.expected_commit, dict(self.found.commits), plan.commit.said, self.silent)
        judged = self.judge(smk.wrong_commit, build)
        if plan.expected_commit and not build.seen:
            self.found.inconclusive.append(f"{plan.base.netloc}: whether it is {plan.expected_commit}: {judged.reason}")


class _Beside:
    """What is asked while the pages are."""

    def __init__(self, plan: Plan, ask: Client, pool: ThreadPoolExecutor, said: Said) -> None:
        self.upgrade = pool.submit(transport.upgrade, plan)
        self.debugger = pool.submit(probes.debugger, plan, ask)
        self.api = pool.submit(ready.canary, plan, ask, plan.api, "application/json") if plan.api else None
        posts = plan.posts
        self.webhooks: Sequence[Future[Exchange]] = (
            [pool.submit(probes.unsigned, plan, ask, route) for route in plan.webhooks] if posts else []
        )
        self.door = pool.submit(_ring, plan, ask, said) if posts and plan.door is not None else None


def _ring(plan: Plan, ask: Client, said: Said) -> tuple[Doorbell, CsrfProbe, LimitProbe]:
    """The token first: a limit that is used up refuses everything."""
    assert plan.door is not None
    bell = Doorbell(plan, ask, plan.door)
    csrf = bell.csrf()
    return bell, csrf, bell.limit(said)
