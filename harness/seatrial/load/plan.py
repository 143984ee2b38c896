"""What the generator is told: tasks, schedule, log-ins. Written to a file that every process of it reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seatrial.load.arrivals import Kind, Stretch
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.load import Demands

VARIABLE = "SEATRIAL_LOAD_PLAN"
"""Environment variable with the path of the plan; `loadtests/locustfile.py` reads it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a task."""

    method: str
    path: str
    """Concrete; `{name}` in it is filled from the pool of that name."""
    subject: str
    """`METHOD rule endpoint [identity]`: what it is counted under."""
    status: int | None = None
    """What is expected; None: any 2xx."""
    form: dict[str, str] | None = None
    json: Any = None
    page: str = ""
    """Page whose form's hidden fields (a CSRF token) are sent along."""
    think_s: float = 0.0
    """Waited before it, after the step before."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one arrival does: one request, or several one after the other."""

    steps: tuple[Step, ...]
    weight: float = 1.0
    identity: str = ANONYMOUS
    pools: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogIn:
    """How an identity logs in."""

    path: str
    fields: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """One batch of load."""

    url: str
    tasks: tuple[Task, ...]
    stretches: tuple[Stretch, ...]
    result: str
    """File that the result is written to."""
    rate: str = ""
    kind: Kind = "poisson"
    warm_up_s: float = 0.0
    senders: int = 50
    workers: int = 1
    timeout_s: float = 10.0
    body_limit: int = 8 * 1024 * 1024
    """Bytes of a body that are read before it counts as endless."""
    logins: dict[str, LogIn] = field(default_factory=dict)
    demands: dict[str, Demands] = field(default_factory=dict)
    """By subject; the others get `default`."""
    default: Demands = field(default_factory=Demands)

    @property
    def duration_s(self) -> float:
        """Without warming up."""
        return sum(stretch.seconds for stretch in self.stretches) - self.warm_up_s

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everything that must have samples in the end."""
        return tuple(dict.fromkeys(step.subject for task in self.tasks if task.weight > 0 for step in task.steps))

    def write(self, path: Path) -> None:
        """It may hold a password: only the owner can read it."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Plan:
        table = json.loads(path.read_text())
        table["stretches"] = tuple(Stretch(**stretch) for stretch in table["stretches"])
        table["tasks"] = tuple(
            Task(**{**task, "steps": tuple(Step(**step) for step in task["steps"])}) for task in table["tasks"]
        )
        table["logins"] = {name: LogIn(**login) for name, login in table["logins"].items()}
        table["demands"] = {subject: Demands(**demands) for subject, demands in table["demands"].items()}
        table["default"] = Demands(**table["default"])
        return cls(**table)
