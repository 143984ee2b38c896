"""What passive mode saw, for machines: `--seatrial-passive-json FILE`. No parameters, no values, no headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seatrial import __version__
from seatrial.model.findings import Finding
from seatrial.model.outcomes import Level
from seatrial.model.suite import Stray, TestRun
from seatrial.plugin.traffic import Key, Log, Traffic
from seatrial.plugin.verdicts import Verdicts
from seatrial.reports.redact import scrub_value
from seatrial.verdict.files import write_atomic


def write(path: Path, log: Log, verdicts: Verdicts) -> None:
    """Raises ConfigurationError where the file cannot be written."""
    text = json.dumps(scrub_value(document(log, verdicts)), indent=2, ensure_ascii=False) + "\n"
    write_atomic(path, text, way_out="Name a file in a folder that can be written: --seatrial-passive-json FILE")


def document(log: Log, verdicts: Verdicts) -> dict[str, Any]:
    """The shape is published in docs/pytest.md."""
    return {
        "seatrial": __version__,
        "requests": sum(traffic.requests for traffic in log.routes.values()),
        "routes": [_route(key, traffic, verdicts) for key, traffic in sorted(log.routes.items())],
        "unserved": log.unserved,
        "strays": [_stray(run, stray) for run in log.runs for stray in run.strays],
        "findings": [_finding(finding) for finding in verdicts.findings],
        "not_proved": [{"rule": j.rule, "subject": j.subject, "reason": j.reason} for j in verdicts.not_proved],
        # The reason may quote what an app has raised: its type says enough.
        "missed": {reason.partition(":")[0]: times for reason, times in sorted(log.missed.items())},
    }


def _route(key: Key, traffic: Traffic, verdicts: Verdicts) -> dict[str, Any]:
    app, method, rule, endpoint = key
    on = {code for code in {*traffic.seen, "SQL004"} if verdicts.level(code) is not Level.OFF}
    return {
        "app": app,
        "method": method,
        "rule": rule,
        "endpoint": endpoint,
        "requests": traffic.requests,
        "not_proved": traffic.low.total(),
        "statements": {"median": traffic.median, "max": traffic.largest, "proved": traffic.proved},
        "slow_statements": traffic.slow,
        "statuses": {str(status): times for status, times in sorted(traffic.statuses.items())},
        "seen": {code: times for code, times in sorted(traffic.seen.items()) if code in on},
        "errors_without_envelope": traffic.misshapen,
        "places": [note._asdict() for note in traffic.notes if note.rule in on],
    }


def _stray(run: TestRun, stray: Stray) -> dict[str, Any]:
    return {
        "test": run.test,
        "method": stray.method,
        "path": stray.path,
        "status": stray.status,
        "looked_at": stray.looked.value,
        "sent_by": f"{stray.place.path}:{stray.place.line}" if stray.place is not None else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "name": finding.name,
        "level": finding.level.value,
        "subject": finding.subject,
        "path": finding.place.path if finding.place else None,
        "line": finding.place.line if finding.place else None,
        "message": finding.message,
        "evidence": dict(finding.evidence),
        "remedy": finding.remedy,
        "fingerprint": finding.fingerprint,
    }
