"""Every rule against real mini-apps: the flawed one fails, the sound one passes, the blind one is not proved."""

import json

import pytest
from rules.driver import STATIC, Specimen, judged, judged_by_all, judged_by_static, specimens

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


ALSO = {"TYP002": {"TYP001"}}
"""A layer has too few typed callables only where some are untyped."""


@pytest.mark.parametrize("specimen", [s for s in specimens("flawed", "sound", "blind") if s.code in STATIC], ids=str)
def test_a_specimen_of_the_source_shows_nothing_but_its_own_flaw(specimen: Specimen) -> None:
    others = {code for code, judgement in judged_by_static(specimen).items() if judgement.outcome is Outcome.FAIL}
    own = {specimen.code} | ALSO.get(specimen.code, set())
    assert others <= (own if specimen.kind == "flawed" else set())
