"""Names of databases: within PostgreSQL's limit, and never two purposes under one."""

import pytest

from seatrial.database.names import LONGEST, Ledger


def test_plain_words_stay_as_they_are() -> None:
    assert Ledger("r1").name("sweep_2") == "seatrial_r1_sweep_2"


@pytest.mark.parametrize("run", ["r1", "2026-11-22T10:00", "x" * 200, "Ä"])
def test_every_name_is_one_that_we_accept(run: str) -> None:
    ledger = Ledger(run)
    for purpose in ("a", "a-b", "A", "p" * 200, "tests/x.py::test[1]", "ü", ""):
        name = ledger.name(purpose)
        ledger.require_ours(name)
        assert len(name) <= LONGEST
        assert name == ledger.name(purpose)


def test_different_purposes_never_meet() -> None:
    ledger = Ledger("r1")
    purposes = ["a", "A", "a-b", "a_b", "a b", "_a", "p" * 200, "p" * 201, "ä", "ö", ""]
    assert len({ledger.name(purpose) for purpose in purposes}) == len(purposes)
