"""Reads the configuration: finds it, resolves it, checks all of it, and names every mistake at once."""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seatrial.config.checks import cross_checks, unknown_rules
from seatrial.config.fill import reference, walk
from seatrial.config.locate import PYPROJECT, Home, find_home, label
from seatrial.config.mistakes import Mistake, explain
from seatrial.config.settings import Settings, Tables
from seatrial.model.errors import ConfigurationError

DATABASE_VARIABLE = "SEATRIAL_DATABASE_URL"
# The other keys name things of the app (`skip = ["env:…"]` would be a path), and stay as written.
_RESOLVED = ("env", "config", "sweep", "protection", "database", "identities", "arguments", "smoke")


def load(
    root: Path,
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    rule_codes: Collection[str] | None = None,
) -> Settings:
    """The settings of the project in `root`.

    Args:
        root: The project's root; see `find_root`.
        file: The file to read in place of pyproject.toml or seatrial.toml; relative to `root` unless absolute.
        environ: Where `env:NAME` and `SEATRIAL_DATABASE_URL` are looked up; the process's own by default.
        rule_codes: Every code that `[tool.seatrial.rules]` may name; not checked where None (see `check_rules`).

    Raises:
        ConfigurationError: With every mistake there is, each `file: key: what is wrong; the way out`.
    """
    root = root.resolve()
    if not root.is_dir():
        raise ConfigurationError(f"{root}: there is no such folder; name the project's root")
    environ = os.environ if environ is None else environ
    home, misplaced = find_home(root, file)
    if home is None:
        raise ConfigurationError(*misplaced)
    tables, missing, resolved = resolve(home.table, environ)
    found = list(cross_checks(tables, root))
    try:
        checked = Tables.model_validate(tables)
    except ValidationError as error:
        found += explain(error)
    rules = tables.get("rules")
    if rule_codes is not None and isinstance(rules, dict):
        found += unknown_rules(rules, rule_codes)
    # A value that could not be looked up is one mistake, whatever the other checks think of what stands in its place.
    unknown = {mistake.key for mistake in missing}
    found = missing + [mistake for mistake in found if mistake.key not in unknown]
    mistakes = [*misplaced, *written(home, root, environ, found)]
    if mistakes:
        raise ConfigurationError(*mistakes)
    given = {name: getattr(checked, name) for name in checked.model_fields_set}
    return Settings(root=root, file=home.path, resolved=resolved, **given)


def check_rules(settings: Settings, known: Collection[str]) -> None:
    """Refuse codes in `[tool.seatrial.rules]` that are no rule's; `config` itself cannot know the catalogue.

    Raises:
        ConfigurationError: One mistake for each unknown code.
    """
    where = f"{label(settings.root, settings.file)}: {'tool.seatrial.' if settings.file.name == PYPROJECT else ''}"
    mistakes = [f"{where}{mistake.key}: {mistake.text}" for mistake in unknown_rules(settings.rules, known)]
    if mistakes:
        raise ConfigurationError(*mistakes)


def resolve(table: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Mistake], frozenset[str]]:
    """The tables with `env:NAME` resolved and the database's URL overridden; mistakes; the values looked up."""
    mistakes: list[Mistake] = []
    looked_up: set[str] = set()

    def look_up(text: str, key: str) -> str:
        name = reference(text)
        if name is None:
            return text
        if not environ.get(name):
            state = "is empty" if name in environ else "is not set"
            mistakes.append(Mistake(key, f"the environment variable {name} {state}; set it before you run Seatrial"))
            return text
        looked_up.add(environ[name])
        return environ[name]

    tables = {key: walk(value, look_up, key) if key in _RESOLVED else value for key, value in table.items()}
    override = environ.get(DATABASE_VARIABLE)
    if override and isinstance(tables.get("database", {}), dict):
        tables["database"] = {**tables.get("database", {}), "url": override}
    return tables, mistakes, frozenset(looked_up)


def written(home: Home, root: Path, environ: Mapping[str, str], found: list[Mistake]) -> Iterator[str]:
    """The mistakes as sentences, in the file's own spelling, each once, in the order in which they were found."""
    seen: set[str] = set()
    for mistake in found:
        where = f"{label(root, home.path)}: {home.prefix}{mistake.key}"
        if mistake.key == "database.url" and environ.get(DATABASE_VARIABLE):
            where = f"environment: {DATABASE_VARIABLE}"
        line = f"{where}: {mistake.text}"
        if line not in seen:
            seen.add(line)
            yield line
