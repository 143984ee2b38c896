"""The HTML of a load run (`--html`): verdict, then per endpoint latency over time and the whole distribution.

One file without script, font or picture from elsewhere: it can be attached to a ticket, and printed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from seatrial import __version__
from seatrial.load.limit import Knee
from seatrial.load.report import finite
from seatrial.load.verdict import EndpointVerdict, LoadVerdict
from seatrial.reports.charts import Chart, Line, spread
from seatrial.reports.look import LOOK
from seatrial.rules import lat
from seatrial.stats.quantiles import Answer, Histogram, merged, quantile

WORDS = {Answer.PASS: "Pass", Answer.FAIL: "Fail", Answer.INCONCLUSIVE: "Inconclusive"}
NINES = ((0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %"))
_COLUMNS = 120
"""Points of a curve over time at most: longer runs are drawn in steps of several seconds."""

STYLE = f"""{LOOK}
body{{max-width:1080px}}
.wide td:first-child{{min-width:15em;overflow-wrap:anywhere}}.said td{{text-align:left;white-space:normal}}
.pictures{{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:20px}}
.key{{font-size:13px;color:var(--soft)}}.key b{{font-weight:600}}.key .intended{{color:var(--intended)}}
.key .service{{color:var(--service)}}
@media print{{.pictures{{grid-template-columns:1fr 1fr}}}}
"""


KEY = """<p class="key"><b class="intended">Latency</b> counts from the moment a request was due, as its sender meets
it. <b class="service">Service time</b> (dashed) counts from the moment it was really sent, as a closed loop reports it:
what lies between the two is the queue in front of the server.</p>"""


def page(verdict: LoadVerdict, *, knee: Knee | None = None, notes: Iterable[str] = ()) -> str:
    """The whole document."""
    run = verdict.run
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    told = f"{run.generator.arrivals:,} requests, {made}, Seatrial {escape(__version__)}"
    body = [
        f"<h1>Load on {escape(run.url)}</h1>",
        f'<p class="soft">{escape(run.rate)} requests per second for {run.duration_s:g} s, {told}</p>',
        _verdict(verdict),
        _table(verdict),
        KEY,
    ]
    if knee is not None:
        body.append(_knee(knee))
    body += [_endpoint(found) for found in verdict.endpoints]
    body += [f'<p class="soft">{escape(note)}</p>' for note in notes]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Load on {escape(run.url)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{''.join(body)}</body></html>\n"
    )


def _verdict(verdict: LoadVerdict) -> str:
    failed = sum(found.answer is Answer.FAIL for found in verdict.endpoints)
    match verdict.answer:
        case Answer.PASS:
            said = f"all {len(verdict.endpoints)} endpoints keep their limits"
        case Answer.FAIL:
            said = f"{failed} of {len(verdict.endpoints)} endpoints do not keep their limits"
        case Answer.INCONCLUSIVE:
            said = "nothing is proved either way"
    doubts = "".join(f"<p>{escape(doubt)}</p>" for doubt in verdict.doubts)
    answer = verdict.answer
    return f'<div class="verdict {answer.value}"><strong>{WORDS[answer]}</strong>: {said}.{doubts}</div>'


def _table(verdict: LoadVerdict) -> str:
    head = "<tr><th>Endpoint</th><th>Requests</th><th>Failed</th><th>P50</th><th>P95</th><th>P99</th>"
    rows = []
    for found in verdict.endpoints:
        load = found.load
        latency = merged(second.latency for second in load.seconds.values())
        cells = [f"{load.offered:,}", f"{load.failed:,}"]
        cells += [_ms(quantile(latency, p, load.failed)) for p in (0.5, 0.95, 0.99)]
        cells += [_ms(quantile(lat.service(load), 0.99)), f"{load.demands.p99_ms:g} ms"]
        rows.append(
            f"<tr><td>{escape(load.subject)}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}"
            f'<td class="{found.answer.value}">{WORDS[found.answer]}</td></tr>'
        )
    return (
        f'<div class="wide"><table>{head}<th>Service P99</th><th>P99 limit</th><th>Answer</th></tr>'
        f"{''.join(rows)}</table></div>"
    )


def _endpoint(found: EndpointVerdict) -> str:
    load = found.load
    rows = "".join(
        f'<tr><td>{c.name}</td><td class="{c.answer.value}">{WORDS[c.answer]}</td><td>{escape(c.said)}</td></tr>'
        for c in found.criteria
    )
    pictures = ""
    if load.offered:
        pictures = (
            f'<div class="pictures"><figure>{over_time(found).svg()}<figcaption>P99 of each second, by the moment a '
            f"request was due; the thin line is the median{_crosses(found)}.</figcaption></figure>"
            f"<figure>{distribution(found).svg()}<figcaption>Share of the requests that were answered within so many "
            f"milliseconds.</figcaption></figure></div>"
        )
    return f'<section><h2>{escape(load.subject)}</h2><table class="said">{rows}</table>{pictures}</section>'


def _crosses(found: EndpointVerdict) -> str:
    return "; × marks seconds with failed requests" if found.load.failed else ""


def over_time(found: EndpointVerdict) -> Chart:
    """Latency and service time as the run went on."""
    load = found.load
    last = max(load.seconds, default=0) + 1
    width = max(1, math.ceil(last / _COLUMNS))
    columns = [[load.seconds[n] for n in range(at, at + width) if n in load.seconds] for at in range(0, last, width)]

    def curve(p: float, kind: str) -> list[tuple[float, float]]:
        points = []
        for number, seconds in enumerate(columns):
            value = quantile(merged(getattr(second, kind) for second in seconds), p)
            points.append((number * width + width / 2, value))
        return points

    return Chart(
        title=f"Latency over time of {load.subject}",
        x_name="seconds since the load began",
        y_name="milliseconds",
        lines=(
            Line("P99", "intended", curve(0.99, "latency")),
            Line("service P99", "service", curve(0.99, "service")),
            Line("median", "median", curve(0.5, "latency")),
        ),
        x_ticks=[(x, f"{x:g}") for x in spread(0, last)],
        limit=load.demands.p99_ms,
        x_to=float(last),
        marks=[n + 0.5 for n, second in load.seconds.items() if second.failed],
    )


def distribution(found: EndpointVerdict) -> Chart:
    """Every quantile, in nines: the tail is what is to be seen."""
    load = found.load
    latency = merged(second.latency for second in load.seconds.values())
    total = max(load.offered, 2)
    shown = [(share, name) for share, name in NINES if share < 1 - 0.5 / total]
    end = _nines(1 - 0.5 / total)
    return Chart(
        title=f"Distribution of the latency of {load.subject}",
        x_name="share of the requests",
        y_name="milliseconds",
        lines=(
            Line("latency", "intended", _quantiles(latency, load.failed)),
            Line("service time", "service", _quantiles(lat.service(load), load.failed)),
        ),
        x_ticks=[(_nines(share), name) for share, name in shown],
        limit=load.demands.p99_ms,
        x_to=end,
    )


def _nines(share: float) -> float:
    """0 for none, 1 for 90 %, 2 for 99 %, 3 for 99.9 %."""
    return -math.log10(1 - share)


def _quantiles(histogram: Histogram, failed: int) -> list[tuple[float, float]]:
    total = sum(histogram.values()) + failed
    points, seen = [], 0
    for value in sorted(histogram):
        seen += histogram[value]
        points.append((_nines((seen - 0.5) / total), value))
    return points


def _knee(knee: Knee) -> str:
    steps = sorted(knee.steps, key=lambda step: step.rate)
    limit = Chart(
        title="P99 by rate",
        x_name="requests per second",
        y_name="milliseconds",
        lines=(Line("P99", "intended", [(s.rate, s.p99_ms) for s in steps], dots=True),),
        x_ticks=[(x, f"{x:g}") for x in spread(0, steps[-1].rate)],
        x_to=steps[-1].rate * 1.02,
        marks=[s.rate for s in steps if finite(s.p99_ms) is None],
    )
    rows = "".join(
        f'<tr><td>{s.rate:g}</td><td>{s.answered:g}</td><td>{_ms(s.p99_ms)}</td><td class="{s.answer.value}">'
        f"{WORDS[s.answer]}</td></tr>"
        for s in steps
    )
    return (
        f"<section><h2>Capacity</h2><p>{escape(knee.sentence[0].upper() + knee.sentence[1:])}.</p>"
        f"<figure>{limit.svg()}<figcaption>P99 from the intended start at each rate that was tried"
        f"{'; × marks rates at which more than 1 % failed' if limit.marks else ''}.</figcaption></figure>"
        f"<table><tr><th>Requests per second</th><th>Answered per second</th><th>P99</th><th>Answer</th></tr>{rows}"
        f"</table></section>"
    )


def _ms(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"
