"""Findings, checks and judgements: what rules return and reports render."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.model.outcomes import Level, Outcome
from seatrial.model.requests import Request

FINGERPRINT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the target's own code. `text` is that line as it stands in the file; it identifies the finding."""

    path: str
    """Relative to the target's root, POSIX."""
    line: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violated claim, with evidence that a sceptic can replay.

    Its identity leaves out line number, message and level, so edits around it, rewording and re-levelling do not make
    it new (handbook: measured against 60 commits of a real history).
    """

    rule: str
    """Rule code (`SQL002`), or `tool:code` for an external tool (`ruff:F401`)."""
    name: str
    level: Level
    subject: str
    message: str
    remedy: str = ""
    place: Place | None = None
    detail: str = ""
    """Tells findings of one rule on one subject apart when there is no line (a cookie's name, a header's name)."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON-serialisable; never parameter values, cookies, tokens or secrets."""
    tool: str = "seatrial"
    requests: tuple[Request, ...] = ()
    """What was asked to see it; empty where it was read from the built app."""

    @property
    def fingerprint(self) -> str:
        if self.place is not None and self.place.text.strip():
            return fingerprint(self.tool, self.rule, self.place.path, self.place.text)
        return fingerprint(self.tool, self.rule, self.subject, self.detail)


def fingerprint(tool: str, rule: str, where: str, text: str) -> str:
    """16 hex digits of a sha256 over tool, rule, path (or subject) and the whitespace-collapsed line (or detail)."""
    key = "\0".join((tool, rule, where, " ".join(text.split())))
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Check:
    """One planned question and how it ended. `reason`: why it is no pass and no fail, or what a pass leaves open."""

    rule: str
    subject: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule says of one subject: an outcome, and the findings where it failed."""

    rule: str
    subject: str
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def check(self) -> Check:
        return Check(self.rule, self.subject, self.outcome, self.reason)
