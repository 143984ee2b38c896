"""CSR: whether another site can have a visitor's browser change something."""

from seatrial.model.csrf import FOREIGN, NONE, QUERY, REFERER, TAMPERED, Attempt, CsrfTrial
from seatrial.model.evidence import Exchange
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.requests import Request
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, document, no_document, turned_away, unfit, way_out
from seatrial.rules.registry import rule

_FORGED = (NONE, FOREIGN, TAMPERED)


@rule(
    code="CSR001",
    name="unsafe-route-unprotected",
    level=Level.BLOCK,
    claim="No body of a view with an unsafe method is entered with a missing, foreign or tampered token.",
    control="the session's own token enters the body",
    rationale="A page of any other site can post to yours, and the visitor's browser adds the session's cookie.",
    source="OWASP ASVS 5.0 3.5.1; OWASP CSRF Prevention Cheat Sheet; RFC 6265 §8.2 (ambient authority)",
    remedy="Take the view off the list of exempt ones, or add CSRFProtect(app); name signed deliveries under webhooks.",
)
def unsafe_route_unprotected(rule: Rule, trial: CsrfTrial, context: Context) -> Judgement:
    subject = trial.subject
    if trial.needless:
        return rule.skipped(subject, f"no token is needed: {trial.needless}")
    if (silent := _silent(rule, trial, context)) is not None:
        return silent
    if trial.unseen:
        return rule.not_proved(subject, f"the body of the view cannot be seen: {trial.unseen}; add functools.wraps")
    let_in = [attempt for attempt in trial.attempts if attempt.entered and attempt.case in _FORGED]
    acted_early = [a for a in trial.attempts if a.case in _FORGED and a.changed and not a.entered and a.status < 400]
    if let_in:
        return _let_in(rule, trial, let_in)
    if acted_early:
        return rule.failed(subject, _finding(rule, trial, acted_early, "something in front of the view changed rows"))
    if not trial.control.entered:
        return rule.not_proved(subject, _without_control(trial))
    if not any(attempt.case == FOREIGN for attempt in trial.attempts):
        return rule.not_proved(
            subject, "no second session's token could be had: render a form with a token on a page that strangers see"
        )
    by_token = not any(attempt.by_origin for attempt in trial.attempts)
    if by_token and any(attempt.entered and attempt.case == QUERY for attempt in trial.attempts):
        finding = rule.finding(
            subject,
            "A token must come in the body or a header but one in the query is let in, too",
            remedy="Read the token from request.form and the headers, never from request.args or request.values.",
            detail=QUERY,
            evidence=_evidence(trial),
            level=Level.WARN,
            requests=_requests(trial, [QUERY]),
        )
        return rule.failed(subject, finding)
    return rule.passed(subject)


@rule(
    code="CSR002",
    name="form-without-token",
    level=Level.BLOCK,
    claim="Every rendered form that posts to the own site carries a token.",
    control="the page was seen, with such a form on it",
    rationale="The form is refused with 400 once its route is protected, so somebody will exempt the route instead.",
    source="OWASP ASVS 5.0 3.5.1; Flask-WTF documentation, CSRF Protection, HTML Forms",
    remedy='Put <input type="hidden" name="csrf_token" value="{{ csrf_token() }}"> into the form.',
)
def form_without_token(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    if turned_away(exchange):
        return rule.not_proved(exchange.subject, way_out(exchange))
    if not document(exchange):
        return rule.skipped(exchange.subject, no_document(exchange))
    if not exchange.ok:
        return rule.not_proved(exchange.subject, way_out(exchange))
    forms = exchange.marks.get("forms", "").splitlines()
    if not forms:
        return rule.skipped(exchange.subject, "no form on this page posts to the own site")
    bare = [line[1:].strip() or "the page itself" for line in forms if line.startswith("-")]
    if not bare:
        return rule.passed(exchange.subject)
    happened = f"{len(bare)} of {len(forms)} has none" if len(bare) == 1 else f"{len(bare)} of {len(forms)} have none"
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"A form that posts must carry a token but {happened} (to {bare[0]})",
            evidence={"forms": len(forms), "without_token": bare},
        ),
    )


@rule(
    code="CSR003",
    name="exempt-by-collision",
    level=Level.BLOCK,
    claim="No view is exempt from the protection because it shares its name with one that is.",
    control=RESPONSE,
    rationale="Libraries remember exempt views by module and name; a decorator without functools.wraps renames all.",
    source="Flask-WTF, CSRFProtect.exempt; Flask-SeaSurf, exempt; measured with Flask-WTF 1.3 and Flask-SeaSurf 2.0",
    remedy="Put functools.wraps(view) on the wrapper inside of the decorator, and give views names of their own.",
)
def exempt_by_collision(rule: Rule, trial: CsrfTrial, _: Context) -> Judgement:
    subject = trial.subject
    if trial.answer.route.skipped or trial.answer.route.shadowed_by or not trial.protection:
        return rule.skipped(subject, "nothing answers here" if trial.protection else "no library with a list was found")
    if not trial.sharing or trial.meant:
        return rule.passed(subject)
    others = ", ".join(trial.sharing[:3])
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"A view must be exempt by its own name but this one is exempt as {trial.exempt}, like {others}",
            evidence={"exempt": trial.exempt, "shared_with": list(trial.sharing), "library": trial.protection},
        ),
    )


@rule(
    code="CSR004",
    name="hook-before-protection",
    level=Level.WARN,
    claim="No before_request hook changes anything before the protection has looked at the request.",
    control=RESPONSE,
    rationale="What runs in front of the check runs for forged requests, too: it may fill the session or write rows.",
    source="Flask documentation, before_request (hooks run in the order of registration); measured with Flask-WTF 1.3",
    remedy="Call csrf.init_app(app) before app.before_request(…), or do the work inside of the views.",
)
def hook_before_protection(rule: Rule, trial: CsrfTrial, _: Context) -> Judgement:
    subject = trial.subject
    if not trial.protection:
        return rule.skipped(subject, "no library with a hook of its own was found")
    findings = [
        rule.finding(
            subject,
            f"No hook may act in front of {trial.protection.partition(' ')[0]} but {hook.name} {hook.acts}",
            place=hook.place,
            detail=hook.name,
            evidence={"hook": hook.name, "acts": hook.acts, "in_front": [other.name for other in trial.hooks]},
        )
        for hook in trial.hooks
        if hook.acts
    ]
    return rule.failed(subject, *findings) if findings else rule.passed(subject)


def _silent(rule: Rule, trial: CsrfTrial, context: Context) -> Judgement | None:
    """Nothing may be said: the route was not asked, or the defence is switched off."""
    if (silent := unfit(rule, trial.answer, context)) is not None:
        return silent
    failed = [attempt for attempt in (trial.control, *trial.attempts) if attempt.failure]
    if failed:
        return rule.not_proved(
            trial.subject,
            f"no response to {failed[0].case} ({failed[0].failure}): put the route on `skip` under [tool.seatrial]",
        )
    off = [p for p in context.facts.protections if p.name == "csrf" and not p.active] if context.facts else []
    if off and trial.protection:
        return rule.not_proved(trial.subject, f"switched off by {off[0].switched_off_by}: see CFG001")
    return None


def _let_in(rule: Rule, trial: CsrfTrial, let_in: list[Attempt]) -> Judgement:
    """The body was entered: a check in the body itself may still have refused, and that shows in what it did."""
    *forged, own = trial.acted
    if any(attempt.changed for attempt in forged):
        return rule.failed(trial.subject, _finding(rule, trial, let_in, "changed something"))
    checked = any(attempt.checked for attempt in forged)
    refused = all(400 <= attempt.status < 500 for attempt in forged)
    differs = own.changed > 0 or (own.status < 400 and refused)
    if (refused or checked) and differs:
        return rule.passed(trial.subject)
    if checked or (refused and not trial.exempt and trial.answer.route.csrf != "exempt"):
        return rule.not_proved(
            trial.subject,
            f"the body answers {forged[0].status} without a token and {own.status} with one: it may check by itself, "
            "but nothing tells; check in front of the view (CSRFProtect), or name a signed route under webhooks",
        )
    alike = not own.changed and not own.checked and {attempt.status for attempt in forged} == {own.status}
    if trial.form and alike and own.status // 100 == 3:
        return rule.not_proved(
            trial.subject,
            f"the body sends this visitor away ({own.status}) before it asks its form, with a valid token as without: "
            "log an identity in that may use the form",
        )
    return rule.failed(trial.subject, _finding(rule, trial, let_in, f"answered {forged[0].status}"))


def _without_control(trial: CsrfTrial) -> str:
    status = trial.answer.status
    if not trial.token:
        return f"no token was found on any page (answered {status} without one): render one in a form or a meta tag"
    return f"the own token (from {trial.token}) does not enter the body either: {way_out(trial.answer)}"


def _finding(rule: Rule, trial: CsrfTrial, let_in: list[Attempt], happened: str) -> Finding:
    cases = ", ".join(dict.fromkeys(attempt.case for attempt in let_in))
    why = "" if trial.answer.route.csrf != "exempt" else "; the view is exempt"
    return rule.finding(
        trial.subject,
        f"A forged request must not reach the view but it was let in with {cases}, and {happened}{why}",
        evidence=_evidence(trial),
        requests=_requests(trial, [attempt.case for attempt in let_in]),
    )


def _requests(trial: CsrfTrial, cases: list[str]) -> list[Request]:
    """What was let in, what it was answered without the wire, and the request with the own token."""
    let_in = [a for a in trial.attempts if a.case in cases]
    shown = [*let_in, *trial.acted] if trial.acted else [*let_in, trial.control]
    return [attempt.request for attempt in shown if attempt.request is not None]


def _evidence(trial: CsrfTrial) -> dict[str, object]:
    route = trial.answer.route
    return {
        "request": f"{route.method} {route.path}",
        "protection": trial.protection,
        "exempt": route.csrf == "exempt",
        "entered": [a.case for a in trial.attempts if a.entered and a.case != REFERER],
        "refused": [a.case for a in trial.attempts if not a.entered],
        "without_wire": [{"case": a.case, "status": a.status, "changes": a.changed} for a in trial.acted],
        "own_token_enters": trial.control.entered,
    }
