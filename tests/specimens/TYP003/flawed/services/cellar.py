"""The cellar."""

from typing import Any


def inventory(cellar: str) -> dict[str, Any]:
    return {"name": cellar, "bottles": len(cellar)}
