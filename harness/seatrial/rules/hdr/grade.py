"""HDR100: the MDN HTTP Observatory's grade of a page."""

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules import observatory
from seatrial.rules.answers import RESPONSE, document, no_document, unfit
from seatrial.rules.observatory.content import is_foreign
from seatrial.rules.registry import rule

WANTED = 90
"""The least score of an A."""
_SHOWN = 10


@rule(
    code="HDR100",
    name="observatory-grade",
    level=Level.INFO,
    claim="The MDN HTTP Observatory would give the page an A (a score of 90 or more).",
    control=RESPONSE,
    rationale="The grade is what customers and auditors look up; the site can only be asked when the page is public.",
    source="MDN HTTP Observatory, algorithm 6 (mdn/mdn-http-observatory 1.6.3), computed offline",
    remedy="Mend what takes the most points: the evidence lists every test with its modifier.",
)
def observatory_grade(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if (silent := unfit(rule, exchange, context)) is not None:
        return silent
    if not document(exchange):
        return rule.skipped(exchange.subject, no_document(exchange))
    if not observatory.scored(exchange.status):
        return rule.skipped(exchange.subject, f"answered {exchange.status}, which the Observatory does not grade")
    if exchange.scheme != "https":
        return rule.not_proved(
            exchange.subject, "asked over http, where there is no grade: ask over https (`environment`, the URL)"
        )
    found = observatory.grade(exchange)
    if found.score >= WANTED:
        return rule.passed(exchange.subject)
    taken = sorted((result for result in found.results if result.modifier < 0), key=lambda result: result.modifier)
    told = ", ".join(f"{result.result} {result.modifier}" for result in taken)
    return rule.failed(
        exchange.subject,
        rule.finding(
            exchange.subject,
            f"A page should earn an A of the Observatory ({WANTED}) but gets {found.grade} ({found.score}): {told}",
            evidence={
                "score": found.score,
                "grade": found.grade,
                "tests": {result.test: [result.result, result.modifier] for result in found.results},
                "not_judged": list(observatory.NOT_JUDGED),
                "without_integrity": _without_integrity(exchange),
            },
        ),
    )


def _without_integrity(exchange: Exchange) -> list[str]:
    """Scripts and style sheets of other sites that the browser takes as they come."""
    host = exchange.marks.get("host", "")
    lines = [line for name in ("scripts", "styles") for line in exchange.marks.get(name, "").splitlines()]
    addresses = [line[2:] for line in lines if line.startswith("- ")]
    return [address for address in addresses if is_foreign(address, host)][:_SHOWN]
