"""The HTML report (`--html FILE`): one file that fetches nothing, with everything that was found.

Verdict, trend and what to fix first are written out, and readable without script. The list of all findings is data
that a small script draws as far as it is looked at, so that ten thousand of them open like ten. Every value of the
app's is hostile: the template escapes, data is read as JSON and shown as text, and a policy in the page lets no other
script run.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from seatrial import __version__, rules
from seatrial.model.outcomes import ExitCode, Level, Outcome, ToolState
from seatrial.model.result import Result
from seatrial.reports import advice, grouping, trend
from seatrial.reports.excerpts import Source
from seatrial.reports.json_report import broken_sentences
from seatrial.reports.look import LOOK
from seatrial.reports.order import route_order, stale_order
from seatrial.reports.proof import proof
from seatrial.reports.rows import Row, first, line
from seatrial.verdict.files import write_atomic
from seatrial.verdict.history import Run

__all__ = ["Source", "to_html", "write"]

WAY_OUT = "Give `--html` a path in a folder that can be written."
FIRST = 10
"""Rules of which one finding is shown with its proof at the top."""
PROOFS = 300
"""Findings, worst first, whose proof is drawn; of the others the evidence is shown as it is in the JSON."""
REASONS = 200
_LOOKS = {ExitCode.PASS: "pass", ExitCode.INCONCLUSIVE: "inconclusive", ExitCode.STALE: "inconclusive"}


def to_html(result: Result, rows: Sequence[Row], *, runs: Sequence[Run], source: Source, where: str = "") -> str:
    """The document.

    Args:
        rows: Of `rows.rows`, worst first.
        runs: Earlier runs of the same scope and this one, the oldest first.
        source: The target's files, for excerpts.
        where: Target and configuration file as given on the command line, for commands to paste.
    """
    new = [number for number, row in enumerate(rows) if row.new]
    urgent = first(rows, FIRST)
    shown = dict.fromkeys([*urgent, *new[:PROOFS]])
    proofs = {number: proof(rows[number], source, prefix=source.prefix) for number in shown}
    style, script = LOOK + _file("report.css"), _file("report.js")
    return _template().render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        data=Markup(_embedded(_data(result, rows, runs))),
        version=__version__,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        app=line(str(result.target.get("app") or result.target.get("root") or "the app")),
        facts=_facts(result, runs),
        title=advice.title(result),
        looks=_LOOKS.get(result.exit_code, "fail"),
        sentence=line(advice.sentence(result)),
        exit_code=int(result.exit_code),
        steps=[(line(step.text), line(step.command)) for step in advice.next_steps(result, where)],
        counts=_counts(result, rows),
        first=[proofs[number] for number in urgent],
        more_rules=len({row.rule for row in rows if row.new and row.level in (Level.BLOCK, Level.WARN)}) - len(urgent),
        times=_times(rows),
        proofs=proofs,
        findings=len(rows),
        new=len(new),
        families=sorted({row.family for row in rows}),
        routes=len(result.routes),
        runs=trend.table(runs),
        trend=Markup(trend.chart(runs)),
        broken=[line(text) for text in broken_sentences(result)],
        inconclusive=[line(text) for text in result.inconclusive],
        unproved=_reasons(result, Outcome.NOT_PROVED),
        skipped=_reasons(result, Outcome.SKIPPED),
        stale=[
            (line(e.rule), line(e.subject), line(e.message)) for e in sorted(result.stale, key=stale_order)[:REASONS]
        ],
        tools=[
            (
                line(t.name),
                line(t.version),
                t.state.value,
                None if t.state is ToolState.BROKEN else t.findings,
                t.elapsed_s,
            )
            for t in sorted(result.tools, key=lambda tool: tool.name)
        ],
        notes=[line(note) for note in result.notes[:REASONS]],
    )


def write(
    result: Result, rows: Sequence[Row], path: Path, *, runs: Sequence[Run], source: Source, where: str = ""
) -> None:
    """Write the file in one step.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    write_atomic(path, to_html(result, rows, runs=runs, source=source, where=where), way_out=WAY_OUT)


def _times(rows: Sequence[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if row.new:
            found[row.rule] = found.get(row.rule, 0) + 1
    return found


def _data(result: Result, rows: Sequence[Row], runs: Sequence[Run]) -> dict[str, Any]:
    """What the script draws, as small as it goes: texts that repeat stand once."""
    texts: dict[str, int] = {}

    def once(text: str) -> int:
        return texts.setdefault(text, len(texts))

    findings = [
        [
            *(once(row.rule), once(row.name), row.level.value, int(row.new), row.subject, once(row.message)),
            *(once(row.remedy), row.path, row.line, int(row.exact), row.fingerprint, once(row.replay), row.evidence),
        ]
        for row in rows
    ]
    routes = [
        [
            *(row.method, line(row.rule), line(row.endpoint), line(row.identity), row.status, row.statements, row.rows),
            *(None if row.elapsed_ms is None else round(row.elapsed_ms, 1), trend.statements(runs, row.subject)),
        ]
        for row in sorted(result.routes, key=route_order)
    ]
    codes = {row.rule for row in rows}
    claims = {rule.code: rule.claim for rule in rules.registered() if rule.code in codes}
    return {"findings": findings, "routes": routes, "claims": claims, "texts": list(texts)}


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in, whatever is in it."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _policy(style: str, script: str) -> str:
    """Content-Security-Policy: this style, this script, and nothing from anywhere."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _counts(result: Result, rows: Sequence[Row]) -> list[tuple[str, int, str]]:
    """(word, number, class) of what a reader asks for first."""
    outcomes = result.outcomes()
    new = [row for row in rows if row.new]
    found = [
        ("blocking", sum(row.blocks for row in new), "bad"),
        ("warnings", sum(row.level is Level.WARN for row in new), "doubt"),
        ("notices", sum(row.level is Level.INFO for row in new), ""),
        ("known", len(rows) - len(new), ""),
        ("passed", outcomes[Outcome.PASS], "good"),
        ("failed", outcomes[Outcome.FAIL], ""),
        ("not proved", outcomes[Outcome.NOT_PROVED], "doubt"),
        ("skipped", outcomes[Outcome.SKIPPED], ""),
        ("broken", outcomes[Outcome.BROKEN], "bad"),
    ]
    return [(word, number, looks if number else "") for word, number, looks in found]


def _facts(result: Result, runs: Sequence[Run]) -> list[tuple[str, str]]:
    target = result.target
    known = {
        "commit": runs[-1].commit if runs else "",
        "scope": runs[-1].scope if runs else "",
        "environment": target.get("environment"),
        "database": target.get("database"),
        "profiles": target.get("profiles"),
        "identities": target.get("identities"),
        "routes": target.get("routes"),
        "took": f"{result.elapsed_s:.1f} s",
    }
    shown = {name: ", ".join(map(str, v)) if isinstance(v, list | tuple) else v for name, v in known.items()}
    return [(name, line(str(value))) for name, value in shown.items() if value]


def _tools(result: Result) -> list[tuple[str, str, str, int | None, float]]:
    """(name, version, state, findings, seconds). What a broken tool printed before it died is no number."""
    return [
        (
            *(line(tool.name), line(tool.version), tool.state.value),
            *(None if tool.state is ToolState.BROKEN else tool.findings, tool.elapsed_s),
        )
        for tool in sorted(result.tools, key=lambda tool: tool.name)
    ]


def _reasons(result: Result, outcome: Outcome) -> tuple[int, list[tuple[int, str, str]], int]:
    """(checks, rows of the table, reasons that are left out)."""
    found = grouping.reasons(result.checks, outcome)
    table = [
        (reason.count, line(reason.text), ", ".join(f"{line(code)} {count:,}" for code, count in reason.rules[:8]))
        for reason in found[:REASONS]
    ]
    return sum(reason.count for reason in found), table, max(len(found) - REASONS, 0)


@cache
def _file(name: str) -> str:
    return resources.files("seatrial.reports").joinpath("html", name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda value: "" if value is None else f"{value:,}"
    return environment.from_string(_file("report.html.j2"))
