"""Planned indexes, superfluous ones and missing ones, tried with the app's own statements on large tables."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import whole_database
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import idx


@guard(
    over=whole_database,
    profile=Profile.SWEEP,
    rules=[*idx.OF_A_PLANNED_INDEX, *idx.OF_THE_DATABASE, idx.foreign_key_unindexed],
)
def test_indexes(trial: Trial) -> None:
    database = trial.indexes()
    for index in database.planned or (None,):
        for rule in idx.OF_A_PLANNED_INDEX:
            trial.judge(rule, index)
    for rule in idx.OF_THE_DATABASE:
        trial.judge(rule, database)
    for key in database.keys or (database,):
        trial.judge(idx.foreign_key_unindexed, key)
