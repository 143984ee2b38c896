"""SMK: what a deployment answers to somebody outside of it, seen by `seatrial smoke`.

The rules on headers, cookies and errors judge the same answers. What could not be reached is a failure here and not
"not proved": that a deployment answers is the claim.
"""

from collections.abc import Sequence

from seatrial.model.deployment import (
    DEPLOYMENT,
    Build,
    CsrfProbe,
    Identity,
    LimitProbe,
    Readiness,
    Tls,
    Visit,
    same_commit,
)
from seatrial.model.evidence import Exchange
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, document, turned_away
from seatrial.rules.hdr.told import quoted
from seatrial.rules.registry import rule

_UNAVAILABLE = frozenset({502, 503, 504})
_SHOWN = 3


@rule(
    code="SMK001",
    name="not-ready",
    level=Level.BLOCK,
    claim="The deployment answers its readiness page within its budget.",
    control=RESPONSE,
    rationale="A smoke that begins too early fails for nothing, and one that waits for ever hides that nothing runs.",
    source="RFC 9110 §15.6.4 (503); Kubernetes documentation, readiness probes; measured races of rollouts and smokes",
    remedy="Read the log of the new instance; where it only starts slowly, raise ready_s under [tool.seatrial.smoke].",
    command="smoke",
)
def not_ready(rule: Rule, seen: Readiness, _: Context) -> Judgement:
    if seen.ready:
        return rule.passed(DEPLOYMENT)
    tries = f"{seen.asks} {'try' if seen.asks == 1 else 'tries'}"
    return rule.failed(
        DEPLOYMENT,
        rule.finding(
            DEPLOYMENT,
            f"The deployment must be ready within {seen.budget_s:g} s but it {seen.last or 'did not answer'} ({tries})",
            evidence={
                "budget_s": seen.budget_s,
                "asks": seen.asks,
                "waited_ms": round(seen.waited_ms),
                "last": seen.last,
            },
        ),
    )


@rule(
    code="SMK002",
    name="wrong-status",
    level=Level.BLOCK,
    claim="Every route answers as it did when the inventory was exported: its page, or the way to the log-in.",
    control=RESPONSE,
    rationale="A missing migration, variable or secret shows on the first page that needs it, and on no other.",
    source="RFC 9110 §15; the inventory of `seatrial routes --export`",
    remedy="Ask the route by hand and read the log; where the answer is right, export the inventory again.",
    command="smoke",
)
def wrong_status(rule: Rule, visit: Visit, _: Context) -> Judgement:
    answer, expected = visit.answer, visit.expected
    if not answer.failure:
        if _as_expected(visit):
            return rule.passed(visit.subject)
        if answer.status == 429:
            return rule.not_proved(visit.subject, "answered 429: smoke is over a rate limit itself; try again later")
        if answer.status == 404 and expected.sample:
            return rule.not_proved(
                visit.subject,
                "answered 404: the sample value of the trial's data is not here; name a path that is in "
                "[[tool.seatrial.smoke.routes]]",
            )
    return rule.failed(
        visit.subject,
        rule.finding(
            visit.subject,
            f"{_wanted(visit)} but it {answer.failure or _answered(visit)}",
            evidence={
                "request": f"{answer.route.method} {answer.route.rule}",
                "expected": _expected(visit),
                "status": answer.status or None,
                "failure": answer.failure,
                "location": answer.header("Location"),
                "content_type": answer.content_type,
                "asks": visit.asks,
            },
        ),
    )


def _as_expected(visit: Visit) -> bool:
    answer, expected = visit.answer, visit.expected
    if expected.turned_away:
        to_login = 300 <= answer.status < 400 and bool(expected.login) and _leads_to(answer, expected.login)
        return answer.status != 429 and (to_login or turned_away(answer))
    if expected.status is not None:
        return answer.status == expected.status
    return answer.status < 500 and answer.status not in (404, 429)


def _leads_to(answer: Exchange, path: str) -> bool:
    location = (answer.header("Location") or "").partition("?")[0].partition("#")[0]
    return location.endswith(path) and location.removesuffix(path).count("/") in (0, 2)


def _wanted(visit: Visit) -> str:
    if visit.expected.turned_away:
        return "A stranger must be sent to the log-in"
    if visit.expected.status is not None:
        return f"The route must answer {visit.expected.status}"
    return "The route must be there"


def _expected(visit: Visit) -> str:
    if visit.expected.turned_away:
        return "401, 403 or the log-in"
    return str(visit.expected.status) if visit.expected.status is not None else "below 500, not 404"


def _answered(visit: Visit) -> str:
    answer = visit.answer
    if visit.to_itself:
        return f"answered {answer.status} to itself, and browsers give up"
    location = (answer.header("Location") or "")[:120]
    where = f" to {quoted(location)}" if location and 300 <= answer.status < 400 else ""
    shown = ", so that it was shown" if visit.expected.turned_away and answer.ok else ""
    return f"answered {answer.status}{where}{shown}"


@rule(
    code="SMK003",
    name="wrong-content",
    level=Level.BLOCK,
    claim="It is the app that answers, and its pages hold the texts and JSON keys that are expected of them.",
    control=RESPONSE,
    rationale="A log-in page of a proxy, a default page of the server and an empty list all answer 200.",
    source="measured: a proxy's log-in answers every address 200; Checkly, Hurl and goss assert on the body, too",
    remedy="Open the page from where smoke runs; `marker` under [tool.seatrial.smoke] names a text of your app.",
    command="smoke",
)
def wrong_content(rule: Rule, seen: Visit | Identity, _: Context) -> Judgement:
    if isinstance(seen, Identity):
        return _not_ours(rule, seen)
    expected, answer = seen.expected, seen.answer
    if not (expected.contains or expected.keys):
        return rule.skipped(seen.subject, "nothing is expected of its content ([[tool.seatrial.smoke.routes]])")
    if answer.failure or not _as_expected(seen):
        return rule.not_proved(seen.subject, "it was not answered as expected: see SMK002")
    if not (seen.absent or seen.lacking or seen.unread):
        return rule.passed(seen.subject)
    if seen.unread:
        happened = f"it is {seen.unread}"
    elif seen.absent:
        happened = f"{quoted(seen.absent[0])} is not there" + _more(seen.absent)
    else:
        happened = f"its JSON has no {seen.lacking[0]}" + _more(seen.lacking)
    return rule.failed(
        seen.subject,
        rule.finding(
            seen.subject,
            f"The answer must hold what is expected of it but {happened} (status {answer.status})",
            evidence={
                "request": f"{answer.route.method} {answer.route.rule}",
                "status": answer.status,
                "content_type": answer.content_type,
                "absent": list(seen.absent),
                "lacking": list(seen.lacking),
                "unread": seen.unread,
            },
        ),
    )


def _more(names: Sequence[str]) -> str:
    return f", nor {'is' if len(names) == 2 else 'are'} {len(names) - 1} more" if len(names) > 1 else ""


def _not_ours(rule: Rule, seen: Identity) -> Judgement:
    answer = seen.answer
    if seen.elsewhere:
        happened = f"{answer.path} leads to {seen.elsewhere[:120]}"
    elif seen.marker and not seen.found:
        happened = f"{answer.path} answered {answer.status} without the marker {quoted(seen.marker)}"
    elif not seen.marker and seen.missing is not None and seen.missing.ok:
        happened = f"an address that does not exist was answered {seen.missing.status} as {seen.missing.content_type}"
    else:
        return rule.passed(DEPLOYMENT)
    finding = rule.finding(
        DEPLOYMENT,
        f"The app must answer but something else does: {happened}",
        evidence={
            "request": f"GET {answer.path}",
            "status": answer.status,
            "content_type": answer.content_type,
            "marker": seen.marker,
            "elsewhere": seen.elsewhere,
            "missing": seen.missing.status if seen.missing is not None else None,
        },
    )
    return rule.failed(DEPLOYMENT, finding)


@rule(
    code="SMK004",
    name="wrong-commit",
    level=Level.BLOCK,
    claim="Every answer that names a commit names the one that was deployed.",
    control="an answer named a commit",
    rationale="A rollout that stopped half-way answers well: with the old build, or with both in turn.",
    source="The Twelve-Factor App, V (build, release, run); measured: smokes that tried the old build",
    remedy="See that the rollout has ended and no old instance is left; then that the build knows its own commit.",
    command="smoke",
)
def wrong_commit(rule: Rule, build: Build, _: Context) -> Judgement:
    if not build.expected:
        return rule.skipped(DEPLOYMENT, "no commit was asked for (--expect-commit)")
    if not build.seen:
        return rule.not_proved(
            DEPLOYMENT,
            f"no answer names its commit (in {build.where}): let the app send it, and name the place with "
            "commit_header, or commit_path and commit_json, under [tool.seatrial.smoke]",
        )
    others = {commit: times for commit, times in build.seen.items() if not same_commit(commit, build.expected)}
    if not others:
        return rule.passed(DEPLOYMENT)
    answers, wrong = sum(build.seen.values()), sum(others.values())
    named = ", ".join(sorted(quoted(commit[:40]) for commit in others)[:_SHOWN])
    return rule.failed(
        DEPLOYMENT,
        rule.finding(
            DEPLOYMENT,
            f"Every answer must come from {build.expected} but {wrong} of {answers} came from {named}",
            evidence={
                "expected": build.expected,
                "seen": {commit[:64]: times for commit, times in sorted(build.seen.items())},
                "where": build.where,
                "silent": build.silent,
            },
        ),
    )


@rule(
    code="SMK005",
    name="tls",
    level=Level.BLOCK,
    claim="TLS 1.2 or newer is spoken, and the certificate is trusted, names the host and is valid for days to come.",
    control=RESPONSE,
    rationale="An expired or wrong certificate keeps every visitor out at once, on a date that was known for months.",
    source="OWASP ASVS 5.0 12.1.1, 12.2.1, 12.2.2; RFC 8996 (TLS 1.0 and 1.1 deprecated); RFC 9525 (names)",
    remedy="Renew the certificate, install it with its chain, and reload the server; let a job renew it from then on.",
    command="smoke",
)
def tls(rule: Rule, seen: Tls, _: Context) -> Judgement:
    if seen.plain:
        return rule.skipped(DEPLOYMENT, "the address is http: nothing is encrypted on the way that smoke takes")
    if seen.unseen:
        return rule.not_proved(DEPLOYMENT, f"no connection came about: it {seen.unseen}")
    evidence = {"version": seen.version, "days_left": seen.days_left, "issuer": seen.issuer, "problem": seen.problem}
    if seen.problem:
        message = f"The connection must be trusted but no browser takes it: {seen.problem}"
        return rule.failed(DEPLOYMENT, rule.finding(DEPLOYMENT, message, evidence=evidence))
    if seen.days_left is not None and seen.days_left < seen.least_days:
        left = "1 day" if seen.days_left == 1 else f"{seen.days_left} days"
        message = f"The certificate must be valid for {seen.least_days} days more but it ends in {left}"
        finding = rule.finding(DEPLOYMENT, message, detail="soon", evidence=evidence, level=Level.WARN)
        return rule.failed(DEPLOYMENT, finding)
    return rule.passed(DEPLOYMENT)


@rule(
    code="SMK006",
    name="static-asset-missing",
    level=Level.BLOCK,
    claim="Every static file that the inventory names or a page asks for is served, and is not a page.",
    control=RESPONSE,
    rationale="Without its style sheet and script an app answers every check and can be used by nobody.",
    source="RFC 9110 §15.5.5; Flask documentation, static files (a proxy serves them, from where the build put them)",
    remedy="See that the build collects the files, and that the proxy's path for them is the one in the pages.",
    command="smoke",
)
def static_asset_missing(rule: Rule, answer: Exchange, _: Context) -> Judgement:
    page = document(answer) and not answer.path.lower().endswith((".html", ".htm", "/"))
    if answer.status == 429 and not answer.failure:
        return rule.not_proved(answer.subject, "answered 429: smoke is over a rate limit itself; try again later")
    if answer.ok and answer.body_size and not page:
        return rule.passed(answer.subject)
    happened = answer.failure or f"answered {answer.status}"
    if not answer.failure and answer.ok:
        happened += " as a page" if page else " and is empty"
    return rule.failed(
        answer.subject,
        rule.finding(
            answer.subject,
            f"A static file must be served but it {happened}",
            evidence={
                "request": f"GET {answer.path}",
                "status": answer.status or None,
                "content_type": answer.content_type,
                "asked_by": answer.marks.get("asked-by", ""),
            },
        ),
    )


@rule(
    code="SMK007",
    name="webhook-accepts-unsigned",
    level=Level.BLOCK,
    claim="Every webhook is there and refuses an unsigned delivery with 4xx.",
    control=RESPONSE,
    rationale="With an empty secret in the new environment anybody can tell the app that an invoice was paid.",
    source="stripe-python 16.1 _webhook.py; Standard Webhooks 1.0, Verifying signatures; WHK001",
    remedy="Set the signing secret of this environment, and let the app refuse to start without one.",
    command="smoke",
)
def webhook_accepts_unsigned(rule: Rule, answer: Exchange, _: Context) -> Judgement:
    if answer.status == 429 and not answer.failure:
        return rule.not_proved(answer.subject, "answered 429: smoke is over a rate limit itself; try again later")
    if answer.status in _UNAVAILABLE and not answer.failure:
        return rule.not_proved(answer.subject, f"answered {answer.status}: what stands behind it is not available")
    if not answer.failure and 400 <= answer.status < 500 and answer.status not in (404, 405):
        return rule.passed(answer.subject)
    happened = answer.failure or f"answered {answer.status}"
    return rule.failed(
        answer.subject,
        rule.finding(
            answer.subject,
            f"An unsigned delivery must be refused but it {happened}"
            if not answer.failure
            else f"A webhook must refuse an unsigned delivery but it {happened}",
            evidence={"request": f"POST {answer.path}", "status": answer.status or None, "failure": answer.failure},
        ),
    )


@rule(
    code="SMK008",
    name="statements-over-budget",
    level=Level.BLOCK,
    claim="A hot path sends no more statements here than its budget allows.",
    control="the page was seen, and its Server-Timing told of the statements",
    rationale="A loop that sends a statement per row was harmless with the trial's rows, and these are the real ones.",
    source="W3C Server Timing; budgets of SQL002; seatrial.monitor (sent only to who brings the token)",
    remedy="Ask with the token by hand, and look at the page's statements with seatrial check (SQL001, SQL003).",
    command="smoke",
)
def statements_over_budget(rule: Rule, visit: Visit, _: Context) -> Judgement:
    answer, budget = visit.answer, visit.expected.statements
    if budget is None:
        return rule.skipped(visit.subject, "no budget is known of it (seatrial budgets record, or `statements`)")
    if not visit.with_token:
        return rule.skipped(visit.subject, "asked without the monitor's token (--token)")
    if answer.failure or not answer.ok:
        why = answer.failure or f"answered {answer.status}"
        return rule.not_proved(
            visit.subject,
            f"the page was not seen ({why}): let smoke see it with `headers` in [[tool.seatrial.smoke.routes]]",
        )
    if visit.statements is None:
        return rule.not_proved(visit.subject, visit.untold)
    if visit.statements <= budget:
        return rule.passed(visit.subject)
    return rule.failed(
        visit.subject,
        rule.finding(
            visit.subject,
            f"The page may send {budget} statements but it sent {visit.statements}",
            evidence={
                "request": f"{answer.route.method} {answer.route.rule}",
                "budget": budget,
                "statements": visit.statements,
                "asks": visit.asks,
            },
        ),
    )


@rule(
    code="SMK009",
    name="slow-response",
    level=Level.WARN,
    claim="Every route answers within the limit for a single request (1 s by default).",
    control=RESPONSE,
    rationale="A deployment that is slow with nobody on it is degraded: it passes, and somebody should look at it.",
    source="Checkly, degraded and failed as two states; Nielsen, response times (1 s keeps the flow of thought)",
    remedy="Compare with the deployment before it; then look at its database, its cache and its cold start.",
    command="smoke",
)
def slow_response(rule: Rule, visit: Visit, _: Context) -> Judgement:
    limit = visit.expected.slow_ms
    if visit.answer.failure:
        return rule.not_proved(visit.subject, "it was not answered: see SMK002")
    if visit.fastest_ms <= limit:
        return rule.passed(visit.subject)
    return rule.failed(
        visit.subject,
        rule.finding(
            visit.subject,
            f"The route must answer within {limit:g} ms but the fastest of {visit.asks} answers took "
            f"{visit.fastest_ms:.0f} ms",
            evidence={"limit_ms": limit, "fastest_ms": round(visit.fastest_ms), "asks": visit.asks},
        ),
    )


@rule(
    code="SMK010",
    name="csrf-inactive",
    level=Level.BLOCK,
    claim="A form that is sent without its token is refused before the view looks at it.",
    control="the same form with the page's token was answered otherwise",
    rationale="One switch that was meant for tests turns the protection off, and no page looks any different.",
    source="OWASP ASVS 5.0 3.5.1; Flask-WTF documentation, WTF_CSRF_ENABLED; CSR001",
    remedy="Take WTF_CSRF_ENABLED = False (or its like) out of this environment's configuration.",
    command="smoke",
)
def csrf_inactive(rule: Rule, probe: CsrfProbe, _: Context) -> Judgement:
    bare, own = probe.without, probe.with_token
    if bare is None:
        return rule.not_proved(probe.subject, probe.unseen)
    for exchange in (bare, probe.again, own):
        if exchange is not None and (exchange.failure or exchange.status == 429 or exchange.status >= 500):
            return rule.not_proved(probe.subject, f"it {exchange.failure or f'answered {exchange.status}'}: try again")
    if own is None:
        if probe.protected and not _says_token(bare):
            return rule.failed(probe.subject, _unprotected(rule, probe, "the page's form has no token"))
        return rule.not_proved(probe.subject, probe.unseen)
    if bare.status < 400 and probe.protected:
        return rule.failed(probe.subject, _unprotected(rule, probe, f"it was let in ({bare.status})"))
    if not probe.steady:
        return rule.not_proved(
            probe.subject, "two requests without a token were answered differently: there is nothing to compare with"
        )
    if probe.differs and bare.status >= 400:
        return rule.passed(probe.subject)
    if probe.protected:
        happened = f"it was answered as with the token ({bare.status})"
        return rule.failed(probe.subject, _unprotected(rule, probe, happened))
    return rule.not_proved(
        probe.subject,
        f"it was answered {bare.status} with and without the token, and no library in front of the view is known: name "
        "a form that is refused there with csrf under [tool.seatrial.smoke]",
    )


def _says_token(exchange: Exchange) -> bool:
    return "csrf" in exchange.marks.get("said", "")


def _unprotected(rule: Rule, probe: CsrfProbe, happened: str) -> Finding:
    return rule.finding(
        probe.subject,
        f"A form without its token must be refused but {happened}",
        evidence={
            "without_token": probe.without.status if probe.without is not None else None,
            "with_token": probe.with_token.status if probe.with_token is not None else None,
            "differs": probe.differs,
        },
    )


@rule(
    code="SMK011",
    name="limit-inactive",
    level=Level.BLOCK,
    claim="The rate limit of the log-in is at work.",
    control="the limiter's headers, or as many attempts as the limit allows and one more (--probe-limits)",
    rationale="A limiter without its storage, or switched off for a test, lets a bot try a million passwords.",
    source="OWASP ASVS 5.0 6.3.1; RFC 6585 §4; RFC 9110 §10.2.3; RTL002",
    remedy="See that RATELIMIT_ENABLED is not off and its storage answers; several workers must share one.",
    command="smoke",
)
def limit_inactive(rule: Rule, probe: LimitProbe, _: Context) -> Judgement:
    if probe.refused or (probe.headers and not probe.probed):
        return rule.passed(probe.subject)
    if probe.declared is None:
        return rule.not_proved(
            probe.subject, "no limit of it is known: export the inventory anew with `seatrial routes --export`"
        )
    if not probe.declared:
        return rule.skipped(probe.subject, "the app declares no limit for it: see RTL001")
    if not probe.probed:
        return rule.not_proved(
            probe.subject,
            "no answer told of a limit (RATELIMIT_HEADERS_ENABLED): --probe-limits tries until it is refused",
        )
    if probe.unseen:
        return rule.not_proved(probe.subject, probe.unseen)
    if not probe.enough or len(probe.attempts) < probe.enough:
        return rule.not_proved(
            probe.subject, f"{len(probe.attempts)} attempts were made, and {', '.join(probe.declared)} allows as many"
        )
    return rule.failed(
        probe.subject,
        rule.finding(
            probe.subject,
            f"Attempt {probe.enough} must be refused with 429 under {', '.join(probe.declared)} but it was answered "
            f"{probe.attempts[-1]}",
            evidence={
                "limits": list(probe.declared),
                "attempts": len(probe.attempts),
                "statuses": sorted(set(probe.attempts)),
            },
        ),
    )


OF_A_VISIT = (wrong_status, wrong_content, statements_over_budget, slow_response)
"""Rules that judge one route."""
