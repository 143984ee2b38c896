"""What log-ins and log-outs do to sessions, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import log_ins, log_outs
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import ses


@guard(over=log_ins, profile=Profile.PROTECTION, rules=ses.OF_A_LOG_IN)
def test_log_ins(trial: Trial) -> None:
    evidence = trial.log_in()
    for rule in ses.OF_A_LOG_IN:
        trial.judge(rule, evidence)


@guard(over=log_outs, profile=Profile.PROTECTION, rules=[ses.logout_keeps_session])
def test_log_outs(trial: Trial) -> None:
    trial.judge(ses.logout_keeps_session, trial.log_out())
