"""Every rule against real mini-apps: the flawed one fails, the sound one passes, the blind one is not proved."""

import json
import re
from typing import Any

import pytest
from rules.cards import RULES, page, section
from rules.driver import (
    STATIC,
    WITHOUT_SOUND_TWIN,
    Specimen,
    judged,
    judged_by_all,
    judged_by_static,
    specimens,
)

from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Rule

LONG = {"LAT001", "LAT003", "MEM001"}
"""Judged by a server under load, or by hundreds of calls: of the matrix."""
MEASURED = ("pages_before", "pages_after", "plan_before", "plan_after", "hot_before", "hot_after")


def of_the_matrix(code: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.matrix] if code in LONG else []


def each(kind: str) -> pytest.MarkDecorator:
    found = [pytest.param(one, id=str(one), marks=of_the_matrix(one.code)) for one in specimens(kind)]
    return pytest.mark.parametrize("specimen", found)


@each("flawed")
def test_flawed_fails_on_its_subject(specimen: Specimen) -> None:
    judgement = judged(specimen)
    assert judgement.outcome is Outcome.FAIL, judgement.reason
    assert [finding.subject for finding in judgement.findings] == [specimen.subject]
    json.dumps([dict(finding.evidence) for finding in judgement.findings])


@pytest.mark.parametrize("rule", [pytest.param(one, id=one.code, marks=of_the_matrix(one.code)) for one in RULES])
def test_page_shows_what_the_flawed_specimen_really_gives(rule: Rule) -> None:
    """Subject, message and the shape of the evidence; only times may differ."""
    if rule.code in WITHOUT_SOUND_TWIN:
        pytest.skip(f"{rule.code} needs a newer Flask")
    block = re.search(r"```json\n(.*?)```", section(page(rule), "What the finding looks like"), re.DOTALL)
    assert block is not None
    shown: dict[str, Any] = json.loads(block[1])
    [finding] = judged(Specimen(rule.code, "flawed")).findings
    assert (shown["rule"], shown["level"], shown["subject"]) == (rule.code, finding.level, finding.subject)
    assert timeless(shown["message"]) == timeless(finding.message)
    assert shape(shown["evidence"]) == shape(json.loads(json.dumps(dict(finding.evidence))))


@each("sound")
def test_sound_passes(specimen: Specimen) -> None:
    judgement = judged(specimen)
    assert judgement.outcome is Outcome.PASS, (judgement.reason, judgement.findings)


@each("blind")
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


def timeless(text: str) -> str:
    """What differs from one server to the next: milliseconds, pages of 8 kB, shares of updates, bytes, ratios."""
    text = re.sub(r"\d+ pages instead of \d+", "… pages instead of …", text)
    text = re.sub(r"[\d.,]+ (ms|B|objects|times as long|times;)", r"… \1", text)
    return re.sub(r"\d+%", "…%", text)


def shape(value: Any, key: str = "") -> Any:
    """The value, without what differs from one server to the next: milliseconds, pages, bytes, ratios."""
    if isinstance(value, dict):
        return {name: shape(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner, key) for inner in value]
    measured = (key.endswith("_ms") and key != "limit_ms") or key.endswith("_bytes") or key in MEASURED
    return "…" if measured or key in ("ratio", "ratio_bounds") else value
