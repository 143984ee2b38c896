"""What a rule is: its entry in the registry. The function that judges lives in `seatrial.rules`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.model.evidence import AppFacts, Budget, Limits
from seatrial.model.findings import Finding, Judgement, Place
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.requests import Request

NO_GUARD = "NONE"
"""In place of rule codes: the app is built and its routes are found, and no guard runs."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know besides its evidence."""

    limits: Limits = field(default_factory=Limits)
    environment: str = "production"
    hot: frozenset[str] = frozenset()
    """Critical paths as `METHOD rule`; empty: every route with a budget is hot."""
    budget: Budget | None = None
    """Of the subject under judgement; None when none is recorded."""
    facts: AppFacts | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue. `judge` is pure: evidence in, judgements out."""

    code: str
    name: str
    level: Level
    claim: str
    """One sentence: what is true of a sound app."""
    control: str
    """What must be seen before a pass may be claimed."""
    rationale: str
    source: str
    """Where the rule comes from: a standard, a chapter, a measured fact."""
    remedy: str
    """One sentence: the usual fix."""
    judge: Callable[..., Judgement]
    """`judge(rule, evidence, context)`; call the rule itself instead: `rule(evidence, context)`."""
    passive: bool = False
    """It judges the team's own tests, in `pytest --seatrial-passive` alone: `seatrial check` never plans it."""
    static: bool = False
    """It judges the source: `seatrial check` asks it without a guard, with `--static` without the app."""
    command: str = ""
    """It judges what this command measures (`load`, `compare`) and nothing else: `seatrial check` never plans it."""

    @property
    def family(self) -> str:
        return self.code[:3]

    def __call__(self, evidence: Any, context: Context | None = None) -> Judgement:
        judgement = self.judge(self, evidence, context or Context())
        if all(finding.requests for finding in judgement.findings):
            return judgement
        several = evidence if isinstance(evidence, list | tuple) else (evidence,)
        asked: tuple[Request, ...] = tuple(r for one in several for r in getattr(one, "asked", ()))
        findings = tuple(f if f.requests else replace(f, requests=asked) for f in judgement.findings)
        return replace(judgement, findings=findings)

    def passed(self, subject: str, note: str = "") -> Judgement:
        """`note`: what is left to the app, and how it was seen to decide."""
        return Judgement(self.code, subject, Outcome.PASS, note)

    def not_proved(self, subject: str, reason: str) -> Judgement:
        return Judgement(self.code, subject, Outcome.NOT_PROVED, reason)

    def skipped(self, subject: str, reason: str) -> Judgement:
        return Judgement(self.code, subject, Outcome.SKIPPED, reason)

    def failed(self, subject: str, *findings: Finding) -> Judgement:
        return Judgement(self.code, subject, Outcome.FAIL, findings=findings)

    def finding(
        self,
        subject: str,
        message: str,
        *,
        remedy: str = "",
        place: Place | None = None,
        detail: str = "",
        evidence: dict[str, Any] | None = None,
        level: Level | None = None,
        requests: Iterable[Request] = (),
    ) -> Finding:
        """`requests`: what was asked to see this one; without any, everything that the evidence says was `asked`."""
        return Finding(
            rule=self.code,
            name=self.name,
            level=level or self.level,
            subject=subject,
            message=message,
            remedy=remedy or self.remedy,
            place=place,
            detail=detail,
            evidence=evidence or {},
            requests=tuple(requests),
        )
