"""Attributes of every cookie that a readable route sets, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.guarding import Trial, guard, responses
from seatrial.rules import cke

RULES = [cke.cookie_secure, cke.cookie_httponly, cke.cookie_samesite]


@guard(over=responses, profile=Profile.PROTECTION, rules=RULES)
def test_cookies(trial: Trial) -> None:
    exchange = trial.look()
    for rule in RULES:
        trial.judge(rule, exchange)
