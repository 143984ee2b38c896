"""constraints.txt fits what the project asks for."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from docs.pages import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def asked() -> Iterator[Requirement]:
    lists = [
        PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    for text in (text for one in lists for text in one):
        requirement = Requirement(text)
        if requirement.name != "seatrial" and (requirement.marker is None or requirement.marker.evaluate()):
            yield requirement


def pinned() -> dict[str, list[str]]:
    """Versions by name; several where they differ by Python."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        match = re.fullmatch(r"([\w.-]+)==(\S+)(?: ; .*)?", line)
        assert match, f"no pin, or one that names where it came from: {line}"
        found.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return found


def test_whatever_is_asked_for_is_pinned_in_its_range() -> None:
    pins, wrong = pinned(), []
    for requirement in asked():
        versions = pins.get(canonicalize_name(requirement.name), [])
        if not any(requirement.specifier.contains(version) for version in versions):
            wrong.append(f"{requirement} has {versions or 'no pin'}: make lock")
    assert wrong == []
    assert len(pins) > 100
