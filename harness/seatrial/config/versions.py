"""Libraries beside which Seatrial cannot work, said before one of them fails in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from seatrial.model.errors import ConfigurationError

GUIDES = {
    "sqlalchemy": "https://docs.sqlalchemy.org/en/20/changelog/migration_20.html",
    "flask": "https://flask.palletsprojects.com/en/stable/changes/",
}
"""How an app is moved; what is not here is no part of the app and can be raised alone."""


def refuse_unsupported() -> None:
    """An app that pins older versions can have made pip install Seatrial without its requirements (`--no-deps`).

    Raises:
        ConfigurationError: One sentence for the app's own libraries that are too old, and one for each other library
            that is missing or too old.
    """
    if mistakes := [*_mistakes(metadata.requires("seatrial") or [])]:
        raise ConfigurationError(*mistakes)


def _mistakes(requirements: list[str]) -> Iterator[str]:
    behind: dict[str, Requirement] = {}
    for text in requirements:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        install = f"pip install '{wanted.name}{wanted.specifier}'"
        try:
            installed = metadata.distribution(wanted.name)
        except metadata.PackageNotFoundError:
            yield f"{wanted.name} is not installed and Seatrial needs it: {install}"
            continue
        if wanted.specifier.contains(installed.version, prereleases=True):
            continue
        if wanted.name.lower() in GUIDES:
            behind[f"{installed.name} {installed.version}"] = wanted
        else:
            yield f"{installed.name} {installed.version} is installed and Seatrial needs {wanted.specifier}: {install}"
    if behind:
        needs = " and ".join(str(wanted) for wanted in behind.values())
        guides = " and ".join(GUIDES[wanted.name.lower()] for wanted in behind.values())
        yield (
            f"the app runs on {' and '.join(behind)} and Seatrial needs {needs}: move the app first ({guides}); until "
            "then `seatrial smoke` and `seatrial load`, from an environment of their own, can ask its running server"
        )
