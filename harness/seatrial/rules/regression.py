"""LAT: what became slower, against a base revision that is measured in the same run."""

from seatrial.model.comparison import Comparison
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.registry import rule
from seatrial.stats.pairs import Ratio, paired_ratio

SLOWER = 1.10
"""Ratio that the estimate must exceed: less is not worth a red build, however sure it is."""


@rule(
    code="LAT003",
    name="regression",
    level=Level.WARN,
    claim="No route and no benchmark sends more statements, or takes more than 10 % longer, than at the base revision.",
    control="both revisions answered the same, and enough pairs of times for an interval of their ratio",
    rationale="A page that becomes 5 % slower with every release is twice as slow after a year, and nobody did it.",
    source="interleaved pairs (ABBA); measured: stored baselines flag 34 % of runs of the same code, pairs none",
    remedy="Compare the statements of the page first (`seatrial routes`), then profile both revisions.",
    command="compare",
)
def regression(rule: Rule, compared: Comparison, _: Context) -> Judgement:
    if compared.reason:
        return rule.not_proved(compared.subject, compared.reason)
    if not (compared.base.ok and compared.head.ok):
        return rule.not_proved(
            compared.subject,
            f"the base answered {compared.base.answered}, head {compared.head.answered}: "
            f"only a page that both show can be compared",
        )
    ratio = paired_ratio(compared.pairs)
    found = [*_statements(rule, compared), *_time(rule, compared, ratio)]
    if found:
        return rule.failed(compared.subject, *found)
    if ratio is None or ratio.low is None or ratio.high is None:
        return rule.not_proved(compared.subject, f"{len(compared.pairs)} pairs say nothing of a ratio: raise --pairs")
    if ratio.median > SLOWER:
        return rule.not_proved(
            compared.subject,
            f"head took {ratio.median:.2f} times as long, but anything from {ratio.low:.2f} to {ratio.high:.2f} times "
            f"is possible: raise --pairs",
        )
    return rule.passed(compared.subject)


def _statements(rule: Rule, compared: Comparison) -> list[Finding]:
    """Exact, so that no statistics are needed."""
    before, now = compared.base.statements, compared.head.statements
    if before is None or now is None or now <= before:
        return []
    return [
        rule.finding(
            compared.subject,
            f"The base sends {before} statements and head {now}",
            detail="statements",
            evidence={"base": before, "head": now, "base_rows": compared.base.rows, "head_rows": compared.head.rows},
        )
    ]


def _time(rule: Rule, compared: Comparison, ratio: Ratio | None) -> list[Finding]:
    if ratio is None or ratio.low is None or ratio.low <= 1 or ratio.median <= SLOWER:
        return []
    return [
        rule.finding(
            compared.subject,
            f"Limited to {SLOWER:.2f} times the base but head took {ratio.median:.2f} times as long "
            f"(at least {ratio.low:.2f} times; median of {len(compared.pairs)} pairs)",
            detail="time",
            evidence={
                "pairs": len(compared.pairs),
                "limit": SLOWER,
                "ratio": round(ratio.median, 3),
                "ratio_bounds": [round(ratio.low, 3), None if ratio.high is None else round(ratio.high, 3)],
            },
        )
    ]
