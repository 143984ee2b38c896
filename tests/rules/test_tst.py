"""TST001 on hand-made runs of tests."""

import pytest

from seatrial.model.findings import Place
from seatrial.model.outcomes import Outcome
from seatrial.model.suite import Looked, Stray, TestRun
from seatrial.rules.tst import request_to_nowhere

TEST = "tests/test_shop.py::test_old"


def stray(looked: Looked, path: str = "/old", status: int = 404, place: Place | None = None) -> Stray:
    return Stray("GET", path, status, looked, place)


def run(*strays: Stray, passed: bool = True) -> TestRun:
    return TestRun(TEST, passed, strays)


@pytest.mark.parametrize(
    ("strays", "outcome"),
    [
        ((), Outcome.PASS),
        ((stray(Looked.STATUS),), Outcome.PASS),
        ((stray(Looked.BODY),), Outcome.NOT_PROVED),
        ((stray(Looked.UNSEEN),), Outcome.NOT_PROVED),
        ((stray(Looked.NOTHING),), Outcome.FAIL),
        ((stray(Looked.UNSEEN), stray(Looked.NOTHING), stray(Looked.STATUS)), Outcome.FAIL),
    ],
)
def test_what_was_looked_at_decides(strays: tuple[Stray, ...], outcome: Outcome) -> None:
    judgement = request_to_nowhere(run(*strays))
    assert (judgement.subject, judgement.outcome) == (f"test {TEST}", outcome)
    assert ("assert" in judgement.reason) == (outcome is Outcome.NOT_PROVED)


def test_a_test_that_failed_is_skipped() -> None:
    assert request_to_nowhere(run(stray(Looked.NOTHING), passed=False)).outcome is Outcome.SKIPPED


def test_one_finding_per_method_and_path() -> None:
    place = Place("tests/conftest.py", 3, "client.get('/old')")
    first, second, third = stray(Looked.NOTHING, place=place), stray(Looked.NOTHING), stray(Looked.NOTHING, "/b", 405)
    findings = request_to_nowhere(run(first, second, third)).findings
    assert [finding.detail for finding in findings] == ["GET /old", "GET /b"]
    assert "answered 405 (no route has this path with this method)" in findings[1].message
