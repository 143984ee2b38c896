"""Every rule against real mini-apps: the flawed one fails, the sound one passes, the blind one is not proved."""

import json

import pytest
from rules.driver import Specimen, judged, specimens

from seatrial.model.outcomes import Outcome


@pytest.mark.parametrize("specimen", specimens("flawed"), ids=str)
def test_flawed_fails_on_its_subject(specimen: Specimen) -> None:
    judgement = judged(specimen)
    assert judgement.outcome is Outcome.FAIL, judgement.reason
    assert [finding.subject for finding in judgement.findings] == [specimen.subject]
    json.dumps([dict(finding.evidence) for finding in judgement.findings])


@pytest.mark.parametrize("specimen", specimens("sound"), ids=str)
def test_sound_passes(specimen: Specimen) -> None:
    judgement = judged(specimen)
    assert judgement.outcome is Outcome.PASS, (judgement.reason, judgement.findings)


@pytest.mark.parametrize("specimen", specimens("blind"), ids=str)
def test_blind_is_not_proved(specimen: Specimen) -> None:
    judgement = judged(specimen)
    assert judgement.outcome is Outcome.NOT_PROVED, judgement.findings
    assert judgement.reason
