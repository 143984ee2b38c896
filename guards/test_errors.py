"""What clients get when something is wrong: no request is answered 500, and errors are fit for those who read them."""

from seatrial.plugin.aims import every_route
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import err


@guard(over=every_route, rules=[err.unhandled_500])
def test_no_unhandled_errors(trial: Trial) -> None:
    trial.judge(err.unhandled_500, trial.malformed())


@guard(over=every_route, rules=err.OF_ERRORS)
def test_errors_for_api_clients(trial: Trial) -> None:
    exchanges = trial.errors()
    for rule in err.OF_ERRORS:
        trial.judge(rule, exchanges)
