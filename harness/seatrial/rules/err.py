"""ERR: what clients get when something is wrong."""

from collections.abc import Sequence

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import turned_away, unanswered, way_out
from seatrial.rules.registry import rule

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
    )
