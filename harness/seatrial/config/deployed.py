"""The part of the configuration that `seatrial smoke` reads: the machine may have neither the app nor its secrets."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seatrial.config.load import resolve, written
from seatrial.config.locate import find_home, is_configured
from seatrial.config.mistakes import explain
from seatrial.config.settings import Smoke
from seatrial.config.shapes import Count, RuleCode, RuleLevel
from seatrial.model.errors import ConfigurationError

_READ = ("smoke", "rules", "environment", "workers")


class Deployed(BaseModel):
    """What of `[tool.seatrial]` says something of a deployment."""

    model_config = ConfigDict(frozen=True, strict=True)

    smoke: Smoke = Field(default_factory=Smoke)
    rules: dict[RuleCode, RuleLevel] = Field(default_factory=dict)
    environment: str = "production"
    workers: Count = 1


def load_deployed(root: Path, file: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Deployed:
    """The configuration of the project in `root`, the defaults where there is none.

    What the other tables hold is not looked at: the variables that they name are those of trials.

    Raises:
        ConfigurationError: With every mistake in the part that is read, or a file that was named and is none.
    """
    root = root.resolve()
    if file is None and not is_configured(root):
        return Deployed()
    home, misplaced = find_home(root, file)
    if home is None:
        raise ConfigurationError(*misplaced)
    environ = os.environ if environ is None else environ
    part = {name: value for name, value in home.table.items() if name in _READ}
    tables, found, _ = resolve(part, environ)
    tables.pop("database", None)  # of the environment, for trials
    try:
        deployed = Deployed.model_validate(tables)
    except ValidationError as error:
        unknown = {mistake.key for mistake in found}
        found += [mistake for mistake in explain(error) if mistake.key not in unknown]
    if misplaced or found:
        raise ConfigurationError(*misplaced, *written(home, root, environ, found))
    return deployed
