"""What `seatrial db advise` and `seatrial db verify --prove` share: a trial of the app's pages, gain beside price."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from seatrial.config import Settings
from seatrial.model.errors import ConfigurationError
from seatrial.model.indexes import IndexTrial, Price, Reader
from seatrial.model.inventory import Route
from seatrial.model.profiles import Profile
from seatrial.plugin.aims import whole_database
from seatrial.reports.progress import Progress
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

R = TypeVar("R")
SHOWN = 3
"""Statements of one index that are printed."""


def on_trial(settings: Settings, stage: str, ask: Callable[[Pilot, Sequence[tuple[Route, str]]], R]) -> R:
    """What a trial of all routes says. Raises ConfigurationError where there is no PostgreSQL for it."""
    if settings.database.url == "sqlite":
        raise ConfigurationError(
            'indexes are tried on PostgreSQL, whose plans carry over to yours: set url = "embedded" under '
            "[tool.seatrial.database]."
        )
    with Progress() as progress, open_run(settings, progress.stage) as run:
        inventory = prepare(run, Profile.SWEEP)
        progress.stage(stage)
        [aim] = whole_database(inventory)
        return ask(Pilot(run), aim.members)


def balance(trial: IndexTrial) -> Iterator[str]:
    """Lines: what readers gain, then what writers pay."""
    for reader in trial.readers[:SHOWN]:
        yield f"    reads   {reader.subject}: {_gain(reader)}"
    if len(trial.readers) > SHOWN:
        yield f"            and {len(trial.readers) - SHOWN} more statements"
    yield f"    writes  {_price(trial.price)}"


def _gain(reader: Reader) -> str:
    before, after = reader.before, reader.after
    return f"{before.buffers} → {after.buffers} pages, {before.nodes[-1]} → {after.nodes[-1]}"


def _price(price: Price | None) -> str:
    if price is None:
        return "not known: no column of the table could be changed for a trial"
    seen = "the app's updates" if price.seen else "updates of other columns"
    return (
        f"{seen} ({', '.join(price.columns)}): HOT {price.hot_before:.0%} → {price.hot_after:.0%}, "
        f"WAL {price.wal_before // 1024} → {price.wal_after // 1024} kB per {price.updates}, "
        f"size {price.size // 1024} kB"
    )
