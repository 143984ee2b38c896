"""Response times of hot paths, warm, alone, in process: a tripwire, which no load test is replaced by."""

from seatrial.plugin.aims import pages
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import lat


@guard(over=pages, rules=[lat.response_time])
def test_response_time(trial: Trial) -> None:
    trial.judge(lat.response_time, trial.timings())
