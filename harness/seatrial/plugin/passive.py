"""`pytest --seatrial-passive`: what every request of the team's own suite did to the database, in their own process.

It watches and judges nothing: no rule passes or fails by it, and the exit status stays what it was. Whatever goes wrong
in here costs a line of the table, never a test.

Statements count from Flask's signal `request_started` to `request_tearing_down`, and while a streamed body is read.
What Flask does before (a session that is loaded from the database) is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.model.evidence import Limits

if TYPE_CHECKING:
    from seatrial.plugin.traffic import Key, Log, Traffic
    from seatrial.plugin.watching import Watch
    from seatrial.reports.sheet import Sheet

ROUTES = 40
"""Rows of the table; more are counted."""
NOTES = 10


def register(config: pytest.Config) -> None:
    """Begin to watch. Where that is not possible, say so at the end."""
    try:
        from seatrial.plugin.traffic import Log
        from seatrial.plugin.watching import Watch

        watch = Watch(Log(), _limits(config), config.rootpath)
        watch.begin()
    except Exception as error:  # no Flask, a SQLAlchemy that is too old: the suite must run all the same
        config.pluginmanager.register(Unable(error), "seatrial-passive")
        return
    config.add_cleanup(watch.end)
    config.pluginmanager.register(Passive(config, watch), "seatrial-passive")


def _limits(config: pytest.Config) -> Limits:
    """Those of the configuration, where there is one that can be read; passive mode needs none."""
    from seatrial.config import find_root, load
    from seatrial.model.errors import SeatrialError

    try:
        return load(find_root(config.rootpath)).limits
    except SeatrialError:
        return Limits()


class Unable:
    """Takes the place of the recorder where there is nothing to record."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("seatrial: passive")
        terminalreporter.write_line(
            f"no request was recorded ({type(self._error).__name__}: {self._error}): "
            "passive mode needs Flask 2.3 or newer and SQLAlchemy 2 in this environment"
        )


class Passive:
    """The recorder as a plugin of pytest."""

    def __init__(self, config: pytest.Config, watch: Watch) -> None:
        self._config, self._watch = config, watch

    def pytest_runtest_logfinish(self) -> None:
        self._watch.tidy()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """xdist: what a worker has seen."""
        exported = getattr(node, "workeroutput", {}).get("seatrial_passive")
        if exported:
            self._watch.log.merge(exported)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._watch.tidy(everything=True)
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["seatrial_passive"] = self._watch.log.export()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        try:
            show(self._watch.log, terminalreporter)
        except Exception as error:
            terminalreporter.write_line(f"seatrial: the table could not be drawn ({type(error).__name__}: {error})")


def show(log: Log, reporter: pytest.TerminalReporter) -> None:
    """The table, dearest routes first."""
    from rich.text import Text

    from seatrial.plugin import summary
    from seatrial.reports.sheet import Sheet

    page = summary.page()
    sheet = Sheet(summary.console(page, reporter))
    ordered = sorted(log.routes.items(), key=lambda item: (-item[1].largest, item[0]))
    if ordered:
        several = len({key[0] for key in log.routes}) > 1
        rows = [_row(sheet, key, traffic, several) for key, traffic in ordered[:ROUTES]]
        sheet.table((">requests", ">median", ">max", ">slow", "status", "seen", "route"), rows)
    for line in _lines(log, ordered):
        sheet.text(Text(sheet.say(line), style="dim"), 2)
    summary.put(page, reporter, "seatrial: passive")


def _row(sheet: Sheet, key: Key, traffic: Traffic, several: bool) -> list[str]:
    app, method, rule, endpoint = key
    seen = [f"{code} {times}x" for code, times in (("SQL003", traffic.repeats), ("SQL006", traffic.writes)) if times]
    if not traffic.proved:
        seen.append("not proved")
    elif traffic.low:
        seen.append(f"not proved {traffic.low.total()}x")
    statuses = " ".join(str(status) for status in sorted(traffic.statuses))
    name = f"{method} {rule} {endpoint}{f' ({app})' if several else ''}"
    numbers = (traffic.requests, traffic.median, traffic.largest)
    # Below a count that is too low stands the true one.
    shown = [f"{'' if traffic.proved or not number else '≥'}{number}" for number in numbers[1:]]
    return [
        str(traffic.requests),
        *map(sheet.fitting, shown),
        str(traffic.slow) if traffic.slow else "",
        statuses,
        ", ".join(seen),
        sheet.say(name),
    ]


def _lines(log: Log, ordered: Iterable[tuple[Key, Traffic]]) -> Iterable[str]:
    routes = list(ordered)
    requests = sum(traffic.requests for _, traffic in routes)
    for reason, times in log.missed.most_common(3):
        yield f"{times} requests could not be recorded ({reason})"
    if not requests and not log.unserved:
        if not log.missed:
            yield "no request reached a Flask app: the tests call none, or in processes of their own"
        return
    yield f"{requests} requests to {len(routes)} routes; median and max are statements (select and dml) per request"
    if len(routes) > ROUTES:
        yield f"{len(routes) - ROUTES} more routes are not shown"
    if log.unserved:
        yield f"{log.unserved} requests that no route serves"
    notes = [sentence for _, traffic in routes for sentence in traffic.places]
    yield from notes[:NOTES]
    if len(notes) > NOTES:
        yield f"and {len(notes) - NOTES} more repeats and writes"
    if any(traffic.low for _, traffic in routes):
        yield (
            "not proved: sent while an app context was pushed (by the test, or by an outer request), whose session "
            "answers in place of the database; send requests outside of `with app.app_context()`"
        )
