"""Hot paths called some hundred times: what each call leaves behind in the process adds up."""

from seatrial.plugin.aims import critical
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import mem


@guard(over=critical, rules=[mem.leak])
def test_leaks(trial: Trial) -> None:
    trial.judge(mem.leak, trial.leaks())
