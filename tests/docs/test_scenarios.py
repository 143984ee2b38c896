"""The table of scenarios is complete, and what it names is there to be tried."""

import re

import pytest
from docs.pages import ROOT

from seatrial.model import webhooks as faults
from seatrial.rules import registered

PAGE = ROOT / "docs" / "webhooks-trials.md"
TRIALS = [ROOT / "harness/seatrial" / folder for folder in ("trials/webhooks", "faults")]
SINGLE = {faults.FORGED, faults.MALFORMED, faults.CONFLICT, faults.ORDER, faults.BACKOFF, "keys"}
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str, str]]:
    section = PAGE.read_text().partition("## The scenarios")[2].partition("\n## ")[0]
    return ROW.findall(section)


def test_there_are_forty_three() -> None:
    assert [int(number) for number, *_ in rows()] == list(range(1, 44))


def test_every_rule_of_a_delivery_has_a_scenario_and_every_scenario_a_rule() -> None:
    named = {code for *_, rules in rows() for code in re.findall(r"\[([A-Z]{3}\d{3})\]", rules)}
    assert all(re.search(r"\[[A-Z]{3}\d{3}\]", rules) for *_, rules in rows())
    # The order of the steps is no scenario of its own: it is what the others follow from.
    assert named == {rule.code for rule in registered() if rule.family in ("WHK", "IDM")} - {"WHK011"}


@pytest.mark.parametrize(("number", "where"), [(number, where) for number, _, where, _ in rows()])
def test_what_tries_it_is_there(number: str, where: str) -> None:
    families = set(re.findall(r"`([a-z]+)`", where))
    assert families <= {*faults.BREAKING, *SINGLE}
    assert families or number in ("1", "23"), "the control and the clean delivery are the only other ones"
    files = [file for folder in TRIALS for file in folder.glob("*.py")] + [
        ROOT / "harness/seatrial/trials/idempotency.py"
    ]
    source = "\n".join(file.read_text() for file in (*files, ROOT / "harness/seatrial/model/webhooks.py"))
    for case in re.findall(r"\*([^*]+)\*", where):
        assert f'{case}"' in source, f"scenario {number}: no trial has the case {case}"
