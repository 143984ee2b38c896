"""ERR: what clients get when something is wrong."""

from collections.abc import Callable, Iterable, Sequence

from seatrial.model.envelope import Shape, from_api_client, is_json
from seatrial.model.evidence import Exchange
from seatrial.model.findings import Finding, Judgement, Place
from seatrial.model.markup import MarkupTrial
from seatrial.model.outcomes import Level
from seatrial.model.requests import Request
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import IDENTITIES, document, no_document, turned_away, unanswered, way_out
from seatrial.rules.registry import rule

PRODUCED = "the error was really produced: some request was answered 4xx or 5xx"
"""Control of the rules about errors."""
_OWED = {405: "Allow", 429: "Retry-After"}
"""The header that a status owes to the client."""
_UNAVAILABLE = frozenset({502, 503, 504})
_SHOWN = 3


@rule(
    code="ERR005",
    name="unhandled-500",
    level=Level.BLOCK,
    claim="No request, well-formed or malformed, is answered 500.",
    control="the view was reached: some variant was not turned away by log-in, permission or rate limit",
    rationale="Each 500 is a path nobody wrote: it hides real alarms, and half-done work and retries come after it.",
    source="OWASP ASVS 5.0 16.5.1, 16.5.4; RFC 9110 §15.6.1; measured: a mature codebase had 8 to 16 such pages",
    remedy="Validate what the view reads and answer 400 with the error envelope; keep one handler for the unforeseen.",
)
def unhandled_500(rule: Rule, exchanges: Sequence[Exchange], _: Context) -> Judgement:
    """Evidence: every variant that was sent to one route as one identity, the plain request among them."""
    if not exchanges:
        raise ValueError("ERR005 judges at least one exchange; a request that could not be sent is one with a failure")
    subject = exchanges[0].subject
    silent = [judgement for e in exchanges if (judgement := unanswered(rule, e)) is not None]
    answered = [e for e in exchanges if not e.failure]
    crashed = [e for e in answered if e.status == 500 or e.raised is not None]
    if crashed:
        return rule.failed(subject, _finding(rule, crashed, len(answered)))
    if silent:
        # A request that hung or ended the process is no pass, whatever the others were answered.
        variant = next((e.variant for e in exchanges if e.failure), "")
        reason = silent[0].reason if variant in ("", "plain") else f"variant '{variant}': {silent[0].reason}"
        return Judgement(rule.code, subject, silent[0].outcome, reason)
    if away := [e for e in answered if e.status in _UNAVAILABLE]:
        named = ", ".join(sorted({f"{e.variant} ({e.status})" for e in away}))
        return rule.not_proved(subject, f"unavailable for {named}: start what the view needs, or seed it (`seed`)")
    if all(turned_away(e) for e in answered):
        return rule.not_proved(subject, f"the view was reached by no variant: {way_out(answered[0])}")
    return rule.passed(subject)


def _finding(rule: Rule, crashed: Sequence[Exchange], asked: int) -> Finding:
    """One per route: the same line usually fails for several variants."""
    names = [e.variant for e in crashed]
    raised = next((e.raised for e in crashed if e.raised is not None), None)
    who = f"{raised.type} escaped" if raised is not None else "the answer was 500"
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return rule.finding(
        crashed[0].subject,
        f"No request may be answered 500 but {who} for {shown}{more} ({len(names)} of {asked} requests)",
        place=next((e.raised.place for e in crashed if e.raised is not None and e.raised.place is not None), None),
        evidence={
            "requests": asked,
            "crashed": [
                {
                    "variant": e.variant,
                    "request": f"{e.route.method} {e.path}",
                    "status": e.status,
                    "raised": e.raised.type if e.raised is not None else None,
                    "place": (
                        f"{e.raised.place.path}:{e.raised.place.line}"
                        if e.raised is not None and e.raised.place is not None
                        else None
                    ),
                }
                for e in crashed
            ],
        },
        requests=_asked(crashed),
    )


@rule(
    code="ERR001",
    name="envelope",
    level=Level.BLOCK,
    claim='Every error that an API client gets as data is the envelope {"error": {"code", "message", "details"}}.',
    control=PRODUCED,
    rationale="A client of several shapes of error reads none well: it shows nothing, or takes a no for a yes.",
    source="RFC 9457 §1; OWASP ASVS 5.0 16.5.1; measured: one codebase answers `success` or `error` first",
    remedy="Answer every error in one place: init_errors(app) of seatrial.kit, or your own handler of HTTPException.",
)
def envelope(rule: Rule, exchanges: Sequence[Exchange], _: Context) -> Judgement:
    """Evidence: all errors that could be provoked on one route. HTML pages are left to ERR003."""
    silent, errors = _errors_of_an_api(rule, exchanges)
    if silent is not None:
        return silent
    judged = [e for e in errors if e.marks.get("error-shape") != Shape.HTML]
    if not judged:
        return rule.not_proved(exchanges[0].subject, "every error was an HTML page: answer in JSON (see ERR003)")
    bad = [e for e in judged if e.marks.get("error-shape") != Shape.ENVELOPE]
    claim = 'An error for API clients must be {"error": {"code", "message", "details"}}'
    return _judged(rule, bad, judged, claim, _described)


@rule(
    code="ERR002",
    name="leaks-internals",
    level=Level.BLOCK,
    claim="No error tells the client of the app's inside: no traceback, no text of an exception, no SQL.",
    control=PRODUCED,
    rationale="What an exception says names tables, files and values: a map for attackers, and no help for users.",
    source="OWASP ASVS 5.0 16.5.1; CWE-209; measured: one codebase answered str(e) in 144 functions",
    remedy="Log the exception and answer with a message that you wrote; str(e) belongs into the log.",
)
def leaks_internals(rule: Rule, exchanges: Sequence[Exchange], _: Context) -> Judgement:
    """Evidence: as for `envelope`; HTML pages are judged as well."""
    silent, errors = _errors(rule, exchanges)
    if silent is not None:
        return silent
    bad = [e for e in errors if e.marks.get("error-leaks")]
    claim = "An error must not tell clients of the app's inside"
    return _judged(rule, bad, errors, claim, lambda e: f"shows {_listed(e.marks['error-leaks'].splitlines())}")


@rule(
    code="ERR003",
    name="html-for-json",
    level=Level.WARN,
    claim="No API client that accepts JSON is answered with an HTML page when something is wrong.",
    control=PRODUCED,
    rationale="A client that parses a page as JSON reports a syntax error in place of what was really wrong.",
    source="RFC 9110 §12.5.1, §15.5 (an error's representation); OWASP ASVS 5.0 4.1.1",
    remedy="In the handler of HTTPException, answer JSON to who accepts it: init_errors(app) of seatrial.kit does.",
)
def html_for_json(rule: Rule, exchanges: Sequence[Exchange], _: Context) -> Judgement:
    """Evidence: as for `envelope`."""
    silent, errors = _errors_of_an_api(rule, exchanges)
    if silent is not None:
        return silent
    bad = [e for e in errors if e.marks.get("error-shape") == Shape.HTML]
    return _judged(rule, bad, errors, "An API client must get its errors as data", lambda _: "is an HTML page")


@rule(
    code="ERR004",
    name="drops-header",
    level=Level.WARN,
    claim="Every 405 carries Allow and every 429 carries Retry-After.",
    control="a 405 or a 429 was really produced",
    rationale="Clients read them: without Retry-After they hammer on, and a 405 without Allow breaks the protocol.",
    source="RFC 9110 §15.5.6 (MUST), §10.2.3; RFC 6585 §4; measured: the usual HTTPException handler drops both",
    remedy="Let the handler of HTTPException change the response of error.get_response(), or copy its headers.",
)
def drops_header(rule: Rule, exchanges: Sequence[Exchange], _: Context) -> Judgement:
    """Evidence: as for `envelope`; whoever asked."""
    silent, errors = _errors(rule, exchanges)
    if silent is not None:
        return silent
    owing = [e for e in errors if e.status in _OWED]
    if not owing:
        return rule.not_proved(
            exchanges[0].subject,
            f"neither 405 nor 429 in {len(exchanges)} requests: answer a method that is not bound with 405",
        )
    bad = [e for e in owing if e.header(_OWED[e.status]) is None]
    claim = "A 405 must carry Allow and a 429 Retry-After"
    return _judged(rule, bad, owing, claim, lambda e: f"has no {_OWED[e.status]}")


@rule(
    code="ERR006",
    name="unescaped-markup",
    level=Level.BLOCK,
    claim="Markup that is sent in comes back escaped, or cleaned, on every page that shows it.",
    control="a value that was sent in was really stored or echoed: it came back on the page",
    rationale="A name with a script in it runs in the browser of everybody who looks at the list, as who they are.",
    source="OWASP ASVS 5.0 1.2.1, 1.3.1; CWE-79; WHATWG HTML (what ends an element, an attribute, a script)",
    remedy="Take `| safe` and Markup() off, quote every attribute, use tojson in scripts, clean what may hold markup.",
)
def unescaped_markup(rule: Rule, trial: MarkupTrial, _: Context) -> Judgement:
    """Evidence: one page, after all forms and end points of the app were given marked values."""
    subject, answer = trial.subject, trial.answer
    broken = [shown for shown in trial.shown if shown.context]
    if broken:
        worst = broken[0]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        return rule.failed(
            subject,
            rule.finding(
                subject,
                f"Markup must come back escaped but '{worst.mark.field}' of {worst.mark.request} "
                f"has become {worst.context}{more}",
                place=_view(answer),
                evidence={
                    "template": answer.template,
                    "unescaped": [
                        {
                            "field": shown.mark.field,
                            "request": shown.mark.request,
                            "sent_as": shown.mark.sent_as,
                            "has_become": shown.context,
                        }
                        for shown in broken
                    ],
                    "escaped": sorted({shown.mark.field for shown in trial.shown if not shown.context}),
                },
            ),
        )
    if trial.shown:
        return rule.passed(subject)
    if not answer.status and not answer.failure and answer.route.path and not answer.route.unresolved:
        return rule.skipped(subject, "nothing was sent: it takes no text that is shown to others, or has a password")
    if (silent := unanswered(rule, answer)) is not None:
        return silent
    if answer.route.safe and turned_away(answer):
        return rule.not_proved(subject, way_out(answer))
    if not document(answer):
        return rule.skipped(subject, no_document(answer))
    if not trial.back:
        return rule.not_proved(
            subject,
            f"none of {trial.sent} values with markup came back on any page: log an identity in that may write "
            f"({IDENTITIES}), or seed what its forms need (`seed`)",
        )
    return rule.skipped(subject, f"it shows none of the {trial.back} values that came back elsewhere")


def _view(exchange: Exchange) -> Place | None:
    """Without its text: two methods of one view are two findings."""
    route = exchange.route
    return Place(route.module_path, route.line) if route.module_path else None


OF_ERRORS = (envelope, leaks_internals, html_for_json, drops_header)
"""Rules that judge the errors of one route."""


def _errors(rule: Rule, exchanges: Sequence[Exchange]) -> tuple[Judgement | None, list[Exchange]]:
    """The errors among the answers that have a body to judge, or why nothing can be said."""
    if not exchanges:
        raise ValueError(f"{rule.code} judges at least one exchange; a request not sent is one with a failure")
    first = exchanges[0]
    errors = [e for e in exchanges if not e.failure and e.status >= 400 and e.headers]
    if errors:
        return None, errors
    route = first.route
    if (route.skipped or route.shadowed_by or first.failure) and (silent := unanswered(rule, first)) is not None:
        return silent, []
    raised = any(e.raised is not None for e in exchanges)
    way = "switch DEBUG, TESTING and PROPAGATE_EXCEPTIONS off" if raised else "let errors keep their own status"
    return rule.not_proved(first.subject, f"no error was answered in {len(exchanges)} requests: {way}"), []


def _errors_of_an_api(rule: Rule, exchanges: Sequence[Exchange]) -> tuple[Judgement | None, list[Exchange]]:
    """As `_errors`, of routes that API clients ask."""
    silent, errors = _errors(rule, exchanges)
    if silent is None and not _is_api(exchanges):
        silent = rule.skipped(exchanges[0].subject, "no route of an API: its path names none, and its view shows pages")
    return silent, errors


def _is_api(exchanges: Sequence[Exchange]) -> bool:
    """By the path, or because the view itself answers JSON. What handlers answer in its place says nothing of it."""
    if from_api_client(exchanges[0].route.rule, "", ""):
        return True
    own = [e for e in exchanges if "instead" not in e.marks and not 300 <= e.status < 400 and e.content_type]
    if any(e.ok and is_json(e.content_type) for e in own):
        return True
    return any(is_json(e.content_type) for e in own) and not any(document(e) for e in own)


def _judged(
    rule: Rule, bad: Sequence[Exchange], judged: Sequence[Exchange], claim: str, said: Callable[[Exchange], str]
) -> Judgement:
    """One finding per route: most of its errors are answered by one handler."""
    subject = judged[0].subject
    if not bad:
        return rule.passed(subject)
    worst = bad[0]
    more = f" ({len(bad)} of {len(judged)} errors)"
    return rule.failed(
        subject,
        rule.finding(
            subject,
            f"{claim} but the {worst.status} for '{worst.variant}' {said(worst)}{more}",
            evidence={
                "errors": len(judged),
                "wrong": [
                    {
                        "variant": e.variant,
                        "request": f"{e.marks.get('method', e.route.method)} {e.path}",
                        "status": e.status,
                        "content_type": e.content_type,
                        "what": said(e),
                    }
                    for e in bad
                ],
            },
            requests=_asked(bad, said),
        ),
    )


def _asked(exchanges: Iterable[Exchange], said: Callable[[Exchange], str] = lambda _: "") -> list[Request]:
    """The requests that were answered wrongly, and how."""
    return [request.saying(said(e) or request.said) for e in exchanges for request in e.asked]


def _described(exchange: Exchange) -> str:
    if exchange.marks.get("error-shape") == Shape.JSON:
        keys = exchange.marks.get("error-keys")
        return f"is JSON with {keys}" if keys else "is JSON of another shape"
    if not exchange.body_size:
        return "has no body"
    return f"is {exchange.content_type or 'of no content type'}"


def _listed(kinds: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
