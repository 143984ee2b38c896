"""Statements and rows per route while its tables grow: no statement per row, no list without an end."""

from seatrial.plugin.aims import growing
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import growth


@guard(over=growing, rules=[growth.n_plus_one, growth.unbounded_read])
def test_growth(trial: Trial) -> None:
    evidence = trial.growth()
    trial.judge(growth.n_plus_one, evidence)
    trial.judge(growth.unbounded_read, evidence)
