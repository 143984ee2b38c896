"""Statements per route: within budget, no repeats, none slow, no write on GET, none from a template; eager loads."""

from seatrial.plugin.aims import pages
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import eager, sql


@guard(
    over=pages,
    rules=[
        sql.query_budget,
        sql.repeated_statement,
        sql.slow_statement,
        sql.write_on_safe_method,
        sql.query_in_template,
        eager.unused_eager_load,
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
    trial.judge(sql.query_in_template, visit.warm)
    trial.judge(eager.unused_eager_load, visit.warm)
    trial.judge(sql.identical_statement, visit.warm)
