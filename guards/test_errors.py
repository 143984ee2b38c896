"""No request, well-formed or malformed, is answered 500."""

from seatrial.plugin.guarding import Trial, every_route, guard
from seatrial.rules import err


@guard(over=every_route, rules=[err.unhandled_500])
def test_no_unhandled_errors(trial: Trial) -> None:
    trial.judge(err.unhandled_500, trial.malformed())
