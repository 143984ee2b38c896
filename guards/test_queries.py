"""Statements per route: within budget, no repeats, none slow, none that writes on GET; no eager load for nothing."""

from seatrial.plugin.guarding import Trial, guard, pages
from seatrial.rules import sql


@guard(
    over=pages,
    rules=[
        sql.query_budget,
        sql.repeated_statement,
        sql.slow_statement,
        sql.write_on_safe_method,
        sql.unused_eager_load,
        sql.identical_statement,
    ],
)
def test_statements(trial: Trial) -> None:
    visit = trial.visit()
    trial.judge(sql.query_budget, visit.warm)
    trial.judge(sql.repeated_statement, visit.warm)
    trial.judge(sql.slow_statement, visit.warm)
    # Often only the first request writes (it archives what is due, it creates what is missing).
    trial.judge(sql.write_on_safe_method, visit.writing)
    trial.judge(sql.unused_eager_load, visit.warm)
    trial.judge(sql.identical_statement, visit.warm)
