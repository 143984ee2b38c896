"""SQL001 on hand-made growth: which rows are evidence against a statement."""

from dataclasses import replace

from rules.made import ITEMS, select

from seatrial.model.evidence import Statement
from seatrial.model.growth import Growth, Repeat, Series
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules.growth import n_plus_one, unbounded_read

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


ROLE = select("SELECT role.id FROM role WHERE role.id = ?")
LINES = select("SELECT line.id FROM line WHERE line.order_id = ?")
SIZES = (0, 2, 5)


def together(*repeats: Repeat, seen: dict[str, tuple[int, ...]]) -> Series:
    return Series(table="", way="all", cold=True, sizes=SIZES, seen=seen, repeats=repeats)


def test_what_a_layout_sends_is_proved_by_the_rows_that_explained_it_on_an_earlier_page() -> None:
    """Three checks per role: against all rows of the page the slope is too small, against the roles it is three."""
    series = together(Repeat(ROLE, (3, 9, 18), (3, 9, 18)), seen={"role": (1, 3, 6), "item": (9, 90, 200)})
    assert n_plus_one(Growth(ITEMS, "owner", (series,)), Context()).outcome is Outcome.PASS
    found = n_plus_one(Growth(ITEMS, "owner", (series,), causes={ROLE.fingerprint: "role"}), Context())
    assert [(f.evidence["grown"], f.evidence["slope"]) for f in found.findings] == [("role", 3.0)]


def test_a_list_under_the_object_in_the_url_is_no_endless_read() -> None:
    grown = together(Repeat(LINES, (1, 1, 1), (2, 8, 17)), seen={"line": (2, 8, 17)})
    under_others = Series("line", "apart", True, SIZES[:2], {"line": (2, 2)}, (Repeat(LINES, (1, 1), (2, 2)),))
    apart = replace(under_others, apart="order")
    assert unbounded_read(Growth(ITEMS, "owner", (grown, apart)), Context()).outcome is Outcome.FAIL
    named = Growth(ITEMS, "owner", (grown, apart), named=frozenset({"order"}))
    assert unbounded_read(named, Context()).outcome is Outcome.PASS
