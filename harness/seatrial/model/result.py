"""The result of a command: what every report renders. `to_json` is the published shape."""

from dataclasses import dataclass, field
from typing import Any

from seatrial.model.findings import Check, Finding, Place
from seatrial.model.outcomes import ExitCode, Outcome, State, ToolState


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding and where it stands against the baseline."""

    finding: Finding
    state: State

    @property
    def blocks(self) -> bool:
        return self.state is State.NEW and self.finding.level == "block"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One line of the route table."""

    method: str
    rule: str
    endpoint: str
    identity: str
    status: int | None
    statements: int | None
    rows: int | None
    elapsed_ms: float | None

    @property
    def subject(self) -> str:
        return f"{self.method} {self.rule} {self.endpoint} [{self.identity}]"


@dataclass(frozen=True, slots=True)
class ToolRun:
    """How an external tool ended."""

    name: str
    version: str
    state: ToolState
    findings: int
    elapsed_s: float
    message: str = ""
    """Why it broke, in one sentence; empty otherwise."""
    level: str = "block"


@dataclass(frozen=True, slots=True)
class StaleEntry:
    """A baseline or budget entry whose debt is gone but which is still listed."""

    kind: str
    """`baseline` or `budget`."""
    rule: str
    subject: str
    message: str


@dataclass(slots=True)
class Result:
    """Everything one run of `check` found out."""

    target: dict[str, Any] = field(default_factory=dict)
    findings: list[Judged] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    routes: list[RouteRow] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    stale: list[StaleEntry] = field(default_factory=list)
    pruned: int = 0
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Sentences: what of the harness or the target could not finish."""
    inconclusive: list[str] = field(default_factory=list)
    homes: dict[str, Place] = field(default_factory=dict)
    """Where a subject without a line of its own stands: the view of a route (`GET /items/ items.index`), a webhook."""
    configuration: str = "pyproject.toml"
    """The file that configures Seatrial, relative to the target's root."""
    elapsed_s: float = 0.0
    exit_code: ExitCode = ExitCode.PASS

    @property
    def verdict(self) -> str:
        match self.exit_code:
            case ExitCode.PASS:
                return "pass"
            case ExitCode.BLOCKED | ExitCode.STALE:
                return "fail"
            case ExitCode.INCONCLUSIVE:
                return "inconclusive"
            case _:
                return "broken"

    def outcomes(self) -> dict[str, int]:
        counts = {outcome.value: 0 for outcome in Outcome}
        for check in self.checks:
            counts[check.outcome.value] += 1
        return counts
