"""Headers of every readable route, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.guarding import Trial, guard, responses
from seatrial.rules import hdr

RULES = [hdr.csp_missing, hdr.referrer_policy, hdr.hsts, hdr.nosniff, hdr.framing]


@guard(over=responses, profile=Profile.PROTECTION, rules=RULES)
def test_headers(trial: Trial) -> None:
    exchange = trial.look()
    for rule in RULES:
        trial.judge(rule, exchange)
