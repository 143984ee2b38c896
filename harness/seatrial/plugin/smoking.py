"""`pytest --seatrial-smoke URL`: the post-deploy suite as tests. Each deployment is smoked once; a test is a family."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial import suites
from seatrial.model.errors import SeatrialError
from seatrial.model.findings import Finding, Judgement
from seatrial.model.outcomes import Level, Outcome
from seatrial.plugin.collector import SMOKE_PACKAGE, GuardModule, keep_own_fixtures

if TYPE_CHECKING:
    from seatrial.smoke.course import Smoked
    from seatrial.smoke.plan import Plan

FOLDER = "seatrial-smoke/"
SHOWN = 10
"""Findings that a failure lists."""


class SmokeWarning(UserWarning):
    """A finding that does not block: the deployment is degraded."""


class SmokeModule(GuardModule):
    """A module of the suite under a private name."""

    def _getobj(self) -> types.ModuleType:
        return importlib.import_module(f"{SMOKE_PACKAGE}.{self.path.stem}")


def register(config: pytest.Config) -> None:
    """When pytest configures itself: what is to be asked is planned, and nothing is asked yet."""
    alone = config.args_source is not pytest.Config.ArgsSource.ARGS
    if alone:
        config.args = []
        config.args_source = pytest.Config.ArgsSource.ARGS
    try:
        config.pluginmanager.register(SmokeSuite(config), "seatrial-smoke")
    except SeatrialError as error:
        raise pytest.UsageError(str(error)) from None


class SmokeSuite:
    """Collects the suite for every address."""

    def __init__(self, config: pytest.Config) -> None:
        from seatrial.config import exported
        from seatrial.config.deployed import load_deployed
        from seatrial.smoke.plan import Wishes, plan

        file = config.getoption("--seatrial-config")
        deployed = load_deployed(config.rootpath, Path(file).resolve() if file else None)
        routes = config.getoption("--seatrial-smoke-routes")
        inventory = exported.read(Path(routes)) if routes else None
        urls = dict.fromkeys(config.getoption("--seatrial-smoke"))
        self.smokings = [Smoking(plan(url, deployed, inventory, Wishes()), dict(deployed.rules)) for url in urls]
        self._items: list[pytest.Item] = []
        pytest.register_assert_rewrite(SMOKE_PACKAGE)
        package = types.ModuleType(SMOKE_PACKAGE)
        package.__path__ = [str(suites.path("smoke"))]
        sys.modules[SMOKE_PACKAGE] = package

    @pytest.fixture(name="seatrial_smoked")
    def smoked(self, request: pytest.FixtureRequest) -> Smoking:
        """One deployment; the first test that asks for it smokes it."""
        found: Smoking = request.param
        return found

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if metafunc.module.__name__.startswith(f"{SMOKE_PACKAGE}."):
            hosts = [smoking.plan.base.netloc for smoking in self.smokings]
            metafunc.parametrize("seatrial_smoked", self.smokings, indirect=True, ids=hosts)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        for path in sorted(suites.path("smoke").glob("test_*.py")):
            module = SmokeModule.from_parent(session, path=path, name=path.stem, nodeid=f"{FOLDER}{path.name}")
            for item in session.genitems(module):
                keep_own_fixtures(item)
                self._items.append(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.extend(self._items)


class Smoking:
    """One deployment, smoked when somebody asks."""

    def __init__(self, plan: Plan, levels: dict[str, Level]) -> None:
        self.plan, self.levels = plan, levels
        self._found: Smoked | None = None

    @property
    def found(self) -> Smoked:
        if self._found is None:
            from seatrial.smoke.run import smoke

            self._found = smoke(self.plan)
        return self._found

    def holds(self, *wanted: str) -> None:
        """Fail with what blocks of these codes or families, warn of what warns, skip where nothing was proved."""
        __tracebackhide__ = True
        from seatrial.verdict.verdict import relevel

        judgements = [judged for judged in self.found.judgements if judged.rule.startswith(wanted)]
        findings = relevel((finding for judged in judgements for finding in judged.findings), self.levels)
        blocking = [finding for finding in findings if finding.level is Level.BLOCK]
        if blocking:
            pytest.fail(_listed(blocking), pytrace=False)
        for finding in findings:
            if finding.level is Level.WARN:
                warnings.warn(SmokeWarning(f"{finding.rule} {finding.subject}: {finding.message}"), stacklevel=2)
        if not any(judged.outcome in (Outcome.PASS, Outcome.FAIL) for judged in judgements):
            pytest.skip(self._why(judgements))

    def _why(self, judgements: list[Judgement]) -> str:
        return next((judged.reason for judged in judgements if judged.reason), self.found.why or "nothing was asked")


def _listed(findings: list[Finding]) -> str:
    lines = [f"{finding.rule} {finding.subject}: {finding.message}" for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"and {len(findings) - SHOWN} more")
    return "\n".join([*lines, f"the way out: {findings[0].remedy} (seatrial explain {findings[0].rule})"])
