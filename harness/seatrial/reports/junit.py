"""JUnit XML (`--junit FILE`), for the CI servers that read nothing else.

A `<failure>` is what blocks and nothing else, so that the list of failed tests and the exit code say the same.
Warnings, notices and known debt pass, with their text in `<system-out>`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from seatrial.model.findings import Check
from seatrial.model.outcomes import Outcome, State, ToolState
from seatrial.model.result import Judged, Result, StaleEntry, ToolRun
from seatrial.reports.order import check_order, finding_order, severity, stale_order
from seatrial.reports.redact import scrub
from seatrial.verdict.files import write_atomic
from seatrial.verdict.verdict import NOTHING_RAN, nothing_ran

WAY_OUT = "Give `--junit` a path in a folder that can be written."
OURS = "seatrial"
# What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Case:
    """One testcase. `kind` is `failure`, `error` or `skipped`, or empty for a pass."""

    classname: str
    name: str
    kind: str = ""
    message: str = ""
    text: str = ""
    path: str = ""
    line: int = 0


def to_xml(result: Result) -> str:
    """The document. Suites: one per rule family and tool, then what concerns the run as a whole."""
    suites = {name: cases for name, cases in _suites(result).items() if cases}
    root = ET.Element("testsuites", {"name": OURS, **_counts([case for cases in suites.values() for case in cases])})
    root.set("time", f"{result.elapsed_s:.3f}")
    times = {tool.name: tool.elapsed_s for tool in result.tools}
    for name, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": _clean(name), **_counts(cases)})
        suite.set("time", f"{times.get(name, 0.0):.3f}")
        for case in cases:
            _append(suite, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write(result: Result, path: Path) -> None:
    """Write the file in one step.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    write_atomic(path, to_xml(result), way_out=WAY_OUT)


def _suites(result: Result) -> dict[str, list[Case]]:
    findings: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    external: defaultdict[str, list[Judged]] = defaultdict(list)
    for judged in sorted(result.findings, key=finding_order):
        if judged.finding.tool == OURS:
            findings[judged.finding.rule, judged.finding.subject].append(judged)
        else:
            external[judged.finding.tool].append(judged)
    families: defaultdict[str, list[Case]] = defaultdict(list)
    for check in sorted(result.checks, key=check_order):
        # Taken out: a second check of the same question must not report the same findings again.
        families[_family(check.rule)].append(_of_check(check, findings.pop((check.rule, check.subject), [])))
    for (rule, subject), left in findings.items():
        families[_family(rule)].append(_of_findings(rule, subject, left))
    tools = {tool.name: tool for tool in result.tools}
    suites = {name: families[name] for name in sorted(families)}
    for name in sorted(tools.keys() | external.keys()):
        suites[name] = [*suites.get(name, ()), *_of_tool(name, tools.get(name), external.get(name, []))]
    suites["baseline"] = [_of_stale(entry) for entry in sorted(result.stale, key=stale_order)]
    suites["run"] = [Case("run", sentence, "error", sentence) for sentence in result.broken]
    inconclusive = [*result.inconclusive, *([NOTHING_RAN] if nothing_ran(result) else [])]
    suites["run"] += [Case("run", sentence, "error", f"inconclusive: {sentence}") for sentence in inconclusive]
    return suites


def _of_check(check: Check, findings: list[Judged]) -> Case:
    match check.outcome:
        case Outcome.BROKEN:
            return Case(check.rule, check.subject, "error", check.reason or "the check broke", _text(findings))
        case Outcome.NOT_PROVED:
            return Case(check.rule, check.subject, "skipped", f"not proved: {check.reason}", _text(findings))
        case Outcome.SKIPPED:
            return Case(check.rule, check.subject, "skipped", f"skipped: {check.reason}", _text(findings))
        case _:
            return _of_findings(check.rule, check.subject, findings)


def _of_findings(rule: str, subject: str, findings: list[Judged]) -> Case:
    worst = min(findings, key=severity, default=None)
    place = worst.finding.place if worst else None
    blocking = [judged for judged in findings if judged.blocks]
    message = blocking[0].finding.message if blocking else ""
    if len(blocking) > 1:
        message += f" (and {len(blocking) - 1} more)"
    return Case(
        rule,
        subject,
        "failure" if blocking else "",
        message,
        _text(findings),
        place.path if place else "",
        place.line if place else 0,
    )


def _of_tool(name: str, tool: ToolRun | None, findings: list[Judged]) -> list[Case]:
    """The tool's own run as one case, then one case per code and subject."""
    cases: list[Case] = []
    if tool is not None and tool.state is ToolState.BROKEN and tool.level != "off":
        cases.append(Case(name, "runs to its end", "error", tool.message or "it did not finish"))
    elif tool is not None:
        cases.append(Case(name, "runs to its end"))
    grouped: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    for judged in findings:
        grouped[judged.finding.rule, judged.finding.subject].append(judged)
    return cases + [_of_findings(rule, subject, group) for (rule, subject), group in grouped.items()]


def _of_stale(entry: StaleEntry) -> Case:
    return Case(f"{entry.kind}.{entry.rule}", entry.subject, "failure", entry.message)


def _text(findings: Iterable[Judged]) -> str:
    return "\n".join(_line(judged) for judged in sorted(findings, key=severity))


def _line(judged: Judged) -> str:
    finding = judged.finding
    mark = "known debt" if judged.state is State.KNOWN else finding.level.value
    place = f"{finding.place.path}:{finding.place.line}: " if finding.place else ""
    remedy = f"\n  remedy: {finding.remedy}" if finding.remedy and judged.state is State.NEW else ""
    return f"[{mark}] {place}{finding.message}{remedy}"


def _append(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(suite, "testcase", {"classname": _clean(case.classname), "name": _clean(case.name)})
    element.set("time", "0")
    if case.path:
        element.set("file", _clean(case.path))
        element.set("line", str(case.line))
    if case.kind:
        message = _clean(case.message)
        child = ET.SubElement(element, case.kind, {"message": _shortened(message)})
        if case.kind != "skipped":
            child.set("type", "blocking" if case.kind == "failure" else "broken")
        child.text = _clean(case.text) or message
    elif case.text:
        ET.SubElement(element, "system-out").text = _clean(case.text)


def _counts(cases: list[Case]) -> dict[str, str]:
    kinds = [case.kind for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }


def _clean(text: str) -> str:
    return _ILLEGAL.sub("", scrub(text))


def _shortened(message: str) -> str:
    """Attributes are shown in lists; the whole text stands in the element."""
    return message if len(message) <= _MESSAGE else message[: _MESSAGE - 1] + "…"


def _family(rule: str) -> str:
    """`SQL001` belongs to SQL; `ruff:F401` to ruff."""
    return rule.partition(":")[0] if ":" in rule else rule[:3]
