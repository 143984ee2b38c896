"""What passive mode saw, in pytest's terminal section: a table of the routes, and below it what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from rich.text import Text

from seatrial import rules
from seatrial.model.outcomes import Level
from seatrial.plugin import summary
from seatrial.plugin.seen import ANSWER_RULES
from seatrial.plugin.traffic import Key, Log, Traffic
from seatrial.plugin.verdicts import Verdicts
from seatrial.reports.sheet import Sheet

ROUTES = 40
"""Rows of the table; more are counted."""
NOTES = 10
"""Lines below one title; more are counted."""
STATEMENTS = {
    "SQL003": "suspected N+1s, seen and not proved",
    "SQL006": "safe methods that write",
    "SQL004": "statements over the limit",
}

ANSWERS = (
    "headers and cookies, seen under the configuration of the tests; what is not named is not proved "
    "(seatrial check asks the app as in production)"
)

Route = tuple[Key, Traffic]


def show(log: Log, verdicts: Verdicts, reporter: pytest.TerminalReporter) -> None:
    """The table, dearest routes first."""
    page = summary.page()
    sheet = Sheet(summary.console(page, reporter))
    ordered = sorted(log.routes.items(), key=lambda item: (-item[1].largest, item[0]))
    if ordered:
        several = len({key[0] for key in log.routes}) > 1
        rows = [_row(sheet, key, traffic, several, verdicts) for key, traffic in ordered[:ROUTES]]
        sheet.table((">requests", ">median", ">max", ">slow", "status", "seen", "route"), rows)
    for line in _totals(log, ordered):
        sheet.text(Text(sheet.say(line), style="dim"), 2)
    for title, lines in _parts(ordered, verdicts):
        sheet.blank()
        sheet.text(Text(sheet.say(title), style="bold"), 2)
        for line in _first(lines):
            sheet.text(Text(sheet.say(line)), 4)
    summary.put(page, reporter, "seatrial: passive")


def _row(sheet: Sheet, key: Key, traffic: Traffic, several: bool, verdicts: Verdicts) -> list[str]:
    app, method, rule, endpoint = key
    seen = [
        f"{code} {traffic.seen[code]}x"
        for code in ("SQL003", "SQL006")
        if traffic.seen[code] and verdicts.level(code) is not Level.OFF
    ]
    if not traffic.proved:
        seen.append("not proved")
    elif traffic.low:
        seen.append(f"not proved {traffic.low.total()}x")
    statuses = " ".join(str(status) for status in sorted(traffic.statuses))
    # Below a count that is too low stands the true one.
    shown = [f"{'' if traffic.proved or not number else '≥'}{number}" for number in (traffic.median, traffic.largest)]
    return [
        str(traffic.requests),
        *map(sheet.fitting, shown),
        str(traffic.slow) if traffic.slow else "",
        statuses,
        ", ".join(seen),
        sheet.say(f"{method} {rule} {endpoint}{f' ({app})' if several else ''}"),
    ]


def _totals(log: Log, routes: Sequence[Route]) -> Iterator[str]:
    requests = sum(traffic.requests for _, traffic in routes)
    for reason, times in log.missed.most_common(3):
        yield f"{_amount(times, 'request')} could not be recorded ({reason})"
    if not requests and not log.unserved:
        if not log.missed:
            yield "no request reached a Flask app: the tests call none, or in processes of their own"
        return
    yield (
        f"{_amount(requests, 'request')} to {_amount(len(routes), 'route')}; "
        f"median and max are statements (select and dml) per request"
    )
    if len(routes) > ROUTES:
        yield f"{_amount(len(routes) - ROUTES, 'more route')} not shown"
    if log.unserved:
        yield f"{_amount(log.unserved, 'request')} that no route serves"
    if any(traffic.low for _, traffic in routes):
        yield (
            "not proved: sent while an app context was pushed (by the test, or by an outer request), whose session "
            "answers in place of the database; send requests outside of `with app.app_context()`"
        )


def _parts(routes: Sequence[Route], verdicts: Verdicts) -> Iterator[tuple[str, list[str]]]:
    """Titles with their lines."""
    if lost := [*_nowhere(verdicts)]:
        yield f"{_named('TST001')}: passing tests that request what no route serves", lost
    for code, title in STATEMENTS.items():
        if verdicts.level(code) is not Level.OFF and (lines := [*_places(routes, code)]):
            yield f"{_named(code)}: {title}", lines
    if lines := [*_errors(routes)]:
        yield 'errors for API clients that are not {"error": {"code", "message"}}', lines
    if lines := [*_answers(verdicts)]:
        yield ANSWERS, lines


def _nowhere(verdicts: Verdicts) -> Iterator[str]:
    for finding in verdicts.findings:
        where = f" at {finding.place.path}:{finding.place.line}" if finding.place else ""
        request, status = finding.evidence["request"], finding.evidence["status"]
        yield f"{finding.subject.removeprefix('test ')}: {request} is answered {status}, and nobody looked{where}"
    for judgement in verdicts.not_proved:
        yield f"{judgement.subject.removeprefix('test ')}: not proved: {judgement.reason}"


def _places(routes: Iterable[Route], code: str) -> Iterator[str]:
    for (_, method, rule, _), traffic in routes:
        for note in traffic.notes:
            if note.rule == code:
                yield f"{method} {rule}{f' at {note.place}' if note.place else ''}: {note.statement}"


def _errors(routes: Iterable[Route]) -> Iterator[str]:
    for (_, method, rule, endpoint), traffic in routes:
        if misshapen := traffic.misshapen:
            told = ", ".join(f"{times} {_SHAPES[shape]}" for shape, times in misshapen.items())
            yield f"{method} {rule} {endpoint}: {told}"


_SHAPES = {"json": "JSON of another shape", "html": "HTML", "other": "neither JSON nor HTML"}


def _answers(verdicts: Verdicts) -> Iterator[str]:
    routes = verdicts.routes
    for rule in ANSWER_RULES:
        if routes[rule.code]:
            yield f"{_named(rule.code)}: {_amount(routes[rule.code], 'route')}"


def _first(lines: list[str]) -> Iterator[str]:
    yield from lines[:NOTES]
    if len(lines) > NOTES:
        yield f"and {len(lines) - NOTES} more (--seatrial-passive-json FILE has them all)"


def _named(code: str) -> str:
    rule = rules.find(code)
    return f"{code} {rule.name}" if rule is not None else code


def _amount(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
