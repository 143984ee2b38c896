"""SQL001 on hand-made growth: which rows are evidence against a statement."""

from rules.made import ITEMS, select

from seatrial.model.evidence import Statement
from seatrial.model.growth import Growth, Repeat, Series
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.growth import n_plus_one

KEYS = select("SELECT item.id FROM item")
COUNT = select("SELECT count(*) FROM lot WHERE lot.item_id IN (?)")


def growth(counts: tuple[int, ...], lots: tuple[int, ...], counted: Statement) -> Growth:
    """Ten to thirty-six items, COUNT sent so often, and so many rows of lots that were counted from `counted`."""
    series = Series(
        table="lot",
        way="beside the rows that are there",
        cold=False,
        sizes=(0, 2, 5),
        seen={"lot": lots},
        repeats=(Repeat(KEYS, (1, 1, 1), (10, 22, 36)), Repeat(COUNT, counts, counts)),
        counted={"lot": frozenset({counted.fingerprint})},
    )
    return Growth(ITEMS, "owner", (series,))


def test_the_rows_that_a_statement_fetches_itself_are_no_evidence_against_it() -> None:
    """A COUNT per batch of ten items fetches one row each time: as many rows as statements, and no N+1."""
    assert n_plus_one(growth((1, 3, 4), (1, 3, 4), COUNT), Context()).outcome is Outcome.PASS


def test_the_rows_of_other_statements_are() -> None:
    found = n_plus_one(growth((10, 22, 36), (10, 22, 36), KEYS), Context())
    assert found.outcome is Outcome.FAIL
    assert found.findings[0].evidence["rows"] == [10, 22, 36]
