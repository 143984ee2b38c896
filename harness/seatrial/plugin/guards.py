"""`pytest --seatrial`: discovery before the session, the guards as items, one result at the end."""

from __future__ import annotations

import base64
import fnmatch
import pickle
import sys
import time
from collections.abc import Generator, Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from seatrial.model.errors import ConfigurationError, SeatrialError
from seatrial.model.outcomes import ExitCode
from seatrial.model.report import Report
from seatrial.plugin import collector, guard_fixtures, overrides
from seatrial.plugin.aims import Aim, breaks_with
from seatrial.plugin.arguments import Arguments, take
from seatrial.plugin.replaying import Replay
from seatrial.plugin.state import Shipment, State
from seatrial.plugin.stream import Stream
from seatrial.verdict.outcome import Collected, conclude

if TYPE_CHECKING:
    from seatrial.plugin.guarding import GuardPlan, Trial

GUARDS: pytest.StashKey[Guards] = pytest.StashKey()
_TRIAL: pytest.StashKey[Trial] = pytest.StashKey()

# Options of pytest's that answer a question and run nothing.
_QUESTIONS = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")


def prepare(config: pytest.Config) -> int | None:
    """Before the session: configuration and discovery. What a person can mend is told in sentences and ends the run."""
    if _is_worker(config) or any(getattr(config.option, name, None) for name in _QUESTIONS):
        return None
    guards = Guards(config)
    config.stash[GUARDS] = guards
    config.add_cleanup(guards.close)
    try:
        guards.discover()
    except SeatrialError as error:
        return guards.give_up(error)
    except KeyboardInterrupt:
        sys.stderr.write("seatrial: interrupted; nothing was changed\n")
        return int(ExitCode.INTERRUPTED)
    return None


def register(config: pytest.Config) -> None:
    """When pytest configures itself; after `prepare`, which an xdist worker does without."""
    if _is_worker(config):
        config.stash[GUARDS] = Guards(config)
        config.stash[GUARDS].join(Shipment.unpack(config.workerinput["seatrial"]))  # type: ignore[attr-defined]
    if GUARDS in config.stash:
        config.stash[GUARDS].enlist()


class Guards:
    """State of one pytest process that runs guards; registered as a plugin of its own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.collected = Collected()
        self.stream = Stream.open(config.getoption("--seatrial-stream"))
        self._arguments = Arguments()
        self._state: State | None = None
        self._items: list[pytest.Item] = []
        self._reports: dict[str, Report] = {}
        self._interrupted = False
        wanted = config.option.seatrial_replay
        self._replay = Replay.parse(wanted) if wanted else None
        self._started = time.monotonic()

    # ------------------------------------------------------------------ before the session
    def discover(self) -> None:
        """Raises SeatrialError when there is nothing that can be tried."""
        option = self.config.option
        file = option.seatrial_config
        start = Path(option.seatrial_target or self.config.rootpath)
        self._state = State.configured(
            start,
            Path(file) if file else None,
            option.seatrial_only or "",
            time_budget_s=option.seatrial_time_budget,
            fault=option.seatrial_fault or "",
        )
        if self.stream.active:
            overrides.load(self._state.settings)
        # As xdist itself tells: it has read -n by now, and distributes nothing that is only collected.
        distributed = getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None))
        distributed = distributed and not option.collectonly
        state = self._state
        state.discover(lambda text: self.stream.send("stage", text), for_workers=distributed)
        self.collected.facts, self.collected.database = state.facts, state.database
        self.stream.send("target", state.inventory, state.facts, state.database)

    def join(self, shipment: Shipment) -> None:
        """In an xdist worker."""
        worker: str = self.config.workerinput["workerid"]  # type: ignore[attr-defined]
        self._state = State.joined(shipment, self.config.option.seatrial_only or "", worker)
        self.config.add_cleanup(self.close)

    def give_up(self, error: SeatrialError) -> int:
        self.stream.send("error", error)
        mistakes = error.mistakes if isinstance(error, ConfigurationError) else (str(error),)
        sys.stderr.write("".join(f"seatrial: {mistake}\n" for mistake in mistakes))
        return int(error.exit_code)

    def enlist(self) -> None:
        config = self.config
        self._arguments = take(config)
        collector.announce()
        config.pluginmanager.register(guard_fixtures, "seatrial-guard-fixtures")
        if self.stream.active:
            overrides.register(config)
        if self._arguments.alone and config.pluginmanager.has_plugin("_cov"):
            # The guards run the app in processes of their own: what pytest-cov would see of it here is nothing, and
            # `--cov-fail-under` in addopts would fail them for that.
            config.pluginmanager.unregister(name="_cov")
        config.pluginmanager.register(self, "seatrial-guards")

    @property
    def state(self) -> State:
        assert self._state is not None
        return self._state

    # ------------------------------------------------------------------ collection
    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist: every worker gets the inventory, so that all collect the same items."""
        node.workerinput["seatrial"] = self.state.ship().pack()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        from seatrial.plugin import scheduling

        return scheduling.scheduler(config, log, {item.nodeid: _profile(item) for item in self._items})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Plan before anybody else's hook sees an item; a controller of xdist plans, too, and collects nothing."""
        found = [item for item in collector.collect(session) if self._planned(item)]
        if unknown := self._arguments.unknown([item.nodeid for item in found]):
            raise pytest.UsageError(
                *(f"there is no guard {nodeid}" for nodeid in unknown),
                "see them all with: pytest --seatrial --collect-only -q",
            )
        self._items = [item for item in found if self._arguments.wants(item.nodeid)]
        if self._replay is not None:
            plan = {item.nodeid: self._planned(item) for item in self._items}
            root, subject = self.state.settings.root, self.config.option.seatrial_subject or ""
            wanted = set(self._replay.narrow(plan, root, subject))
            self._items = [item for item in self._items if item.nodeid in wanted]
            self.state.only = self._replay.rules
            self.stream.send("replaying", self._replay.means)
        self.collected.plan = {item.nodeid: self._planned(item) for item in self._items}
        self.state.expect_faults(sum(_breaks(item) for item in self._items))
        self.stream.send("planned", self.collected.plan)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        plan: GuardPlan | None = getattr(metafunc.function, "seatrial_plan", None)
        if plan is not None and metafunc.module.__name__.startswith(f"{collector.PACKAGE}."):
            aims = [aim for aim in plan.over(self.state.inventory) if self._wanted(aim)]
            if aims:  # an empty set would become an item that is skipped, or an error, as the target's settings say
                metafunc.parametrize("seatrial_trial", aims, indirect=True, ids=collector.ids(aims))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and report.nodeid.startswith(collector.FOLDER) and not self.collected.plan:
            self.collected.broken.append(f"{report.nodeid} could not be collected: {_last_line(report)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.extend(self._items)

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            self._did_not_run(item.nodeid, "deselected (by -k, -m, --lf or a plugin)")

    def _planned(self, item: pytest.Item) -> tuple[tuple[str, str], ...]:
        """(rule, subject) of everything that an item is to judge; empty where nothing of it is selected."""
        plan: GuardPlan | None = getattr(getattr(item, "function", None), "seatrial_plan", None)
        callspec = getattr(item, "callspec", None)
        if plan is None or callspec is None:
            return ()
        subject = callspec.params["seatrial_trial"].subject
        return tuple((rule.code, subject) for rule in plan.rules if self.state.selected(rule))

    def _wanted(self, aim: Aim) -> bool:
        fault = self.state.fault
        if fault and not breaks_with(aim, fault):
            return False
        glob = self.config.getoption("--seatrial-route")
        if not glob:
            return True
        if aim.hook is not None:
            return any(fnmatch.fnmatchcase(name, glob) for name in (f"POST {aim.hook.path}", aim.hook.path))
        if aim.route is None:
            return False
        return any(fnmatch.fnmatchcase(name, glob) for name in (f"{aim.route.method} {aim.route.rule}", aim.route.rule))

    # ------------------------------------------------------------------ running
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """A test module of the team's that cannot be imported ends their part of the run, not ours."""
        option = self.config.option
        ends = session.testsfailed and not option.continue_on_collection_errors and not option.collectonly
        if not ends or _is_worker(self.config) or self.config.pluginmanager.has_plugin("dsession"):
            return
        ours = [item for item in session.items if item.nodeid in self.collected.plan]
        for item, following in zip(ours, chain(ours[1:], [None]), strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """What was looked for has been seen: nothing more is asked of the app."""
        return True if self._replay is not None and self._replay.seen else None

    def trial(self, aim: Aim, item: pytest.Item) -> Trial:
        """For the fixture."""
        item.stash[_TRIAL] = self.state.trial(aim)
        return item.stash[_TRIAL]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        trial = item.stash.get(_TRIAL, None)
        if report.when == "call" and trial is not None:
            # An attribute of plain text crosses from an xdist worker to its controller with the report.
            report.seatrial = base64.b64encode(pickle.dumps(trial.report)).decode()  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        nodeid = report.nodeid
        if _is_worker(self.config) or nodeid not in self.collected.plan:
            return
        payload = getattr(report, "seatrial", None)
        if payload is not None:
            brought: Report = pickle.loads(base64.b64decode(payload))
            if self._replay is not None:
                self._replay.note(brought)
            self._reports[nodeid] = brought  # the last one counts, where a plugin runs an item again
            self.stream.send("report", nodeid, brought)
        elif report.failed:
            self.collected.broken.append(f"{nodeid} could not be run: {_last_line(report)}")
        elif report.skipped:
            self._did_not_run(nodeid, f"skipped by the project's own pytest: {_skip_reason(report)}")

    def _did_not_run(self, nodeid: str, why: str) -> None:
        if nodeid in self.collected.plan:
            self.collected.unrun[nodeid] = why

    # ------------------------------------------------------------------ the end
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest's own word for "errors during collection" and the like is an interrupt, too.
        self._interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """xdist: what a worker has to say beside its reports, or that it died."""
        told: dict[str, Any] = getattr(node, "workeroutput", {}).get("seatrial", {})
        self.collected.unrun.update(told.get("unrun", {}))
        self.collected.files_written += told.get("files", ())
        self.collected.broken += told.get("broken", ())
        if error and not self._interrupted:
            self.collected.broken.append(f"a pytest worker died ({error}): run without -n to see why")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        collected = self.collected
        collected.files_written = sorted({*collected.files_written, *self.state.files_written()})
        try:
            self.state.close()
        except SeatrialError as error:
            collected.broken.append(str(error))
        if _is_worker(self.config):
            self.config.workeroutput["seatrial"] = {  # type: ignore[attr-defined]
                "unrun": collected.unrun,
                "files": collected.files_written,
                "broken": collected.broken,
            }
            return
        if self.stream.active:
            self.stream.send("end", int(session.exitstatus), collected.unrun, collected.broken, collected.files_written)
        elif self._concludes(int(session.exitstatus)):
            self._conclude(session)

    def _concludes(self, status: int) -> bool:
        """Not where nothing was meant to run, nor where pytest itself gave up: that may not touch any file."""
        crashed = status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
        return not (self._interrupted or crashed or self.config.option.collectonly)

    def _conclude(self, session: pytest.Session) -> None:
        collected, state = self.collected, self.state
        for nodeid in collected.plan:  # in this order, whichever worker was the faster
            if nodeid in self._reports:
                collected.add(nodeid, self._reports[nodeid])
        collected.elapsed_s = time.monotonic() - self._started
        filtered = state.only or self._arguments.ids or self.config.getoption("--seatrial-route") or state.fault
        try:
            result = conclude(state.settings, state.inventory, collected, whole=not filtered)
        except SeatrialError as error:
            session.exitstatus = self.give_up(error)
            return
        collected.result = result
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) or (
            # A guard that broke has failed for pytest; for the verdict that is worse than a finding.
            session.exitstatus == pytest.ExitCode.TESTS_FAILED and result.exit_code is ExitCode.BROKEN
        ):
            session.exitstatus = int(result.exit_code)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.collected.result is not None:
            from seatrial.plugin import summary

            summary.show(self.collected.result, terminalreporter)
        elif self.collected.plan and not self.config.option.collectonly and not self.stream.active:
            terminalreporter.section("seatrial")
            terminalreporter.write_line("the run ended early: nothing is proved, and no file was changed")

    def close(self) -> None:
        """Whatever ended pytest. Reports nothing: there is nobody left to tell."""
        if self._state is not None:
            try:
                self._state.close()
            except SeatrialError as error:
                sys.stderr.write(f"seatrial: {error}\n")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _breaks(item: pytest.Item) -> bool:
    """Whether an item is a trial of faults, which takes its part of the time budget."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and bool(callspec.params["seatrial_trial"].family)


def _profile(item: pytest.Item) -> str:
    plan: GuardPlan = item.function.seatrial_plan  # type: ignore[attr-defined]
    return plan.profile.value


def _last_line(report: pytest.CollectReport | pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and str(crash.message).strip():
        return str(crash.message).strip().splitlines()[0][:200]
    lines = [line.strip() for line in str(report.longreprtext).splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no reason was given"


def _skip_reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return _last_line(report)
