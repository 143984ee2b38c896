"""What an app's own history does to a database, and what squawk says of its SQL."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.model.errors import BrokenError
from seatrial.model.migrations import Hazard, History
from seatrial.target.child import in_child

if TYPE_CHECKING:
    from seatrial.target import Target

# Of squawk's rules those that are about a database that people use. Left out: matters of taste, and
# prefer-robust-stmts, which recommends IF NOT EXISTS: that keeps an invalid index as it is.
TASTE = (
    "prefer-robust-stmts",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "ban-char-field",
    "require-timeout-settings",
    "require-lock-timeout",
    "require-statement-timeout",
    "require-table-schema",
    "identifier-too-long",
)


def tried(target: Target, since: str) -> History:
    """Everything that needs the app; in a child of the host, on a database without tables.

    Raises BrokenError when the child ends before its time.
    """
    from seatrial.trials import revisions

    target.release()

    def work() -> History:
        for bind in target.binds:
            bind.engine.dispose(close=False)
        with target.app.app_context():
            return revisions.run(target, since)

    return in_child(work)


def linted(history: History) -> History:
    """With what squawk says of the SQL of each new revision. Needs no app."""
    if not history.revisions:
        return history
    if history.dialect != "postgresql":
        return replace(history, unlinted=f"squawk reads PostgreSQL, and the trial runs on {history.dialect}")
    program = Path(sys.executable).with_name("squawk")
    found = str(program) if program.is_file() else shutil.which("squawk")
    if found is None:
        return replace(history, unlinted="squawk is not installed: pip install 'seatrial[migrate]'")
    with tempfile.TemporaryDirectory(prefix="seatrial-squawk-") as folder:
        files: dict[str, int] = {}
        for number, revision in enumerate(history.revisions):
            path = Path(folder) / f"{number}.sql"
            path.write_text(revision.sql or "SELECT 1;")
            files[str(path)] = number
        done = subprocess.run(
            [found, "--reporter", "Json", *files],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
        )
        # 1: something was found. What it cannot do is told on stderr alone, and would look like a clean result.
        if done.returncode not in (0, 1) or not done.stdout.strip():
            raise BrokenError(f"squawk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[:200]}")
        told = json.loads(done.stdout)
    hazards: dict[int, list[Hazard]] = {}
    unread: set[int] = set()
    for one in told:
        number = files[one["file"]]
        script = history.revisions[number].sql.splitlines()
        line = script[one["line"]] if one["line"] < len(script) else ""
        code = one.get("rule_name") or "error"
        if "syntax" in code:
            unread.add(number)
        # Here and not by --exclude: squawk refuses to run where a version does not know a name.
        if code in TASTE or "syntax" in code:
            continue
        hazards.setdefault(number, []).append(
            Hazard(code, one["message"], one.get("help") or "", " ".join(line.split())[:160])
        )
    return replace(
        history,
        revisions=tuple(
            replace(revision, hazards=None if number in unread else tuple(hazards.get(number, ())))
            for number, revision in enumerate(history.revisions)
        ),
    )
