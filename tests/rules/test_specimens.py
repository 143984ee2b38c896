"""Every rule against real mini-apps: the flawed one fails, the sound one passes, the blind one is not proved."""

import json

import pytest
from rules.driver import Specimen, judged, judged_by_all, specimens

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


@pytest.mark.parametrize("specimen", specimens("flawed", "sound", "blind"), ids=str)
def test_a_specimen_shows_nothing_but_its_own_flaw(specimen: Specimen) -> None:
    others = {code for code, judgement in judged_by_all(specimen).items() if judgement.outcome is Outcome.FAIL}
    assert others <= ({specimen.code} if specimen.kind == "flawed" else set())
