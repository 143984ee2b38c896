"""One finding for a sceptic: requests as a person could send them, what came back, whether it was seen again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from seatrial.model.findings import Check, Finding
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.outcomes import ExitCode
from seatrial.model.requests import Request
from seatrial.reports.sheet import Sheet

MOST = 12
"""Requests that are shown; the first ones are those that the message speaks of."""
CHECKS = 5
_WORDS = {
    ExitCode.BLOCKED: ("REPRODUCED", "red"),
    ExitCode.PASS: ("NOT REPRODUCED", "green"),
    ExitCode.BROKEN: ("BROKEN", "red"),
    ExitCode.INCONCLUSIVE: ("COULD NOT TELL", "yellow"),
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay ended."""

    fingerprint: str
    exit_code: ExitCode
    sentence: str
    finding: Finding | None = None
    means: tuple[str, ...] = ()
    """What the fingerprint stands for, as far as that is known without the finding."""
    checks: tuple[Check, ...] = ()
    """What was judged, where the finding was not seen."""


def render(replayed: Replayed, console: Console) -> None:
    """Print what was asked, what came back, and the verdict in the last line."""
    sheet = Sheet(console)
    finding = replayed.finding
    if finding is not None:
        _finding(sheet, finding)
    else:
        for text in replayed.means[:CHECKS]:
            sheet.text(Text(sheet.say(text)))
        for check in replayed.checks[:CHECKS]:
            reason = f": {check.reason}" if check.reason else ""
            sheet.text(Text(sheet.say(f"{check.rule} {check.subject} {check.outcome.value}{reason}")), 2)
    word, style = _WORDS[replayed.exit_code]
    sheet.ruler()
    badge = Text.assemble(
        (f" {word} ", f"bold {'white' if style == 'red' else 'black'} on {style}"),
        (f" exit {int(replayed.exit_code)} ", "dim"),
    )
    sheet.text(Text(sheet.say(replayed.sentence), style=style), marker=badge)


def _finding(sheet: Sheet, finding: Finding) -> None:
    head = Text.assemble((sheet.say(finding.rule), "bold"), " ", sheet.say(finding.name))
    sheet.sides(head, Text(finding.fingerprint, style="dim"))
    place = f"  {finding.place.path}:{finding.place.line}" if finding.place else ""
    sheet.text(Text(sheet.say(f"{finding.subject}{place}")), 2)
    sheet.text(Text(sheet.say(finding.message)), 2)
    if finding.requests:
        sheet.section("What was asked", count=len(finding.requests), style="dim", explained=_sessions(finding.requests))
    for request in finding.requests[:MOST]:
        _request(sheet, request)
    if (left := len(finding.requests) - MOST) > 0:
        sheet.text(Text(f"and {left} more with --json FILE", style="dim"), 2)
    if finding.evidence:
        sheet.section("Evidence", style="dim")
        for name, value in finding.evidence.items():
            _fact(sheet, name, value, 2)


def _sessions(requests: Sequence[Request]) -> str:
    named = sorted({request.identity for request in requests} - {ANONYMOUS})
    return f"log in as {', '.join(named)} and send the cookie of that session" if named else "no log-in is needed"


def _request(sheet: Sheet, request: Request) -> None:
    sheet.blank()
    told = [f"{request.case}, as {request.identity}" if request.case else f"as {request.identity}"]
    sheet.text(Text(sheet.say(told[0]), style="dim"), 2)
    sheet.text(Text(sheet.say(f"{request.method} {request.path}"), style="bold"), 4)
    for name, value in request.sent.headers:
        sheet.text(Text(sheet.say(f"{name}: {value}")), 4)
    if request.sent.body:
        sheet.blank()
        sheet.text(Text(sheet.say(request.sent.body)), 4)
    sheet.text(Text(sheet.say(came_back(request)), style="cyan"), 2, marker=Text(sheet.glyphs.arrow, style="cyan"))


def came_back(request: Request) -> str:
    """`400; the body of the view was not entered`."""
    parts = [str(request.status)] if request.status is not None else []
    if request.entered is not None:
        parts.append(f"the body of the view was {'' if request.entered else 'not '}entered")
    if request.entered and request.status is None:
        parts.append("and stopped at its first line")
    if request.said:
        parts.append(request.said)
    return "; ".join(parts) or "see the evidence"


def _fact(sheet: Sheet, name: str, value: object, indent: int) -> None:
    if isinstance(value, Mapping):
        sheet.text(Text(f"{sheet.say(name)}:", style="dim"), indent)
        for inner, one in value.items():
            _fact(sheet, str(inner), one, indent + 2)
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value, start=1):
            _fact(sheet, f"{name} {number}", one, indent)
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        sheet.text(Text(sheet.say(text)), indent, marker=Text(f"{sheet.say(name)}:", style="dim"))
