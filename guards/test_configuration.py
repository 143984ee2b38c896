"""What the configuration switches on and off, read back from the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import whole_app
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import cfg

RULES = [
    cfg.protection_off,
    cfg.debug_on,
    cfg.weak_secret_key,
    cfg.no_body_limit,
    cfg.untrusted_host,
    cfg.monitor_missing,
]


@guard(over=whole_app, profile=Profile.PROTECTION, rules=RULES)
def test_configuration(trial: Trial) -> None:
    facts = trial.facts()
    for rule in RULES:
        trial.judge(rule, facts)
