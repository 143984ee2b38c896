"""From what the guards brought home to one result: shared by `pytest --seatrial` and `seatrial check`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.config import Settings, hide, secrets
from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import AppFacts, Exchange, OutboundCall
from seatrial.model.findings import Check, Finding, Judgement, Place
from seatrial.model.inventory import BUILT_IN_SKIP, Inventory
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.model.report import Report
from seatrial.model.result import Result, RouteRow, ToolRun
from seatrial.model.sessions import logs_out
from seatrial.verdict import baseline, budgets, coverage
from seatrial.verdict.renames import renames
from seatrial.verdict.verdict import decide, reconcile, relevel

Pairs = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Collected:
    """Everything that one run of the guards (and tools) found, before baseline and verdict."""

    plan: dict[str, Pairs] = field(default_factory=dict)
    """(rule, subject) of what each guard item is to judge, by the item's id."""
    unrun: dict[str, str] = field(default_factory=dict)
    """Why an item did not run, where that is known."""
    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: list[RouteRow] = field(default_factory=list)
    visits: list[Exchange] = field(default_factory=list)
    outbound: list[OutboundCall] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    facts: AppFacts | None = None
    inconclusive: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    partial: set[str] = field(default_factory=set)
    """Rules that could not be asked of everything: what they did not meet may still be there."""
    coverage: dict[str, tuple[int, int]] = field(default_factory=dict)
    """(typed, callables) of each service layer."""
    files_written: list[str] = field(default_factory=list)
    database: str = ""
    elapsed_s: float = 0.0
    result: Result | None = None
    _reported: set[str] = field(default_factory=set)

    def add(self, nodeid: str, report: Report) -> None:
        """What one item brought home."""
        self._reported.add(nodeid)
        # A rule about the whole app says itself what of the app it judged (`config SECRET_KEY`).
        subjects = {check.rule: check.subject for check in report.checks}
        self.plan[nodeid] = tuple((rule, subjects.get(rule, subject)) for rule, subject in self.plan.get(nodeid, ()))
        self.checks += report.checks
        self.findings += report.findings
        self.rows += report.rows
        self.visits += report.visits
        self.outbound += report.outbound
        if report.inconclusive and report.inconclusive not in self.inconclusive:
            self.inconclusive.append(report.inconclusive)
        if report.broken and report.broken not in self.broken:
            self.broken.append(report.broken)

    @property
    def planned(self) -> list[tuple[str, str]]:
        """(rule, subject) of everything that was to be judged."""
        return [pair for pairs in self.plan.values() for pair in pairs]

    def take(self, planned: Pairs, judgements: Iterable[Judgement]) -> None:
        """What rules said without a guard."""
        self.plan["static"] = planned
        self._reported.add("static")
        for judgement in judgements:
            self.checks.append(judgement.check)
            self.findings += judgement.findings

    def reconciled(self) -> list[Check]:
        """The checks, and for each planned one that did not run one that is not proved and says why."""
        lost = [
            Check(rule, subject, Outcome.NOT_PROVED, f"planned, but did not run: {self.unrun[nodeid]}")
            for nodeid, pairs in self.plan.items()
            if nodeid not in self._reported and nodeid in self.unrun
            for rule, subject in pairs
        ]
        return reconcile(self.planned, [*self.checks, *lost])


def in_ci() -> bool:
    """CI systems set CI to something other than an empty word, 0 or false."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def conclude(
    settings: Settings,
    inventory: Inventory | None,
    collected: Collected,
    *,
    whole: bool = True,
    strict_proof: bool = False,
    ci: bool | None = None,
) -> Result:
    """Hold what was found against baseline and budgets, let both shrink where they may, and decide.

    `whole`: nothing was filtered out, so a subject that was not met does not exist any more.

    Raises:
        ConfigurationError: Baseline or budgets are damaged.
    """
    ci = in_ci() if ci is None else ci
    levels = dict(settings.rules)
    checks = collected.reconciled()
    unrun = len(checks) - len(collected.checks)
    secret = secrets(settings)
    findings = [replace(f, message=hide(f.message, secret)) for f in relevel(collected.findings, levels)]
    known = baseline.load(settings.state_folder / "baseline.tsv")
    complete = whole and not collected.inconclusive and not collected.broken and not unrun
    finished = baseline.Finished.of(
        checks,
        collected.tools,
        whole={rule for rule, _ in collected.planned} - collected.partial if complete else (),
        levels=levels,
    )
    renamed = renames(settings.root) if known.entries else {}
    judged, stale = baseline.apply(known, findings, finished, renames=renamed)
    settled = baseline.settle(known, stale, ci=ci)
    spent = budgets.load(settings.state_folder / "budgets.tsv")
    result = Result(
        target=_target(settings, inventory, collected),
        findings=judged,
        checks=checks,
        routes=collected.rows,
        tools=collected.tools,
        stale=list(settled.stale),
        pruned=settled.pruned,
        notes=[*_notes(inventory, collected), *collected.notes],
        broken=list(collected.broken),
        inconclusive=[*collected.inconclusive, *_unrun(unrun, collected)],
        homes=_homes(inventory),
        configuration=_configuration(settings),
        elapsed_s=round(collected.elapsed_s, 3),
    )
    lowered = spent
    if inventory is not None and complete:
        kept = budgets.settle(spent, inventory, ci=ci)
        result.stale += kept.stale
        result.pruned += kept.pruned
        lowered = kept.budgets
    if not ci:
        fallen = budgets.lower(lowered, collected.visits)
        if fallen.subjects:
            result.notes.append(f"budgets fell to what was measured: {_some(fallen.subjects)}")
        _keep(result, lambda: budgets.save(settings.state_folder / "budgets.tsv", fallen.budgets))
        floors = coverage.risen(coverage.load(settings.state_folder / "coverage.tsv"), collected.coverage)
        _keep(result, lambda: coverage.save(settings.state_folder / "coverage.tsv", floors))
        versions = {tool.name: tool.version for tool in collected.tools if tool.version}
        _keep(result, lambda: baseline.save(settings.state_folder / "baseline.tsv", settled.baseline, tools=versions))
    result.exit_code = decide(result, strict_proof=strict_proof)
    return result


def _unrun(number: int, collected: Collected) -> Iterator[str]:
    """Whatever the settings say of proof: a run that left out what it had planned has not passed."""
    if number and not collected.broken:
        checks = "1 planned check" if number == 1 else f"{number} planned checks"
        yield f"{checks} did not run; `seatrial check` runs them without the project's own pytest settings and hooks"


def _keep(result: Result, save: Callable[[], bool]) -> None:
    """A read-only checkout costs the shrinking, not the verdict."""
    try:
        save()
    except ConfigurationError as error:
        result.notes.append(str(error))


def _target(settings: Settings, inventory: Inventory | None, collected: Collected) -> dict[str, Any]:
    facts = collected.facts
    return {
        "app": settings.app,
        "root": settings.root.name,
        "environment": settings.environment,
        "profiles": [profile.value for profile in Profile] if inventory else [],
        "database": collected.database,
        "routes": len(inventory.routes) if inventory else 0,
        "identities": list(inventory.identities) if inventory else [],
        "protections": [
            {"name": p.name, "library": p.library, "active": p.active, "switched_off_by": p.switched_off_by}
            for p in (facts.protections if facts else ())
        ],
    }


def _configuration(settings: Settings) -> str:
    """A file elsewhere is told by its name: a report has no place outside of the project."""
    inside = settings.file.is_relative_to(settings.root)
    return settings.file.relative_to(settings.root).as_posix() if inside else settings.file.name


def _homes(inventory: Inventory | None) -> dict[str, Place]:
    """Where the view of each route stands, and of each webhook."""
    found: dict[str, Place] = {}
    for route in inventory.routes if inventory else ():
        if route.module_path:
            home = Place(route.module_path, max(route.line, 1))
            found[route.key] = home
            if not route.safe:
                found.setdefault(f"webhook {route.rule}", home)
            if route.blueprint:
                found.setdefault(f"blueprint {route.blueprint}", home)
    return found


def _notes(inventory: Inventory | None, collected: Collected) -> Iterator[str]:
    if inventory is not None:
        yield from inventory.notes
        if len(inventory.identities) == 1:
            yield "no identities are configured: pages behind a login are not proved ([[tool.seatrial.identities]])"
        asked_apart = [
            r for r in inventory.routes if r.skipped == BUILT_IN_SKIP and logs_out(r)
        ]  # by a trial of its own
        skipped = [route.key for route in inventory.routes if route.skipped and route not in asked_apart]
        if skipped:
            yield f"never requested: {_some(skipped)}"
        shadowed = [f"{route.key} (answered by {route.shadowed_by})" for route in inventory.routes if route.shadowed_by]
        if shadowed:
            yield f"bound twice, the earlier one answers: {_some(shadowed)}"
    if collected.files_written:
        yield f"the app wrote beside itself (in the working copy): {_some(collected.files_written)}"
    hosts = sorted({call.host for visit in collected.visits for call in visit.outbound})
    if hosts:
        yield f"calls to {_some(hosts)} were not sent"
    lost = [visit.subject for visit in collected.visits if not visit.logged_in]
    if lost:
        yield f"ended the session, which was then renewed: {_some(lost)}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
