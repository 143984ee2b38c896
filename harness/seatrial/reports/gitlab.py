"""GitLab Code Quality (`--gitlab FILE`): what a merge request shows as new and as fixed.

GitLab compares the report of the branch with that of its target by fingerprint, and shows but one of two entries with
the same one. So each gets the finding's fingerprint and its number among equals, and known debt is in the file: it is
in both reports, and so is neither new nor fixed.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seatrial.model.outcomes import Level
from seatrial.reports.rows import Row
from seatrial.verdict.files import write_atomic

WAY_OUT = "Give `--gitlab` a path in a folder that can be written."
SEVERITY = {Level.BLOCK: "critical", Level.WARN: "minor", Level.INFO: "info", Level.OFF: "info"}
"""Of info, minor, major, critical, blocker."""


def to_list(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The report: one entry per finding. Paths are relative to the repository, without `./`."""
    return [
        {
            "description": f"{row.rule} {row.sentence}",
            "check_name": row.rule,
            "fingerprint": hashlib.sha256(f"{row.fingerprint}:{row.occurrence}".encode()).hexdigest()[:32],
            "severity": SEVERITY[row.level],
            "location": {"path": row.path, "lines": {"begin": row.line}},
        }
        for row in rows
    ]


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the file in one step.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    text = json.dumps(to_list(rows), ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(path, text, way_out=WAY_OUT)
