"""Headers of every readable route, and of everything else that a blueprint answers, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import blueprints, responses
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import hdr


@guard(over=responses, profile=Profile.PROTECTION, rules=[*hdr.OF_A_RESPONSE, hdr.csp_nonce_reused])
def test_headers(trial: Trial) -> None:
    exchange = trial.look()
    for rule in hdr.OF_A_RESPONSE:
        trial.judge(rule, exchange)
    trial.judge(hdr.csp_nonce_reused, trial.again())


@guard(over=responses, profile=Profile.PROTECTION, rules=[hdr.cors_reflects_origin])
def test_foreign_origins(trial: Trial) -> None:
    trial.judge(hdr.cors_reflects_origin, trial.origins())


@guard(over=blueprints, profile=Profile.PROTECTION, rules=[hdr.header_lost])
def test_headers_of_every_response_class(trial: Trial) -> None:
    trial.judge(hdr.header_lost, trial.classes())
