"""A load verdict for people in a terminal and for machines (`--json`)."""

from __future__ import annotations

import json
import math
from typing import Any

from rich.console import Console
from rich.text import Text

from seatrial.load.limit import Knee
from seatrial.load.verdict import EndpointVerdict, LoadVerdict
from seatrial.model.findings import Check
from seatrial.model.outcomes import ExitCode, Outcome, State
from seatrial.model.result import Judged, Result
from seatrial.reports import json_report
from seatrial.reports.sheet import Sheet
from seatrial.rules import lat
from seatrial.stats.quantiles import Answer, interval, merged, quantile, smallest

STYLES = {Answer.PASS: "green", Answer.FAIL: "red", Answer.INCONCLUSIVE: "yellow"}
MARKS = {Answer.PASS: "passed", Answer.FAIL: "block", Answer.INCONCLUSIVE: "warn"}


def result_of(verdict: LoadVerdict, exit_code: ExitCode) -> Result:
    """The same as every command reports it."""
    result = Result(target={"url": verdict.run.url}, exit_code=exit_code, elapsed_s=verdict.run.duration_s)
    for endpoint in verdict.endpoints:
        judged = endpoint.judgement
        if verdict.doubts:
            result.checks.append(Check(judged.rule, judged.subject, Outcome.NOT_PROVED, verdict.doubts[0]))
            continue
        result.checks.append(judged.check)
        result.findings += [Judged(finding, State.NEW) for finding in judged.findings]
    result.inconclusive = list(verdict.doubts)
    if verdict.answer is Answer.INCONCLUSIVE and not verdict.doubts:
        result.inconclusive = [e.judgement.reason for e in verdict.endpoints if e.judgement.reason]
    return result


def to_json(verdict: LoadVerdict, exit_code: ExitCode, knee: Knee | None = None) -> str:
    """The result in its published shape, with `load` beside it."""
    run = verdict.run
    document = json_report.to_json(result_of(verdict, exit_code))
    document["load"] = {
        "url": run.url,
        "rate": run.rate,
        "duration_s": run.duration_s,
        "batches": run.batches,
        "answer": verdict.answer.value,
        "doubts": list(verdict.doubts),
        "generator": {
            "arrivals": run.generator.arrivals,
            "settled": run.generator.settled,
            "lag_p99_ms": finite(quantile(run.generator.lag, 0.99)),
            "cpu": dict(run.generator.cpu),
            "workers": run.generator.workers,
            "ended": run.generator.ended,
        },
        "endpoints": [_endpoint(found) for found in verdict.endpoints],
    }
    if knee is not None:
        document["load"]["limit"] = {
            "kept_rate": knee.kept,
            "broke_rate": knee.broke,
            "steps": [
                {"rate": s.rate, "answer": s.answer.value, "p99_ms": finite(s.p99_ms), "answered_per_s": s.answered}
                for s in knee.steps
            ],
        }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def _endpoint(found: EndpointVerdict) -> dict[str, Any]:
    load = found.load
    latency = merged(second.latency for second in load.seconds.values())
    service = lat.service(load)
    low, high = interval(latency, 0.99, beyond=load.failed, effect=lat.clumping(load, load.demands.p99_ms))
    return {
        "subject": load.subject,
        "answer": found.answer.value,
        "criteria": [{"name": c.name, "answer": c.answer.value, "said": c.said} for c in found.criteria],
        "requests": load.offered,
        "failed": load.failed,
        "reasons": dict(load.reasons),
        "p50_ms": finite(quantile(latency, 0.5, load.failed)),
        "p95_ms": finite(quantile(latency, 0.95, load.failed)),
        "p99_ms": finite(quantile(latency, 0.99, load.failed)),
        "p99_interval_ms": [finite(low), finite(high)],
        "service_p50_ms": finite(quantile(service, 0.5)),
        "service_p99_ms": finite(quantile(service, 0.99)),
    }


def finite(value: float) -> float | None:
    """JSON has neither infinity nor NaN."""
    return round(value, 3) if math.isfinite(value) else None


def render(verdict: LoadVerdict, console: Console, *, notes: tuple[str, ...] = (), knee: Knee | None = None) -> None:
    """The report in a terminal."""
    sheet, run = Sheet(console), verdict.run
    batches = f" in {run.batches} batches" if run.batches > 1 else ""
    sheet.text(Text(sheet.say(f"{run.url}: {run.rate} requests per second for {run.duration_s:g} s{batches}")))
    rows: list[list[str | Text]] = []
    for found in verdict.endpoints:
        load, latency = found.load, merged(second.latency for second in found.load.seconds.values())
        values = [quantile(latency, p, load.failed) for p in (0.5, 0.95, 0.99)]
        rows.append(
            [
                *(_number(value) for value in values),
                _number(quantile(lat.service(load), 0.99)),
                f"{load.offered:,}",
                f"{load.failed:,}",
                Text.assemble((f"{found.answer.value} ", STYLES[found.answer]), sheet.say(load.subject)),
            ]
        )
    sheet.blank()
    sheet.table([">P50 ms", ">P95", ">P99", ">service P99", ">requests", ">failed", "endpoint"], rows)
    for found in () if verdict.doubts else verdict.endpoints:
        said = [c for c in found.criteria if c.answer is not Answer.PASS]
        if said and not too_few(found):
            sheet.blank()
            sheet.text(Text(sheet.say(found.load.subject), style="bold"), 2)
            for criterion in said:
                mark = Text(getattr(sheet.glyphs, MARKS[criterion.answer]), style=STYLES[criterion.answer])
                sheet.text(Text(sheet.say(f"{criterion.name}: {criterion.said}")), 2, marker=mark)
            if found.judgement.reason:
                sheet.text(Text(sheet.say(found.judgement.reason), style="dim"), 4)
    if few := [] if verdict.doubts else [found for found in verdict.endpoints if too_few(found)]:
        sheet.blank()
        sheet.text(Text(sheet.say(_more(few, run.duration_s))))
    if knee is not None:
        sheet.blank()
        sheet.text(Text(sheet.say(knee.sentence)))
    for note in notes:
        sheet.text(Text(sheet.say(f"note: {note}"), style="dim"))
    sheet.ruler()
    for doubt in verdict.doubts:
        sheet.text(Text(sheet.say(doubt)), 0, marker=Text(sheet.glyphs.warn, style="yellow"))
    sheet.text(Text(_last_line(verdict), style=f"bold {STYLES[verdict.answer]}"))


def too_few(found: EndpointVerdict) -> bool:
    """Nothing is wrong with it but that it was asked too seldom."""
    return found.answer is Answer.INCONCLUSIVE and found.load.offered < smallest(lat.P99) and not found.load.failed


def _more(few: list[EndpointVerdict], seconds: float) -> str:
    """How long it would take."""
    fewest = smallest(lat.P99)
    said = f"{len(few)} endpoints had fewer than the {fewest} requests that a P99 needs"
    if len(few) == 1:
        said = f"{few[0].load.subject} had fewer than the {fewest} requests that a P99 needs"
    rarest = min(found.load.offered for found in few)
    needed = f"about --duration {1.2 * seconds * fewest / rarest:.0f} at this rate, or " if rarest else ""
    return f"{said}: {needed}a higher --rate, or fewer endpoints (--weights)"


def _last_line(verdict: LoadVerdict) -> str:
    failed = sum(found.answer is Answer.FAIL for found in verdict.endpoints)
    match verdict.answer:
        case Answer.PASS:
            return f"PASS  all {len(verdict.endpoints)} endpoints keep their limits"
        case Answer.FAIL:
            return f"FAIL  {failed} of {len(verdict.endpoints)} endpoints do not keep their limits"
        case Answer.INCONCLUSIVE:
            why = "the generator is not to be believed" if verdict.doubts else "there is too little to judge by"
            return f"INCONCLUSIVE  {why}: nothing is proved either way"


def _number(value: float) -> str:
    return "-" if not math.isfinite(value) else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
