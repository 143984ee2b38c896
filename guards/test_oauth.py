"""Log-ins with a provider that misbehaves, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import oauth_callbacks, oauth_starts
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import oau


@guard(over=oauth_starts, profile=Profile.PROTECTION, rules=oau.OF_THE_START)
def test_start_of_a_log_in(trial: Trial) -> None:
    evidence = trial.oauth()
    for rule in oau.OF_THE_START:
        trial.judge(rule, evidence)


@guard(over=oauth_callbacks, profile=Profile.PROTECTION, rules=oau.OF_THE_CALLBACK)
def test_callback_of_a_log_in(trial: Trial) -> None:
    evidence = trial.oauth()
    for rule in oau.OF_THE_CALLBACK:
        trial.judge(rule, evidence)
