"""The JSON result (`--json FILE`), published as `result-1.schema.json` beside this module."""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pydantic_core

from seatrial import __version__
from seatrial.model.findings import Check, Finding
from seatrial.model.outcomes import ToolState
from seatrial.model.result import Judged, Result, RouteRow, StaleEntry, ToolRun
from seatrial.reports.order import check_order, finding_order, route_order, stale_order
from seatrial.reports.redact import scrub_value
from seatrial.verdict.files import write_atomic

WAY_OUT = "Give `--json` a path in a folder that can be written."


def to_json(result: Result) -> dict[str, Any]:
    """The result as plain data in the published shape, sorted, without secrets."""
    document: dict[str, Any] = scrub_value(
        {
            "seatrial": __version__,
            "verdict": result.verdict,
            "exit_code": int(result.exit_code),
            "target": result.target,
            "elapsed_s": round(result.elapsed_s, 3),
            "outcomes": result.outcomes(),
            "findings": [_finding(judged) for judged in sorted(result.findings, key=finding_order)],
            "checks": [_check(check) for check in sorted(result.checks, key=check_order)],
            "routes": [_route(row) for row in sorted(result.routes, key=route_order)],
            "tools": [_tool(tool) for tool in sorted(result.tools, key=lambda tool: tool.name)],
            "stale": [_stale(entry) for entry in sorted(result.stale, key=stale_order)],
            "notes": result.notes,
            "broken": broken_sentences(result),
            "inconclusive": result.inconclusive,
        }
    )
    return document


def dumps(result: Result) -> str:
    """The file's text: UTF-8 with real characters, two blanks of indent, a final newline."""
    document = to_json(result)
    try:
        # In a sixth of the time of `json`, whose encoder is Python as soon as it indents.
        return pydantic_core.to_json(document, indent=2).decode() + "\n"
    except pydantic_core.PydanticSerializationError:
        # Text that is not Unicode: lone surrogates, of a file name.
        return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def write(result: Result, path: Path) -> None:
    """Write the file in one step: a reader finds the old result or the new one, never half of one.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    write_atomic(path, dumps(result), way_out=WAY_OUT)


def schema() -> Mapping[str, Any]:
    """The published JSON Schema (draft 2020-12)."""
    text = resources.files("seatrial.reports").joinpath("result-1.schema.json").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded


def broken_sentences(result: Result) -> list[str]:
    """What could not finish: the harness's own sentences, then those of tools that are not among them."""
    sentences = list(result.broken)
    for tool in result.tools:
        if tool.state is ToolState.BROKEN and not any(tool.message and tool.message in known for known in sentences):
            sentences.append(f"{tool.name} did not finish: {tool.message or 'it gave no reason'}")
    return sentences


def _finding(judged: Judged) -> dict[str, Any]:
    finding = judged.finding
    return {
        "rule": finding.rule,
        "name": finding.name,
        "level": finding.level.value,
        "state": judged.state.value,
        "subject": finding.subject,
        "path": finding.place.path if finding.place else None,
        "line": finding.place.line if finding.place else None,
        "message": finding.message,
        "evidence": _evidence(finding),
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
    }


def _evidence(finding: Finding) -> dict[str, Any]:
    """`requests` last, in the shape of every rule."""
    requests = [request.told() for request in finding.requests]
    return {**finding.evidence, **({"requests": requests} if requests else {})}


def _check(check: Check) -> dict[str, Any]:
    return {
        "rule": check.rule,
        "subject": check.subject,
        "outcome": check.outcome.value,
        "reason": check.reason,
    }


def _route(row: RouteRow) -> dict[str, Any]:
    return {
        "method": row.method,
        "rule": row.rule,
        "endpoint": row.endpoint,
        "identity": row.identity,
        "status": row.status,
        "statements": row.statements,
        "rows": row.rows,
        "elapsed_ms": None if row.elapsed_ms is None else round(row.elapsed_ms, 3),
    }


def _tool(tool: ToolRun) -> dict[str, Any]:
    return {
        "name": tool.name,
        "version": tool.version,
        "state": tool.state.value,
        "findings": tool.findings,
        "elapsed_s": round(tool.elapsed_s, 3),
    }


def _stale(entry: StaleEntry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "rule": entry.rule,
        "subject": entry.subject,
        "message": entry.message,
    }
