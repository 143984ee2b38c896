"""Where the app can be made to lead its visitors: by its parameters, and by the Host of a request, as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import addressed, leading
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import red


@guard(over=leading, profile=Profile.PROTECTION, rules=[red.open_redirect])
def test_open_redirects(trial: Trial) -> None:
    trial.judge(red.open_redirect, trial.redirects())


@guard(over=addressed, profile=Profile.PROTECTION, rules=[red.host_header_poisoning])
def test_forged_hosts(trial: Trial) -> None:
    trial.judge(red.host_header_poisoning, trial.hosts())
