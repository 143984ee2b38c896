"""SARIF 2.1.0 (`--sarif FILE`), for code scanning and for editors.

One run. What is known stands in it as `unchanged` and suppressed, so that a reader who does not know of the baseline
does not raise it again. Fingerprints of ours stand under a key of their own: GitHub computes its own
`primaryLocationLineHash`, and warns of one that differs.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from seatrial import __version__, rules, suites
from seatrial.model.errors import BrokenError
from seatrial.model.outcomes import ExitCode, Level
from seatrial.model.result import Result
from seatrial.reports.grouping import where_known
from seatrial.reports.json_report import broken_sentences
from seatrial.reports.order import stale_order
from seatrial.reports.rows import Row, files, line
from seatrial.verdict.files import write_atomic

WAY_OUT = "Give `--sarif` a path in a folder that can be written."
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
BASE = "%SRCROOT%"
FINGERPRINT = "seatrial/v1"
MOST = 25_000
"""Results of one run: GitHub refuses a file with more, and shows the worst 5,000."""
NOTIFICATIONS = 1_000
_LEVEL = {Level.BLOCK: "error", Level.WARN: "warning", Level.INFO: "note", Level.OFF: "none"}
_HELP: dict[str, Callable[[str, str], str]] = {
    "ruff": lambda code, name: f"https://docs.astral.sh/ruff/rules/{quote(name or code)}/",
    "mypy": lambda code, _: f"https://mypy.readthedocs.io/en/stable/_refs.html#code-{quote(code)}",
    "bandit": lambda _code, _name: "https://bandit.readthedocs.io/en/latest/plugins/index.html",
}


def to_sarif(result: Result, rows: Sequence[Row], *, prefix: str = "") -> dict[str, Any]:
    """The log as plain data. Paths are relative to the root of the repository, `%SRCROOT%`.

    Args:
        rows: Of `rows.rows` with the same prefix, worst first.
        prefix: Folder of the target in its repository, for lines that the evidence names.
    """
    kept = rows[:MOST]
    codes = sorted({row.rule for row in kept})
    index = {code: number for number, code in enumerate(codes)}
    first = {row.rule: row for row in reversed(kept)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Seatrial",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(first[code]) for code in codes],
                    }
                },
                "automationDetails": {"id": "seatrial/"},
                "invocations": [_invocation(result, left=len(rows) - len(kept))],
                "originalUriBaseIds": {BASE: {"description": {"text": "The root of the repository."}}},
                "results": [_result(row, index[row.rule], prefix, where_known(result)) for row in kept],
            }
        ],
    }


def write(result: Result, rows: Sequence[Row], path: Path, *, prefix: str = "") -> None:
    """Write the file in one step.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    text = json.dumps(to_sarif(result, rows, prefix=prefix), ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(path, text, way_out=WAY_OUT)


def _rule(row: Row) -> dict[str, Any]:
    """Of the catalogue, where it is ours; of a tool, what its finding tells."""
    known = rules.find(row.rule)
    tool, _, code = row.rule.partition(":")
    described: dict[str, Any] = {"id": row.rule}
    if row.name:
        described["name"] = _pascal(row.name)
    if known is not None:
        described["shortDescription"] = {"text": known.claim}
        described["fullDescription"] = {"text": f"{known.claim} {known.rationale}"}
        described["help"] = {"text": f"{known.remedy}\n\nSource: {known.source}", "markdown": _page(known.code)}
        described["defaultConfiguration"] = {"level": _LEVEL[known.level]}
        described["properties"] = {"tags": [known.family]}
        return described
    described["shortDescription"] = {"text": f"{code or tool}: {row.name or row.rule}"}
    described["defaultConfiguration"] = {"level": _LEVEL[row.level]}
    described["properties"] = {"tags": [tool]}
    if tool in _HELP and code:
        described["helpUri"] = _HELP[tool](code, row.name)
    return described


def _result(row: Row, index: int, prefix: str, known: str) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": row.line}
    if row.text:
        region["snippet"] = {"text": row.text}
    found: dict[str, Any] = {
        "ruleId": row.rule,
        "ruleIndex": index,
        "level": _LEVEL[row.level],
        "message": {"text": _message(row)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": _artifact(row.path), "region": region},
                "logicalLocations": [{"fullyQualifiedName": row.subject or row.path}],
            }
        ],
        "partialFingerprints": {FINGERPRINT: f"{row.fingerprint}:{row.occurrence}"},
        "baselineState": "new" if row.new else "unchanged",
        "properties": {"evidence": row.evidence, "remedy": row.remedy, "placeIsExact": row.exact},
    }
    related = [
        {
            "id": number,
            "physicalLocation": {"artifactLocation": _artifact(path), "region": {"startLine": max(at, 1)}},
            "message": {"text": "also in its evidence"},
        }
        for number, (path, at) in enumerate(files(row, prefix), start=1)
    ]
    if related:
        found["relatedLocations"] = related
    if row.replay:
        found["properties"]["replay"] = row.replay
    if not row.new:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": f"known debt, {known}"}]
    return found


def _message(row: Row) -> str:
    """In a message `[text](1)` is a link, so a bracket that meets a parenthesis is kept apart from it."""
    told = f"{row.sentence}. {row.remedy}" if row.remedy else row.sentence
    return told.replace("](", "] (")


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path), "uriBaseId": BASE}


def _invocation(result: Result, *, left: int) -> dict[str, Any]:
    """How the run ended, and what it says beside its findings. A tool that broke found nothing out."""
    told = [("error", text) for text in [*broken_sentences(result), *result.inconclusive]]
    told += [
        ("warning", f"{entry.rule} {entry.subject}: {entry.message}") for entry in sorted(result.stale, key=stale_order)
    ]
    if left:
        told.append(("warning", f"{left:,} more findings are left out: a run may have {MOST:,} results"))
    told += [("note", note) for note in result.notes]
    invocation: dict[str, Any] = {
        "executionSuccessful": result.exit_code not in (ExitCode.BROKEN, ExitCode.CONFIGURATION, ExitCode.INTERRUPTED),
        "exitCode": int(result.exit_code),
        "exitCodeDescription": result.exit_code.name.lower(),
    }
    notifications = [{"level": level, "message": {"text": line(text)}} for level, text in told[:NOTIFICATIONS]]
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    return invocation


@cache
def _page(code: str) -> str:
    """The rule's own page; links to other pages lead nowhere there, so only their text is kept."""
    try:
        text = (suites.path("rules") / f"{code}.md").read_text(encoding="utf-8")
    except (BrokenError, OSError):
        return f"`seatrial explain {code}`"
    return "".join(_without_links(text))


def _without_links(text: str) -> Iterator[str]:
    fenced = False
    for one in text.splitlines(keepends=True):
        fenced ^= one.lstrip().startswith("```")
        yield one if fenced else re.sub(r"\[([^\]]+)\]\((?!https?:)[^)\s]+\)", r"\1", one)


def _pascal(name: str) -> str:
    """`n-plus-one` is `NPlusOne`: a name in SARIF is an identifier."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name)) or "Rule"
