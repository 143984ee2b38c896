"""The app's own migrations, run on a database of their own and read by squawk."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import whole_app
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import mig


@guard(over=whole_app, profile=Profile.SWEEP, rules=mig.OF_A_HISTORY)
def test_migrations(trial: Trial) -> None:
    history = trial.history()
    for rule in mig.OF_A_HISTORY:
        trial.judge(rule, history)
