"""Which files git calls renamed since a base revision."""

import os
import subprocess
from pathlib import Path


def renames(root: Path, base_revision: str = "HEAD") -> dict[str, str]:
    """New path → old path, relative to `root`, POSIX. Empty where git, a repository or the revision is missing.

    Compares the base with the working copy, so `git mv` counts before it is committed. Only what lies under `root` on
    both sides is told.
    """
    if not base_revision or base_revision.startswith("-"):
        return {}
    command = [
        "git",
        "-c",
        "core.fsmonitor=false",
        "diff",
        "--name-status",
        "-z",
        "-M",
        "--diff-filter=R",
        "--relative",
        "--no-ext-diff",
    ]
    # GIT_OPTIONAL_LOCKS: a look must not refresh the index while an editor or another git works on it.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        run = subprocess.run(
            [*command, base_revision, "--"],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parse(os.fsdecode(run.stdout)) if run.returncode == 0 else {}


def parse(output: str) -> dict[str, str]:
    """Read `--name-status -z`: status, then one path, or two for renames and copies; everything ends with NUL."""
    found: dict[str, str] = {}
    fields = iter(output.split("\0"))
    for status in fields:
        if status[:1] in ("R", "C"):
            old, new = next(fields, ""), next(fields, "")
            # A copy leaves the old file with its own findings: its debt is not the copy's.
            if status[0] == "R" and old and new:
                found[new] = old
        elif status:
            next(fields, "")
    return found
