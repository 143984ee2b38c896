"""`.seatrial/history/runs.jsonl`: what earlier runs came to, for the trend of the HTML report and for nothing else.

No verdict reads it, so it may be deleted, damaged or missing at any time: a line that cannot be read is left out. It is
written by runs that write an HTML report, and stands in a folder that git ignores by itself, because a file that
changes with every run would conflict in every merge. In CI a cache of the folder keeps it from run to run.
"""

import contextlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seatrial.model.errors import ConfigurationError
from seatrial.model.outcomes import Level, Outcome, State
from seatrial.model.result import Result
from seatrial.verdict.files import write_atomic

VERSION = 1
RUNS = 40
"""Of one scope; older ones are dropped."""
BYTES = 4_000_000
"""Of the file; the oldest runs are dropped until it fits."""
SUBJECTS = 5_000
"""Routes of one run whose statements are kept."""
WAY_OUT = "The report has no trend without it; nothing else needs it."


@dataclass(frozen=True, slots=True)
class Run:
    """One run, in numbers."""

    at: str
    """UTC, `2026-11-29T18:50:47Z`."""
    commit: str
    """Short hash; empty where git does not know one."""
    scope: str
    """What narrowed the run, as options; empty for a whole one. Only runs of one scope are compared."""
    exit_code: int
    blocking: int
    warnings: int
    known: int
    not_proved: int
    elapsed_s: float
    statements: Mapping[str, int] = field(default_factory=dict)
    """Per subject of a route."""


def of(result: Result, *, scope: str, commit: str, now: datetime | None = None) -> Run:
    """This run."""
    levels = Counter(judged.finding.level for judged in result.findings if judged.state is State.NEW)
    measured = [row for row in result.routes if row.statements is not None][:SUBJECTS]
    return Run(
        at=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=commit,
        scope=scope,
        exit_code=int(result.exit_code),
        blocking=levels[Level.BLOCK],
        warnings=levels[Level.WARN],
        known=sum(judged.state is State.KNOWN for judged in result.findings),
        not_proved=result.outcomes()[Outcome.NOT_PROVED],
        elapsed_s=round(result.elapsed_s, 1),
        statements={row.subject: row.statements for row in measured if row.statements is not None},
    )


def load(folder: Path, scope: str | None = None) -> list[Run]:
    """Earlier runs, the oldest first: of one scope, or of all where it is None. What cannot be read is left out."""
    try:
        text = (folder / "runs.jsonl").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [run for run in _runs(text) if scope is None or run.scope == scope]


def add(folder: Path, run: Run) -> str:
    """Keep this run as well. Returns why it could not be kept, or an empty text."""
    before = load(folder)
    same = [one for one in before if one.scope == run.scope][-(RUNS - 1) :]
    lines = [_line(one) for one in before if one.scope != run.scope or one in same] + [_line(run)]
    while len(lines) > 1 and sum(map(len, lines)) > BYTES:
        del lines[0]
    try:
        if not (folder / ".gitignore").exists():
            write_atomic(folder / ".gitignore", "# Changes with every run.\n*\n", way_out=WAY_OUT)
        write_atomic(folder / "runs.jsonl", "".join(lines), way_out=WAY_OUT)
    except ConfigurationError as error:
        return str(error)
    return ""


def commit_of(root: Path) -> str:
    """The commit that was tried: from git, else from the CI's variables, else empty."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        run = subprocess.run(
            ["git", "rev-parse", "--short=10", "HEAD"],
            cwd=root,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        if run.returncode == 0:
            return run.stdout.strip()
    return next((os.environ[name][:10] for name in ("GITHUB_SHA", "CI_COMMIT_SHA") if os.environ.get(name)), "")


def _line(run: Run) -> str:
    return json.dumps({"version": VERSION, **asdict(run)}, ensure_ascii=True, separators=(",", ":")) + "\n"


def _runs(text: str) -> Iterator[Run]:
    for line in text.splitlines():
        try:
            known = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(known, dict) and known.pop("version", None) == VERSION and _fits(known):
            yield Run(**known)


def _fits(known: dict[str, Any]) -> bool:
    """Whether these are the fields of a run, each of its type: somebody may have edited the file."""
    words = all(isinstance(known.get(name), str) for name in ("at", "commit", "scope"))
    numbers = ("exit_code", "blocking", "warnings", "known", "not_proved")
    counts = all(type(known.get(name)) is int and known[name] >= 0 for name in numbers)
    statements = known.get("statements")
    return (
        set(known) == set(Run.__dataclass_fields__)
        and words
        and counts
        and isinstance(known["elapsed_s"], int | float)
        and isinstance(statements, dict)
        and all(type(value) is int for value in statements.values())
    )
