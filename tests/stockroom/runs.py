"""Runs of `seatrial check` on copies of the example app."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "stockroom"


def copy_to(folder: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "instance")))


def check(root: Path, *options: str, expected: tuple[int, ...]) -> dict[str, Any]:
    """The JSON of one run. `expected`: exit codes that are no accident."""
    result = root.parent / f"{root.name}.json"
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "check", ".", "--json", str(result), *options],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode in expected, (done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    assert "Traceback" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def found_at(result: dict[str, Any], *levels: str) -> set[tuple[str, str]]:
    """(rule, subject) of the findings at these levels."""
    return {(f["rule"], f["subject"]) for f in result["findings"] if f["level"] in levels}


def table(markdown: Path, heading: str) -> list[list[str]]:
    """Cells of the rows under a heading, up to the next one."""
    part = markdown.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]
