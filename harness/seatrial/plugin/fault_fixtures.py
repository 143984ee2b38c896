"""For the team's own tests: a webhook, or a route with idempotency keys, broken in every way. Imported when used.

The app is not the test's own: it is built again in a host process, on a database of the trial's, from the configuration
under `[tool.seatrial]`. One host serves all tests of a session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from seatrial.model import webhooks as faults
from seatrial.model.errors import SeatrialError
from seatrial.model.findings import Judgement
from seatrial.model.outcomes import Outcome
from seatrial.model.webhooks import Broken
from seatrial.plugin.guarding import sentence
from seatrial.plugin.state import State
from seatrial.rules import idm, whk
from seatrial.trials.pilot import Pilot

_STATE: pytest.StashKey[State] = pytest.StashKey()
_RULES_OF = {
    faults.DUPLICATES: (whk.applied_twice, whk.outbound_repeated),
    faults.DEATH: (whk.event_lost, whk.outbound_repeated),
    faults.RECOVERY: (whk.event_lost, whk.outbound_repeated),
    faults.ERRORS: (whk.event_lost, whk.outbound_repeated),
    faults.CALLS: (whk.event_lost, whk.outbound_repeated),
    faults.RACE: (whk.race, whk.outbound_repeated),
    faults.THREADS: (whk.race, whk.outbound_repeated),
    faults.PAIR: (whk.race, whk.outbound_repeated),
    faults.ACKNOWLEDGED: (whk.acknowledged_before_durable,),
    faults.OBJECT: (whk.applied_twice,),
}


def _pilot(config: pytest.Config) -> Pilot:
    """Of this session's host, started at the first use."""
    if _STATE not in config.stash:
        file = config.getoption("--seatrial-config")
        start = Path(config.getoption("--seatrial-target") or config.rootpath)
        state = State.configured(start, Path(file) if file else None, "")
        config.stash[_STATE] = state
        config.add_cleanup(state.close)
        state.discover(lambda _: None, for_workers=False)
    return config.stash[_STATE].pilot()


def _fail(judgements: Iterable[Judgement]) -> None:
    """Fail the test with every finding; and where nothing was proved, for a pass must be earned."""
    __tracebackhide__ = True
    judged = list(judgements)
    findings = [finding for judgement in judged for finding in judgement.findings]
    if findings:
        pytest.fail("\n".join(map(sentence, findings)), pytrace=False)
    unproved = [judgement for judgement in judged if judgement.outcome is Outcome.NOT_PROVED]
    if unproved:
        reasons = "\n".join(dict.fromkeys(f"{one.rule} {one.subject}: {one.reason}" for one in unproved))
        pytest.fail(f"not proved:\n{reasons}", pytrace=False)


class WebhookTrial:
    """The fixture `webhook_trial`."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, path: str, *, event: str, families: Sequence[str] = faults.BREAKING) -> dict[str, Broken]:
        """Break an event of a webhook that stands under `[[tool.seatrial.webhooks]]`; the evidence by family.

        `families`: of `duplicates`, `death`, `recovery`, `errors`, `calls`, `race`, `threads`, `pair`, `acknowledged`,
        `object`.
        """
        __tracebackhide__ = True
        if unknown := sorted(set(families) - set(_RULES_OF)):
            raise ValueError(f"webhook_trial knows no {', '.join(unknown)}; there are {', '.join(_RULES_OF)}")
        try:
            pilot = _pilot(self._config)
            if not any(hook.path == path for hook in pilot.run.settings.webhooks):
                pytest.fail(f"webhook_trial: {path} does not stand under [[tool.seatrial.webhooks]]", pytrace=False)
            evidence = {family: pilot.faults.broken(path, event, family) for family in families}
        except SeatrialError as error:
            pytest.fail(f"webhook_trial: {error}", pytrace=False)
        _fail(rule(evidence[family]) for family in families for rule in _RULES_OF[family])
        return evidence


class IdempotencyTrial:
    """The fixture `idempotency_trial`."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, route: str) -> None:
        """Try a route that stands under `[[tool.seatrial.idempotency]]` (`POST /api/payments`)."""
        __tracebackhide__ = True
        try:
            pilot = _pilot(self._config)
            if not any(entry.route == route for entry in pilot.run.settings.idempotency):
                sentence_ = f"{route} does not stand under [[tool.seatrial.idempotency]]"
                pytest.fail(f"idempotency_trial: {sentence_}", pytrace=False)
            evidence = pilot.faults.keyed(route)
        except SeatrialError as error:
            pytest.fail(f"idempotency_trial: {error}", pytrace=False)
        _fail([idm.idempotency_key(evidence)])
