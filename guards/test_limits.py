"""Rate limits of log-ins and of every route that declares one, driven until they refuse, as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import limited, whole_app
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import rtl


@guard(over=limited, profile=Profile.PROTECTION, rules=rtl.OF_A_ROUTE)
def test_limits(trial: Trial) -> None:
    attempts = trial.limits()
    for rule in rtl.OF_A_ROUTE:
        trial.judge(rule, attempts)


@guard(over=whole_app, profile=Profile.PROTECTION, rules=[rtl.limit_per_process])
def test_storage_of_the_limiter(trial: Trial) -> None:
    trial.judge(rtl.limit_per_process, trial.limiter())
