"""What the guards of one process work with: settings, inventory, hosts, baseline and budgets. Knows no pytest."""

from __future__ import annotations

import base64
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial import rules
from seatrial.config import Settings, find_root, load
from seatrial.database import Recipe
from seatrial.host.run import Run
from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import AppFacts
from seatrial.model.findings import Finding
from seatrial.model.inventory import Inventory
from seatrial.model.profiles import Profile
from seatrial.model.rules import NO_GUARD, Context, Rule
from seatrial.plugin.aims import Aim
from seatrial.trials.opening import open_run, prepare
from seatrial.verdict import baseline, budgets

if TYPE_CHECKING:  # imported by `prepare`, while the hosts start
    from seatrial.plugin.guarding import Trial
    from seatrial.trials.pilot import Pilot


@dataclass(frozen=True, slots=True)
class Shipment:
    """What an xdist worker needs in place of a discovery of its own."""

    settings: Settings
    inventory: Inventory
    facts: AppFacts
    recipe: Recipe
    time_budget_s: float | None = None
    fault: str = ""

    def pack(self) -> str:
        return base64.b64encode(pickle.dumps(self)).decode()

    @classmethod
    def unpack(cls, text: str) -> Shipment:
        shipment: Shipment = pickle.loads(base64.b64decode(text))
        return shipment


class State:
    """Owns the run; `close` leaves nothing behind."""

    def __init__(self, settings: Settings, only: str, *, time_budget_s: float | None = None, fault: str = "") -> None:
        """`time_budget_s` and `fault` (`EVENT/ID`) are for the trials of faults.

        Raises ConfigurationError when the baseline or the budgets are damaged, or `only` names no rule.
        """
        self.settings = settings
        self.inventory = Inventory(())
        self.facts: AppFacts | None = None
        self.only = _codes(only)
        self.time_budget_s, self.fault = time_budget_s, fault
        self.faults_expected = 0
        self._known: Counter[str] = Counter()
        for entry in baseline.load(settings.state_folder / "baseline.tsv").entries.values():
            self._known[entry.fingerprint] += entry.count
        self._budgets = budgets.load(settings.state_folder / "budgets.tsv")
        self._context = Context(limits=settings.limits, environment=settings.environment, hot=frozenset(settings.hot))
        self._run: Run | None = None
        self._pilot: Pilot | None = None

    @classmethod
    def configured(
        cls, start: Path, file: Path | None, only: str, *, time_budget_s: float | None = None, fault: str = ""
    ) -> State:
        """Raises ConfigurationError with every mistake of the configuration."""
        root = start if file is not None else find_root(start)
        settings = load(root, file, rule_codes=[rule.code for rule in rules.registered()])
        return cls(settings, only, time_budget_s=time_budget_s, fault=fault)

    @classmethod
    def joined(cls, shipment: Shipment, only: str, worker: str) -> State:
        """Of an xdist worker: hosts of its own, on clones of what the controller has prepared."""
        state = cls(shipment.settings, only, time_budget_s=shipment.time_budget_s, fault=shipment.fault)
        state.inventory, state.facts = shipment.inventory, shipment.facts
        state._run = open_run(shipment.settings)
        state._run.join(shipment.recipe, worker)
        return state

    def discover(self, progress: Callable[[str], None], *, for_workers: bool) -> None:
        """Find out what there is to try.

        Raises:
            ConfigurationError: The app cannot be built, seeded or logged in to.
        """
        self._run = open_run(self.settings, progress)
        # Workers bring hosts of their own: then one is started for what is the same in all, and ended.
        profiles = (Profile.PROTECTION,) if for_workers else (Profile.PROTECTION, Profile.SWEEP)
        self.inventory = prepare(self._run, *profiles)
        self.facts = self.pilot().facts()
        if for_workers:
            self._run.stop(Profile.PROTECTION)
            self._pilot = None

    def ship(self) -> Shipment:
        assert self._run is not None
        assert self.facts is not None
        return Shipment(self.settings, self.inventory, self.facts, self._run.recipe(), self.time_budget_s, self.fault)

    @property
    def database(self) -> str:
        return self._run.databases.description if self._run is not None else ""

    def trial(self, aim: Aim) -> Trial:
        from seatrial.plugin.guarding import Trial

        return Trial(
            aim,
            self.pilot,
            self._facts_of,
            self._context,
            self._budgets.of,
            dict(self.settings.rules),
            self._take_known,
            self.selected,
            self.fault.rpartition("/")[2],
        )

    def pilot(self) -> Pilot:
        from seatrial.trials.pilot import Pilot

        assert self._run is not None
        if self._pilot is None:
            self._pilot = Pilot(self._run, self.time_budget_s)
            self._pilot.faults.allowance.expected = self.faults_expected
        return self._pilot

    def expect_faults(self, number: int) -> None:
        """How many trials of faults will share the time budget."""
        self.faults_expected = number
        if self._pilot is not None:
            self._pilot.faults.allowance.expected = number

    def selected(self, rule: Rule) -> bool:
        """Whether a rule is neither switched off nor left out by --seatrial-only."""
        if self.settings.rules.get(rule.code) == "off":
            return False
        return not self.only or bool(self.only & {rule.code, rule.family})

    def files_written(self) -> list[str]:
        """What the app wrote beside itself, in its working copies."""
        return self._run.files_written() if self._run is not None else []

    def close(self) -> None:
        """End the hosts, drop the databases. Safe to call twice. Raises BrokenError that names what is left."""
        run, self._run = self._run, None
        if run is not None:
            run.close()

    def _facts_of(self, profile: Profile) -> AppFacts:
        """Of the app as in production they are the same in every process: those of the discovery."""
        if profile is Profile.PROTECTION and self.facts is not None:
            return self.facts
        return self.pilot().facts(profile)

    def _take_known(self, finding: Finding) -> bool:
        """Use up one entry of the baseline: three equal findings need a count of three."""
        fingerprint = finding.fingerprint
        if self._known[fingerprint] <= 0:
            return False
        self._known[fingerprint] -= 1
        return True


def _codes(text: str) -> frozenset[str]:
    wanted = frozenset(code.strip().upper() for code in text.split(",") if code.strip())
    if wanted == {NO_GUARD}:
        return wanted
    planned = [rule for rule in rules.registered() if not rule.passive and not rule.static and not rule.command]
    families = {rule.family for rule in planned}
    of_source = {name for rule in rules.registered() if rule.static for name in (rule.code, rule.family)}
    if named := sorted(wanted & of_source):
        raise ConfigurationError(
            f"--seatrial-only: {', '.join(named)} is judged on the source alone: run seatrial check --only {named[0]}"
        )
    if unknown := sorted(wanted - families - {rule.code for rule in planned}):
        raise ConfigurationError(
            f"--seatrial-only: {', '.join(unknown)} is no rule family and no rule; "
            f"there are {', '.join(sorted(families))} (`seatrial rules` lists the rules)"
        )
    return wanted
