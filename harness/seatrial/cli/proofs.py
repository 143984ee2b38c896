"""What `seatrial db verify --prove` says of each planned index: how far it got with the app's own statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.cli.indexes import balance, on_trial
from seatrial.config import Settings
from seatrial.migrate.specs import IndexSpec
from seatrial.model.indexes import IndexTrial


def proved(settings: Settings, specs: Sequence[IndexSpec]) -> Mapping[IndexSpec, IndexTrial]:
    """A trial of each. Raises ConfigurationError where the app cannot be tried."""
    database = on_trial(settings, "proving indexes", lambda pilot, members: pilot.indexes(members, specs=specs))
    return dict(zip(specs, database.planned, strict=True))


def lines(trial: IndexTrial) -> Iterator[str]:
    """The rung that was reached, what readers gain, what writers pay."""
    yield f"    proof   {_rung(trial)}"
    if trial.statements and trial.applies and not trial.reason:
        yield from balance(trial)


def _rung(trial: IndexTrial) -> str:
    if not trial.applies:
        return f"none: {trial.state} in the schema that the app makes ({trial.detail})"
    if trial.reason:
        return f"none: {trial.reason}"
    if not trial.statements:
        return "none: no page that was asked reads the table; add the route's values under [tool.seatrial.arguments]"
    generic = sum(reader.generic is True for reader in trial.chosen)
    by = f"{len(trial.chosen)} of {trial.statements} statements ({generic} also without knowing the values)"
    match trial.verdict:
        case "faster":
            said = f"faster: chosen by {by}"
        case "chosen":
            said = f"chosen by {by}, but not faster"
        case "usable":
            said = f"usable, but chosen by none of {trial.statements} statements"
        case _:
            said = f"none of {trial.statements} statements could use it"
    return f"{said}, on {trial.rows} rows"
