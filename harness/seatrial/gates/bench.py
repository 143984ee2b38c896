"""What every adapter works with: the target, its Python, a folder for scratch, a way to run a tool."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from seatrial.config import Settings
from seatrial.gates import processes
from seatrial.gates.processes import Finished
from seatrial.gates.sources import Sources, tidy
from seatrial.gates.surroundings import PLAIN, Surroundings, environment
from seatrial.model.findings import Finding, Place
from seatrial.model.outcomes import Level


@dataclass(frozen=True, slots=True)
class Bench:
    """One tool's place of work. `scratch` is removed afterwards."""

    tool: str
    settings: Settings
    root: Path
    copy: Path | None
    python: str
    surroundings: Surroundings
    scratch: Path
    cancel: Event
    sources: Sources

    @property
    def level(self) -> Level:
        return Level(getattr(self.settings.gates, self.tool))

    def level_of(self, rule: str) -> Level:
        """The level of one rule of the tool: `[tool.seatrial.rules]` may name it, else the gate's."""
        return self.settings.rules.get(rule, self.level)

    def run(
        self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, safe_path: bool = True
    ) -> Finished:
        """Run the tool with `python -m`, in the target's environment, with `env` laid over it (`PLAIN` by default).

        `safe_path` keeps the target's folder off `sys.path` (`-P`): a `mypy` package of its own must not run instead.
        """
        flags = ("-P",) if safe_path else ()
        return processes.run(
            [self.python, *flags, "-m", self.tool, *arguments],
            cwd=cwd or self.root,
            env={**environment(), **(PLAIN if env is None else env)},
            timeout_s=self.settings.deadlines.tool_s,
            cancel=self.cancel,
        )

    def tidy(self, message: str) -> str:
        return tidy(message, [folder for folder in (self.scratch, self.copy, self.root) if folder is not None])

    def finding(
        self,
        code: str,
        name: str,
        message: str,
        *,
        subject: str,
        place: Place | None,
        remedy: str = "",
        detail: str = "",
        evidence: dict[str, object] | None = None,
    ) -> Finding | None:
        """A finding of this tool, or None where its rule is switched off."""
        rule = f"{self.tool}:{code}"
        level = self.level_of(rule)
        if level is Level.OFF:
            return None
        return Finding(
            rule=rule,
            name=name,
            level=level,
            subject=subject,
            message=self.tidy(message),
            remedy=remedy,
            place=place,
            detail=detail,
            evidence=evidence or {},
            tool=self.tool,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What an adapter brings home from a tool that finished."""

    findings: tuple[Finding, ...]
    checked: int | None
    """Files checked, or tests run; None where the tool does not say. A shrink is worth a question."""


Adapter = Callable[[Bench], Report]


def last_line(*texts: str) -> str:
    """The last line that says something: where tools put their reason."""
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def first_line(*texts: str) -> str:
    """The first line that says something."""
    return next((line.strip() for text in texts for line in text.splitlines() if line.strip()), "")
