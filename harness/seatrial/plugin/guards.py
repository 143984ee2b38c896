"""`pytest --seatrial`: discovery before collection, the guards as items, one result at the end."""

from __future__ import annotations

import base64
import fnmatch
import pickle
import tempfile
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Settings, load
from seatrial.host.run import Run
from seatrial.model.errors import ConfigurationError, SeatrialError
from seatrial.model.findings import Finding
from seatrial.model.inventory import Inventory
from seatrial.model.outcomes import ExitCode
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context, Rule
from seatrial.plugin import collector, guard_fixtures
from seatrial.plugin.guarding import Aim, GuardPlan, Report, Trial
from seatrial.plugin.outcome import Collected, conclude
from seatrial.plugin.stream import Stream
from seatrial.trials.pilot import Pilot, open_run, prepare
from seatrial.verdict import baseline, budgets

GUARDS: pytest.StashKey[Guards] = pytest.StashKey()
_TRIAL: pytest.StashKey[Trial] = pytest.StashKey()
_ARGUMENT = "seatrial/"


class Guards:
    """State of one pytest process that runs guards; registered as a plugin of its own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        config.stash[GUARDS] = self
        config.addinivalue_line("markers", "xdist_group(name): set by Seatrial, one group per host")
        config.pluginmanager.register(guard_fixtures, "seatrial-guard-fixtures")
        collector.announce()
        self.stream = Stream.open(config.getoption("--seatrial-stream"))
        self.collected = Collected()
        self._planned: dict[str, list[tuple[str, str]]] = {}
        self._selected_ids = self._take_arguments()
        self._only = {code.strip().upper() for code in (config.getoption("--seatrial-only") or "").split(",") if code}
        self._pilot: Pilot | None = None
        self.run: Run | None = None
        self.settings: Settings
        self.inventory = Inventory(())
        if not self._is_worker and getattr(config.option, "numprocesses", None) and config.option.dist == "load":
            config.option.dist = "loadgroup"  # two hosts in all, not two per worker

    # ------------------------------------------------------------------ pytest's hooks
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        try:
            if self._is_worker:
                self._join(pickle.loads(base64.b64decode(self.config.workerinput["seatrial"])))  # type: ignore[attr-defined]
            else:
                self._discover()
        except SeatrialError as error:
            self._give_up(error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist: every worker gets the inventory, so that all collect the same items."""
        assert self.run is not None
        shipped = (self.inventory, self.run.template, self.run.databases.recipe(), self.run.token)
        node.workerinput["seatrial"] = base64.b64encode(pickle.dumps(shipped)).decode()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        plan: GuardPlan | None = getattr(metafunc.function, "seatrial_plan", None)
        if plan is not None:
            aims = [aim for aim in plan.over(self.inventory) if self._wanted(aim)]
            metafunc.parametrize("seatrial_trial", aims, indirect=True, ids=[aim.id for aim in aims])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        for item in collector.collect(session):
            plan: GuardPlan = item.function.seatrial_plan  # type: ignore[attr-defined]
            rules = [rule for rule in plan.rules if self.selected(rule)]
            callspec = getattr(item, "callspec", None)
            if not rules or callspec is None or "seatrial_trial" not in callspec.params:
                continue
            if self._selected_ids and not item.nodeid.startswith(tuple(self._selected_ids)):
                continue
            subject = callspec.params["seatrial_trial"].subject
            item.add_marker(pytest.mark.xdist_group(f"seatrial-{plan.profile.value}"))
            self._planned[item.nodeid] = [(rule.code, subject) for rule in rules]
            items.append(item)
        self.stream.send("planned", len(self._planned))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        trial = item.stash.get(_TRIAL, None)
        if report.when == "call" and trial is not None:
            # An attribute of plain text crosses from an xdist worker to its controller with the report.
            report.seatrial = base64.b64encode(pickle.dumps(trial.report)).decode()  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        payload = getattr(report, "seatrial", None)
        if payload is None or self._is_worker:
            return
        brought: Report = pickle.loads(base64.b64decode(payload))
        self.collected.add(brought)
        self.stream.send("report", brought, report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """xdist: what a worker had planned; a worker that died has planned nothing it can tell of."""
        self._planned.update(getattr(node, "workeroutput", {}).get("seatrial_planned", {}))
        if error:
            self.collected.broken.append(f"a pytest worker died: {error}; run without -n to see why")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._is_worker:
            self.config.workeroutput["seatrial_planned"] = self._planned  # type: ignore[attr-defined]
            self._close()
            return
        if self.run is None:
            return
        self.collected.planned = [pair for pairs in self._planned.values() for pair in pairs]
        self.collected.files_written = self.run.files_written()
        self._close()
        if self.stream.active:
            self.stream.send("end", self.collected.planned, self.collected.files_written)
            return
        filtered = self._only or self._selected_ids or self.config.getoption("--seatrial-route")
        result = conclude(self.settings, self.inventory, self.collected, whole=not filtered)
        self.collected.result = result
        # The team's own failures (1) and pytest's own trouble stay what they are.
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = int(result.exit_code)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        result = self.collected.result
        if result is None:
            return
        terminalreporter.section("seatrial")
        from seatrial.reports.terminal import summary_lines

        for line in summary_lines(result):
            terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        self._close()

    # ------------------------------------------------------------------ for fixtures
    def trial(self, aim: Aim, item: pytest.Item) -> Trial:
        made = Trial(
            aim,
            self.pilot,
            self._context,
            self._budgets.of,
            dict(self.settings.rules),
            self._take_known,
            self.selected,
        )
        item.stash[_TRIAL] = made
        return made

    def pilot(self) -> Pilot:
        assert self.run is not None
        if self._pilot is None:
            self._pilot = Pilot(self.run)
        return self._pilot

    def selected(self, rule: Rule) -> bool:
        """Whether a rule is neither switched off nor left out by --seatrial-only."""
        if self.settings.rules.get(rule.code) == "off":
            return False
        return not self._only or bool(self._only & {rule.code, rule.family})

    # ------------------------------------------------------------------ inside
    @property
    def _is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    def _settings(self) -> Settings:
        root = Path(self.config.getoption("--seatrial-target") or self.config.rootpath)
        file = self.config.getoption("--seatrial-config")
        settings = load(root, Path(file) if file else None)
        self._known: Counter[str] = Counter()
        for entry in baseline.load(settings.state_folder / "baseline.tsv").entries.values():
            self._known[entry.fingerprint] += entry.count
        self._budgets = budgets.load(settings.state_folder / "budgets.tsv")
        self._context = Context(limits=settings.limits, environment=settings.environment, hot=frozenset(settings.hot))
        return settings

    def _discover(self) -> None:
        self.settings = self._settings()
        self.run = open_run(self.settings, lambda text: self.stream.send("stage", text))
        workers = bool(getattr(self.config.option, "numprocesses", None))
        profiles = (Profile.PROTECTION,) if workers else (Profile.PROTECTION, Profile.SWEEP)
        self.inventory = prepare(self.run, *profiles)
        self.collected.facts = Pilot(self.run).facts()
        if workers:
            self.run.stop(Profile.PROTECTION)  # the workers have hosts of their own
        self.stream.send("target", self.inventory, self.collected.facts, self.run.databases.description)

    def _join(self, shipped: tuple[Inventory, str, Any, str]) -> None:
        self.inventory, template, recipe, _ = shipped
        self.settings = self._settings()
        self.run = open_run(self.settings)
        self.run.join(template, recipe)

    def _give_up(self, error: SeatrialError) -> None:
        self._close()
        self.stream.send("error", error)
        mistakes = error.mistakes if isinstance(error, ConfigurationError) else (str(error),)
        lines = [f"seatrial: {mistake}" for mistake in mistakes]
        self.collected.gave_up = ExitCode(error.exit_code)
        pytest.exit("\n".join(lines), returncode=int(error.exit_code))

    def _wanted(self, aim: Aim) -> bool:
        glob = self.config.getoption("--seatrial-route")
        if not glob or aim.route is None:
            return not glob
        return fnmatch.fnmatchcase(f"{aim.route.method} {aim.route.rule}", glob) or fnmatch.fnmatchcase(
            aim.route.rule, glob
        )

    def _take_known(self, finding: Finding) -> bool:
        """Use up one entry of the baseline: three equal findings need a count of three."""
        fingerprint = finding.fingerprint
        if self._known[fingerprint] <= 0:
            return False
        self._known[fingerprint] -= 1
        return True

    def _take_arguments(self) -> list[str]:
        """Ids of guards on the command line are ours; without any other path only guards run."""
        config = self.config
        if self._is_worker:
            return list(config.option.seatrial_ids or ())
        given = config.args_source is pytest.Config.ArgsSource.ARGS
        ours = [argument for argument in config.args if argument.startswith(_ARGUMENT)] if given else []
        rest = [argument for argument in config.args if not argument.startswith(_ARGUMENT)] if given else []
        config.option.seatrial_ids = ours
        config.args = rest or [tempfile.mkdtemp(prefix="seatrial-empty-")]
        self._empty = None if rest else Path(config.args[0])
        return ours

    def _close(self) -> None:
        if self.run is not None:
            self.run.close()
        empty = getattr(self, "_empty", None)
        if empty is not None and empty.is_dir():
            empty.rmdir()
