"""The exported inventory, as machines without the app read it (`seatrial routes --export`)."""

import json
from pathlib import Path
from typing import Any

from seatrial.model.errors import ConfigurationError


def read(path: Path) -> dict[str, Any]:
    """The inventory. Raises ConfigurationError where the file is none."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        rows = table["routes"]
        if not all(isinstance(row[key], str) for row in rows for key in ("method", "rule", "path")):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{path} is no exported inventory: write one beside the app with `seatrial routes --export {path.name}`"
        ) from None
    found: dict[str, Any] = table
    return found
