"""Placeholders: `{database_url}` anywhere inside a value, and `env:NAME` as a whole value."""

import re
from collections.abc import Callable, Mapping
from typing import Any

PLACEHOLDER = "{database_url}"
_ENV = re.compile(r"env:(.*)", re.DOTALL)


def filled(value: Any, database_url: str) -> Any:
    """A deep copy of a TOML value with the URL in place of every placeholder. Other braces stay as they are."""
    return walk(value, lambda text, _: text.replace(PLACEHOLDER, database_url))


def walk(value: Any, change: Callable[[str, str], Any], key: str = "") -> Any:
    """A deep copy of a TOML value in which `change(text, key)` replaced every text; keys are dotted, `a.b[0]`."""
    match value:
        case str():
            return change(value, key)
        case Mapping():
            return {name: walk(inner, change, f"{key}.{name}" if key else str(name)) for name, inner in value.items()}
        case list() | tuple():
            return [walk(inner, change, f"{key}[{index}]") for index, inner in enumerate(value)]
        case _:
            return value


def texts(value: Any, key: str = "") -> list[tuple[str, str]]:
    """(dotted key, text) of every text inside a TOML value."""
    found: list[tuple[str, str]] = []
    walk(value, lambda text, where: found.append((where, text)), key)
    return found


def reference(text: str) -> str | None:
    """The NAME of an `env:NAME` value, or None."""
    match = _ENV.fullmatch(text)
    return match.group(1).strip() if match else None
