"""Forged requests to every unsafe route, and tokens in every form, with the app as in production."""

from seatrial.model.profiles import Profile
from seatrial.plugin.aims import responses, unsafe_routes
from seatrial.plugin.guarding import Trial, guard
from seatrial.rules import csr


@guard(
    over=unsafe_routes,
    profile=Profile.PROTECTION,
    rules=[csr.unsafe_route_unprotected, csr.exempt_by_collision, csr.hook_before_protection],
)
def test_forged_requests(trial: Trial) -> None:
    evidence = trial.forged()
    trial.judge(csr.unsafe_route_unprotected, evidence)
    trial.judge(csr.exempt_by_collision, evidence)
    trial.judge(csr.hook_before_protection, evidence)


@guard(over=responses, profile=Profile.PROTECTION, rules=[csr.form_without_token])
def test_forms(trial: Trial) -> None:
    trial.judge(csr.form_without_token, trial.look())
