"""IDX on evidence that the specimens do not show."""

from dataclasses import replace

import pytest

from seatrial.model.indexes import Database, Execution, IndexTrial, Price, Reader, Redundant
from seatrial.model.outcomes import Outcome
from seatrial.rules import idx

SCAN = Execution(500, 900.0, ("Seq Scan",), ())
SEEK = Execution(4, 8.0, ("Index Scan",), ("stx_lot_item_id",))
FASTER = Reader("GET /lots/ lots [owner]", "SELECT …", SCAN, SEEK, chosen=True, generic=True)
TRIAL = IndexTrial("lot(item_id)", "stx_lot_item_id", "missing", statements=3, readers=(FASTER,), rows=50_000)
PRICE = Price(50_000, 1_000, ("remaining",), True, 0.9, 0.0, 70_000, 280_000, 400_000)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("missing", Outcome.FAIL),
        ("conflict", Outcome.FAIL),
        ("partitioned", Outcome.FAIL),
        ("valid", Outcome.PASS),
        ("covered", Outcome.PASS),
        ("invalid", Outcome.PASS),  # IDX002 has it
        ("no such table", Outcome.SKIPPED),
        ("no such column", Outcome.SKIPPED),
    ],
)
def test_where_a_planned_index_stands(state: str, outcome: Outcome) -> None:
    assert idx.planned_index_missing(replace(TRIAL, state=state)).outcome is outcome


def test_nothing_planned_is_nothing_judged() -> None:
    assert {rule(None).outcome for rule in idx.OF_A_PLANNED_INDEX} == {Outcome.SKIPPED}


def test_a_missing_index_says_what_it_would_bring_where_that_was_seen() -> None:
    [finding] = idx.planned_index_missing(TRIAL).findings
    assert "touches 4 pages instead of 500 (50000 rows)" in finding.message
    assert finding.evidence["verdict"] == "faster"
    [silent] = idx.planned_index_missing(replace(TRIAL, readers=())).findings
    assert silent.message == "lot(item_id) is planned but it is not there"
    assert silent.fingerprint == finding.fingerprint


@pytest.mark.parametrize(
    ("readers", "usable", "state", "verdict"),
    [
        ((FASTER,), True, "valid", "faster"),
        ((replace(FASTER, after=replace(SEEK, buffers=300)),), True, "valid", "chosen"),
        ((), True, "valid", "usable"),
        ((), False, "valid", "valid"),
        ((), False, "missing", "missing"),
    ],
)
def test_the_ladder(readers: tuple[Reader, ...], usable: bool, state: str, verdict: str) -> None:
    assert replace(TRIAL, readers=readers, usable=usable, state=state).verdict == verdict


def test_an_unused_index_says_whether_it_could_be_used() -> None:
    there = replace(TRIAL, state="valid", readers=())
    assert "(none could use it)" in idx.index_unused(there).findings[0].message
    assert "(one could use it)" in idx.index_unused(replace(there, usable=True)).findings[0].message
    assert idx.index_unused(TRIAL).outcome is Outcome.SKIPPED, "a missing one is IDX001's"
    assert idx.index_unused(replace(there, reason="plans of sqlite")).outcome is Outcome.NOT_PROVED


def test_several_superfluous_and_invalid_indexes_are_several_findings() -> None:
    twins = (
        Redundant("lot", "a", ("x",), "b", ("x", "y")),
        Redundant("lot", "c", ("x",), "b", ("x", "y")),
    )
    found = idx.index_redundant(Database(indexes=4, redundant=twins)).findings
    assert len({finding.fingerprint for finding in found}) == 2
    broken = idx.index_invalid(Database(indexes=4, invalid=(("lot", "a"), ("lot", "b")))).findings
    assert len({finding.fingerprint for finding in broken}) == 2


def test_a_foreign_key_that_is_only_chosen_is_no_finding() -> None:
    chosen = replace(TRIAL, readers=(replace(FASTER, after=replace(SEEK, buffers=300)),))
    assert idx.foreign_key_unindexed(chosen).outcome is Outcome.PASS
    assert idx.foreign_key_unindexed(TRIAL).outcome is Outcome.FAIL
    assert idx.foreign_key_unindexed(Database(indexed_keys=2)).outcome is Outcome.PASS
    assert idx.foreign_key_unindexed(Database(indexed_keys=2, reason="sqlite")).outcome is Outcome.NOT_PROVED


@pytest.mark.parametrize(
    ("price", "outcome"),
    [
        (PRICE, Outcome.FAIL),
        (replace(PRICE, seen=False), Outcome.PASS),
        (replace(PRICE, hot_after=0.6), Outcome.PASS),
        (replace(PRICE, hot_before=0.2), Outcome.NOT_PROVED),
        (None, Outcome.NOT_PROVED),
    ],
)
def test_what_updates_pay(price: Price | None, outcome: Outcome) -> None:
    assert idx.index_costs_writes(replace(TRIAL, state="valid", price=price)).outcome is outcome
