"""RTL: rate limits. Who may try passwords, how often, and whether the count can be got around.

Judged is what became of real attempts by a stranger (`RateTrial`), with the app as in production. What counts is
whether the body of the view was reached, not the status: a page that turns a stranger away says nothing of a limit.
"""

from collections import Counter
from collections.abc import Iterable

from seatrial.model.findings import Judgement, Place
from seatrial.model.outcomes import Level
from seatrial.model.rates import Attempt, LimiterFacts, RateTrial, guards_accounts, requests_of
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import ARGUMENTS, RESPONSE
from seatrial.rules.registry import rule

_DEVELOPED = frozenset({"development", "test"})
_DEAD = {
    "order": "the limit stands above the route decorator, so that the function it made is called by nobody",
    "name": "another view of the same module and qualified name is limited, so that nobody checks this one",
    "exempt": "a view of the same module and qualified name is exempt, and takes the limit away",
}


@rule(
    code="RTL001",
    name="auth-route-unlimited",
    level=Level.BLOCK,
    claim="Log-in, password reset and every route and method under /auth/ carry a rate limit.",
    control=RESPONSE,
    rationale="Without a limit a bot tries a million leaked passwords in a night, each as fast as the server answers.",
    source="OWASP ASVS 5.0 6.3.1, 6.3.2; NIST SP 800-63B-4 3.2.2 (rate limiting); OWASP API Security 2023 API4",
    remedy="Put @limiter.limit('10 per minute') below the route decorator, or limiter.limit('…')(blueprint).",
)
def auth_route_unlimited(rule: Rule, trial: RateTrial, _: Context) -> Judgement:
    if not guards_accounts(trial.route):
        return rule.skipped(trial.subject, "neither log-in nor reset of a password, nor under /auth/")
    if trial.off:
        return rule.not_proved(trial.subject, _off(trial.off))
    if trial.dead:
        return rule.skipped(trial.subject, "a limit is declared and dead: see RTL006")
    if trial.limits:
        return rule.passed(trial.subject)
    if trial.limiter:
        happened, tried = f"{trial.limiter} knows none for it", 0
    elif (silent := _untried(rule, trial)) is not None:
        return silent
    elif trial.attempts[-1].refused:
        return rule.passed(trial.subject)
    elif not trial.attempts[-1].entered:
        return rule.not_proved(trial.subject, _turned_away(trial.attempts[-1]))
    else:
        tried = len(trial.attempts)
        happened = f"the view was reached {tried} times in a row, and no limiter was recognised"
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"{trial.route.method} {trial.route.rule} must carry a rate limit but {happened}",
            place=_place(trial),
            evidence={"limiter": trial.limiter, "limits": [], "attempts": tried},
        ),
    )


@rule(
    code="RTL002",
    name="limit-not-enforced",
    level=Level.BLOCK,
    claim="The attempt after the last one that a limit allows is refused with 429.",
    control="attempt N, the last one that the limit allows, was not refused with 429",
    rationale="A limit that is declared and does not count looks safe in review and stops nobody.",
    source="OWASP ASVS 5.0 6.3.1; RFC 6585 §4 (429 Too Many Requests)",
    remedy="See that no request_filter, exemption or key function lets the attempts through, and 429 stays 429.",
)
def limit_not_enforced(rule: Rule, trial: RateTrial, _: Context) -> Judgement:
    if (silent := _unproved(rule, trial)) is not None:
        return silent
    beyond = trial.attempts[-1]
    if len(trial.attempts) <= trial.allowed:
        return rule.not_proved(trial.subject, _early(trial))
    if not beyond.refused and not beyond.entered and not trial.attempts[-2].entered:
        return rule.not_proved(trial.subject, _turned_away(beyond))
    if not beyond.refused:
        happened = f"reached the view ({beyond.status})" if beyond.entered else f"was refused with {beyond.status}"
        evidence = {"limits": _told(trial), "allowed": trial.allowed, "statuses": _statuses(trial.attempts)}
        message = f"Attempt {trial.allowed + 1} must be refused with 429 under {_tightest(trial)} but it {happened}"
        return rule.failed(trial.subject, rule.finding(trial.subject, message, place=_place(trial), evidence=evidence))
    if trial.recovered is False:
        return rule.not_proved(
            trial.subject,
            "429 stayed when the window had passed, so something else refuses: take bans off for the trial "
            "([tool.seatrial.protection.config])",
        )
    return rule.passed(trial.subject)


@rule(
    code="RTL003",
    name="limit-bypass",
    level=Level.BLOCK,
    claim="The limit survives forged forwarding headers, a new session, user name variants, other methods and doors.",
    control="RTL002 passed: the plain attempt was refused with 429",
    rationale="Whoever picks the key of the count has a fresh count for every guess, and the limit stops only users.",
    source="OWASP ASVS 5.0 6.3.1; measured: eleven headers that key functions read; user names as each app spells them",
    remedy="Count under get_remote_address behind ProxyFix with the real number of proxies, on every method and door.",
)
def limit_bypass(rule: Rule, trial: RateTrial, _: Context) -> Judgement:
    if (silent := _without_refusal(rule, trial)) is not None:
        return silent
    around = [attempt for attempt in trial.variants if trial.let_in(attempt)]
    if not around:
        return rule.passed(trial.subject)
    ways = ", ".join(attempt.variant for attempt in around)
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"A used-up limit ({_tightest(trial)}) must hold but the view was reached by: {ways}",
            place=_place(trial),
            evidence={
                "limits": _told(trial),
                "let_in": {attempt.variant: attempt.status for attempt in around},
                "held": [attempt.variant for attempt in trial.variants if attempt not in around],
            },
            requests=requests_of([trial.attempts[-1], *around]),
        ),
    )


@rule(
    code="RTL004",
    name="no-retry-after",
    level=Level.WARN,
    claim="A response with 429 carries Retry-After.",
    control="RTL002 passed: the plain attempt was refused with 429",
    rationale="Honest clients that are not told when to come back try again at once, all together.",
    source="RFC 6585 §4; RFC 9110 §10.2.3; Flask-Limiter sends it only with RATELIMIT_HEADERS_ENABLED",
    remedy="Set RATELIMIT_HEADERS_ENABLED = True, and keep the headers of the exception in your own 429 handler.",
)
def no_retry_after(rule: Rule, trial: RateTrial, _: Context) -> Judgement:
    if (silent := _without_refusal(rule, trial)) is not None:
        return silent
    if trial.attempts[-1].retry_after:
        return rule.passed(trial.subject)
    evidence = {"limits": _told(trial), "status": trial.attempts[-1].status}
    message = f"429 must carry Retry-After but attempt {trial.allowed + 1} was refused without it"
    return rule.failed(trial.subject, rule.finding(trial.subject, message, evidence=evidence))


@rule(
    code="RTL005",
    name="limit-per-process",
    level=Level.BLOCK,
    claim="All processes of the deployment count rate limits in one storage.",
    control=RESPONSE,
    rationale="With memory storage each worker has a count of its own: four workers let four times the limit through.",
    source="Flask-Limiter documentation, configuring a storage backend; measured: 3 workers let 15 of 5 through",
    remedy="Set RATELIMIT_STORAGE_URI to a storage that all workers share (redis://…), or run one worker.",
)
def limit_per_process(rule: Rule, facts: LimiterFacts, _: Context) -> Judgement:
    subject = "config RATELIMIT_STORAGE_URI"
    if not facts.limiter:
        return rule.skipped(subject, "no limiter was recognised")
    if facts.off:
        return rule.not_proved(subject, _off(facts.off))
    if facts.environment in _DEVELOPED:
        return rule.skipped(subject, f"`environment` is {facts.environment}, where one process is the rule")
    alone = [name for name, per_process in facts.storages if per_process]
    if facts.workers <= 1 or not alone:
        return rule.passed(subject)
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"{facts.workers} workers must count in one storage but each has a {alone[0]} of its own",
            evidence={"limiter": facts.limiter, "storage": alone, "workers": facts.workers},
        ),
    )


@rule(
    code="RTL006",
    name="dead-limit",
    level=Level.BLOCK,
    claim="No declared limit is dead by decorator order or by the name of its view.",
    control=RESPONSE,
    rationale="A limit above the route decorator never runs, and Flask-Limiter skips the defaults there as well.",
    source="Flask-Limiter documentation, the decorator's position; measured: 6 of 6 let in where the default was 3",
    remedy="Put @limiter.limit below @bp.route, and give wrapped views names of their own (functools.wraps).",
)
def dead_limit(rule: Rule, trial: RateTrial, _: Context) -> Judgement:
    if trial.off:
        return rule.not_proved(trial.subject, _off(trial.off))
    if trial.dead:
        message = f"A declared limit must run but {_DEAD[trial.dead]}"
        evidence = {"limiter": trial.limiter, "dead_by": trial.dead, "view": trial.route.view}
        return rule.failed(trial.subject, rule.finding(trial.subject, message, place=_place(trial), evidence=evidence))
    if not trial.limits:
        return rule.skipped(trial.subject, "no limit is declared for it: see RTL001")
    return rule.passed(trial.subject)


@rule(
    code="RTL007",
    name="limit-fails-open",
    level=Level.WARN,
    claim="A storage that is down does not switch the limit off silently.",
    control="RTL002 passed: the plain attempt was refused with 429",
    rationale="Whoever can overload the storage, or waits for its outage, then tries passwords without any limit.",
    source="Flask-Limiter documentation, swallow_errors and in_memory_fallback; measured: every attempt let in",
    remedy="Leave swallow_errors off, or set in_memory_fallback_enabled=True, which goes on counting per process.",
)
def limit_fails_open(rule: Rule, trial: RateTrial, _: Context) -> Judgement:
    if (silent := _without_refusal(rule, trial)) is not None:
        return silent
    last = trial.down[-1]
    if last.failure or (len(trial.down) <= trial.allowed and not last.refused and last.status < 500):
        return rule.not_proved(
            trial.subject,
            f"only {len(trial.down)} of {trial.allowed + 1} attempts came back while the storage failed: "
            f"raise request_s or trial_s under [tool.seatrial.deadlines]",
        )
    if last.status >= 500 or not trial.let_in(last):
        return rule.passed(trial.subject)
    evidence = {"limits": _told(trial), "allowed": trial.allowed, "statuses": _statuses(trial.down)}
    message = (
        f"Without its storage the limit ({_tightest(trial)}) must refuse or count elsewhere "
        f"but attempt {len(trial.down)} reached the view"
    )
    requests = requests_of([trial.attempts[-1], last])
    return rule.failed(trial.subject, rule.finding(trial.subject, message, evidence=evidence, requests=requests))


OF_A_ROUTE = (
    auth_route_unlimited,
    limit_not_enforced,
    limit_bypass,
    no_retry_after,
    dead_limit,
    limit_fails_open,
)
"""Each judges the trial of one route."""


def _unproved(rule: Rule, trial: RateTrial) -> Judgement | None:
    """Why nothing can be said of a declared limit, else None."""
    subject = trial.subject
    if trial.off:
        return rule.not_proved(subject, _off(trial.off))
    if trial.dead:
        return rule.skipped(subject, "its limit is dead: see RTL006")
    if not trial.limits:
        return rule.skipped(subject, "no limit is declared for it: see RTL001")
    if not trial.reachable:
        return rule.not_proved(
            subject,
            "the storage of the limiter does not answer: name one that does in the trial "
            "(RATELIMIT_STORAGE_URI under [tool.seatrial.protection.config])",
        )
    if all(limit.conditional for limit in trial.limits):
        return rule.not_proved(
            subject,
            "not every request counts (exempt_when, deduct_when or a computed cost): "
            "add a plain limit, or test this one by hand",
        )
    if trial.failure and not trial.attempts:
        return rule.not_proved(subject, f"{trial.failure}: lower it under [tool.seatrial.protection.config]")
    return _untried(rule, trial)


def _untried(rule: Rule, trial: RateTrial) -> Judgement | None:
    if not trial.route.path:
        names = ", ".join(f"'{name}'" for name, _ in trial.route.arguments)
        return rule.not_proved(trial.subject, f"no sample value for {names}: set it under {ARGUMENTS}")
    if trial.failure or not trial.attempts:
        why = trial.failure or "no attempt was made"
        return rule.not_proved(trial.subject, f"{why}: raise request_s or trial_s under [tool.seatrial.deadlines]")
    return None


def _without_refusal(rule: Rule, trial: RateTrial) -> Judgement | None:
    """What holds only where the plain attempt was refused."""
    if (silent := _unproved(rule, trial)) is not None:
        return silent
    if trial.attempts[-1].refused and len(trial.attempts) > trial.allowed and trial.recovered is not False:
        return None
    return rule.not_proved(trial.subject, "the plain attempt was not refused by the limit: see RTL002")


def _early(trial: RateTrial) -> str:
    last = trial.attempts[-1]
    if last.refused:
        return (
            f"attempt {len(trial.attempts)} of {trial.allowed} was refused already, so something else counts: "
            f"take it off for the trial ([tool.seatrial.protection.config])"
        )
    return f"attempt {len(trial.attempts)} was answered {last.status}: the page must work first; see ERR005"


def _turned_away(attempt: Attempt) -> str:
    return (
        f"a stranger is answered {attempt.status} before the view: nothing reaches the limit; put the limit "
        f"in front of the check, or ask the page by hand"
    )


def _off(by: str) -> str:
    return f"the limiter is off ({by}): switch it on, see CFG001"


def _tightest(trial: RateTrial) -> str:
    counting = [limit for limit in trial.limits if not limit.conditional]
    return min(counting, key=lambda limit: limit.amount).text


def _told(trial: RateTrial) -> list[dict[str, object]]:
    return [{"limit": limit.text, "key": limit.key} for limit in trial.limits]


def _statuses(attempts: Iterable[Attempt]) -> dict[str, int]:
    """How many attempts got which answer."""
    return dict(Counter(str(attempt.status) for attempt in attempts))


def _place(trial: RateTrial) -> Place | None:
    """Without its text: GET and POST of one view are two findings."""
    return Place(trial.route.module_path, trial.route.line) if trial.route.module_path else None
