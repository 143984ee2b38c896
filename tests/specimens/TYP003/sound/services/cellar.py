"""The cellar."""

from typing import TypedDict


class Inventory(TypedDict):
    name: str
    bottles: int


def inventory(cellar: str) -> Inventory:
    return {"name": cellar, "bottles": len(cellar)}
