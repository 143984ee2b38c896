"""Attributes of every cookie that a readable route sets, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import responses
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import cke


@guard(over=responses, profile=Profile.PROTECTION, rules=cke.RULES)
def test_cookies(trial: Trial) -> None:
    exchange = trial.look()
    for rule in cke.RULES:
        trial.judge(rule, exchange)
