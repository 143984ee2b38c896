"""MEM: memory, descriptors and threads that do not come back."""

from seatrial.model.findings import Judgement
from seatrial.model.leaks import LeakTrial, Series
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.registry import rule
from seatrial.rules.statements import line_of
from seatrial.stats.leaks import LIMITS, persists

_UNITS = {
    "own": "{:,.0f} B per call on its own lines",
    "heap": "{:,.0f} B of malloc per call",
    "containers": "{:.1f} objects per call",
    "descriptors": "{:.1f} descriptors per call",
    "threads": "{:.1f} threads per call",
}

NATIVE = "; no line of Python allocates that: it is native code (memray run --native shows where)"


@rule(
    code="MEM001",
    name="leak",
    level=Level.WARN,
    claim="A call that is made again and again does not make the process grow for ever.",
    control="every call was answered as expected, own lines were traced, and bytes of malloc were read",
    rationale="A worker that keeps something of each request is killed in the middle of one, at the busiest hour.",
    source="psutil's own leak tests: growth per call that keeps up while calls escalate; measured: 19 of 19 scenarios",
    remedy="Bound what is kept (maxlen, lru_cache(maxsize=…), a TTL), and register handlers once, at the start.",
)
def leak(rule: Rule, trial: LeakTrial, _: Context) -> Judgement:
    """Evidence: the growth of the process in windows of escalating size."""
    if trial.failure:
        return rule.not_proved(trial.subject, trial.failure)
    growing = [series for series in trial.series if persists(series.per_call, LIMITS[series.name], series.within)]
    if not growing:
        if trial.unseen:
            return rule.not_proved(trial.subject, f"not seen: {trial.unseen}")
        if not trial.series or any(len(series.per_call) < 2 for series in trial.series):
            return rule.not_proved(trial.subject, "there is too little to judge by: it takes two windows of calls")
        return rule.passed(trial.subject)
    place = trial.lines[0].place if trial.lines else None
    at = f", most of it for {line_of(place)}" if place is not None else NATIVE if _native(growing) else ""
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"Calls must not add up but the process still grows after {sum(trial.windows)} of them by "
            f"{' and '.join(_amount(series) for series in growing)}{at}",
            place=place,
            detail="" if place is not None else ", ".join(series.name for series in growing),
            evidence={
                "grows": [series.name for series in growing],
                "windows": list(trial.windows),
                "lines": [line_of(line.place) for line in trial.lines],
            },
        ),
    )


def _native(growing: list[Series]) -> bool:
    return [series.name for series in growing] == ["heap"]


def _amount(series: Series) -> str:
    return _UNITS[series.name].format(series.per_call[-1])
