"""`pytest --seatrial-passive`: what every request of the team's own suite did, in their own process.

It watches; of all rules it judges TST001 alone, which is about the tests themselves. The exit status stays what it was
unless `--seatrial-passive-strict` was given. Whatever goes wrong in here costs a line of the report, never a test.

Statements count from Flask's signal `request_started` to `request_tearing_down`, and while a streamed body is read.
What Flask does before (a session that is loaded from the database) is not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import Limits
from seatrial.model.outcomes import ExitCode, Level

if TYPE_CHECKING:
    from seatrial.plugin.watching import Watch


def register(config: pytest.Config) -> None:
    """Begin to watch. Where that is not possible, say so at the end."""
    try:
        from seatrial.plugin.traffic import Log
        from seatrial.plugin.watching import Watch

        limits, levels = _configured(config)
        watch = Watch(Log(), limits, config.rootpath)
        watch.begin()
    except Exception as error:  # no Flask, a SQLAlchemy that is too old: the suite must run all the same
        config.pluginmanager.register(Unable(error), "seatrial-passive")
        return
    config.add_cleanup(watch.end)
    config.pluginmanager.register(Passive(config, watch, levels), "seatrial-passive")


def _configured(config: pytest.Config) -> tuple[Limits, dict[str, Level]]:
    """Limits and levels of the configuration, where there is one that can be read; passive mode needs none."""
    from seatrial.config import find_root, load
    from seatrial.model.errors import SeatrialError

    try:
        settings = load(find_root(config.rootpath))
    except SeatrialError:
        return Limits(), {}
    return settings.limits, {code: Level(level) for code, level in settings.rules.items()}


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

    def __init__(self, config: pytest.Config, watch: Watch, levels: dict[str, Level]) -> None:
        self._config, self._watch, self._levels = config, watch, levels
        self._sentences: list[str] = []

    # ------------------------------------------------------------------ one test
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._watch.strays.test = nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self._watch.strays.passed(report.nodeid)

    def pytest_runtest_logfinish(self) -> None:
        self._watch.tidy()
        self._watch.strays.between_tests()

    # ------------------------------------------------------------------ the end
    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """xdist: what a worker has seen."""
        exported = getattr(node, "workeroutput", {}).get("seatrial_passive")
        if exported:
            self._watch.log.merge(exported)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._watch.tidy(everything=True)
        log = self._watch.log
        log.runs += self._watch.strays.runs()
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["seatrial_passive"] = log.export()
        elif not self._config.option.collectonly:
            try:
                self._conclude(session)
            except Exception as error:
                self._sentences.append(f"the end of passive mode failed ({type(error).__name__}: {error})")

    def _conclude(self, session: pytest.Session) -> None:
        """Once, in the process that has it all: the file, and the exit status where that was asked for."""
        from seatrial.plugin import passive_file
        from seatrial.plugin.verdicts import Verdicts

        verdicts = Verdicts(self._watch.log, self._levels)
        status = ExitCode.PASS
        if self._config.getoption("--seatrial-passive-strict") and verdicts.blocking:
            status = ExitCode.BLOCKED
            self._sentences.append(f"{', '.join(verdicts.blocking)}: the run fails by --seatrial-passive-strict")
        if name := self._config.getoption("--seatrial-passive-json"):
            path = self._config.invocation_params.dir / name
            try:
                passive_file.write(path, self._watch.log, verdicts)
            except ConfigurationError as error:
                status = ExitCode.CONFIGURATION
                self._sentences.append(str(error))
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = int(status)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from seatrial.plugin import passive_sheet
        from seatrial.plugin.verdicts import Verdicts

        try:
            passive_sheet.show(self._watch.log, Verdicts(self._watch.log, self._levels), terminalreporter)
        except Exception as error:
            terminalreporter.write_line(f"seatrial: the table could not be drawn ({type(error).__name__}: {error})")
        for sentence in self._sentences:
            terminalreporter.write_line(f"seatrial: {sentence}")
