"""SQL008 on hand-made loads."""

from typing import Any

import pytest
from rules.made import dml, exchange, messages

from seatrial.model.evidence import EagerLoad
from seatrial.model.findings import Judgement, Place
from seatrial.model.outcomes import Outcome
from seatrial.rules.eager import unused_eager_load


def load(relationship: str = "Order.lines", strategy: str = "selectin", **facts: Any) -> EagerLoad:
    return EagerLoad(**{"mapped": False, "parents": 3, "rows": 6, "read": False} | facts, relationship=relationship,
                     strategy=strategy)  # fmt: skip


def judged(*loads: EagerLoad, **facts: Any) -> Judgement:
    return unused_eager_load(exchange(eager=loads, **facts))


def test_one_finding_per_relationship_at_the_line_of_the_query() -> None:
    place = Place("app/shop.py", 7, "orders = …")
    judgement = judged(load(place=place), load(strategy="joined"), load("Order.customer"))
    assert judgement.outcome is Outcome.FAIL
    assert [finding.detail for finding in judgement.findings] == ["Order.lines", "Order.customer"]
    assert judgement.findings[0].place is place
    assert "Order.lines was not: 12 rows for 6 objects, loaded by selectinload()" in messages(judgement)


@pytest.mark.parametrize(
    ("seen", "by", "cure"),
    [
        (load(strategy="joined"), "loaded by joinedload()", "Take joinedload(Order.lines) off this query."),
        (load(strategy="contains_eager"), "by contains_eager()", "the join may stay"),
        (load(mapped=True), "by the mapping's lazy='selectin'", "or add lazyload(Order.lines) to this query"),
    ],
)
def test_the_cure_follows_what_asked_for_it(seen: EagerLoad, by: str, cure: str) -> None:
    judgement = judged(seen)
    assert by in messages(judgement)
    assert cure in judgement.findings[0].remedy


@pytest.mark.parametrize(
    "loads",
    [
        [load(read=True)],
        [load(), load(strategy="joined", read=True)],
        [load(strategy="joined", parents=1, rows=1)],
        [load(strategy="contains_eager", parents=1, rows=0)],
    ],
    ids=["read", "read where it was loaded another time", "one row of a join", "no row of a join"],
)
def test_passes(loads: list[EagerLoad]) -> None:
    assert judged(*loads).outcome is Outcome.PASS


def test_a_statement_for_one_object_is_a_finding() -> None:
    assert judged(load(parents=1, rows=1)).outcome is Outcome.FAIL


def test_only_the_outermost_of_what_was_loaded_for_nothing_is_named() -> None:
    judgement = judged(load("Line.item", through="Order.lines"), load())
    assert [finding.detail for finding in judgement.findings] == ["Order.lines"]
    judgement = judged(load("Line.item", through="Order.lines"), load(read=True))
    assert [finding.detail for finding in judgement.findings] == ["Line.item"]


@pytest.mark.parametrize(
    ("seen", "facts", "reason"),
    [
        (load(rows=0), {}, "seed some"),
        (load(unseen="Order was pickled"), {}, "Order was pickled: read what is needed by name"),
        (load(), {"statements": (dml("DELETE FROM line WHERE line.id = ?"),)}, "a cascade reads"),
        (load(), {"status": 302}, "a redirect says nothing"),
        (load(), {"status": 500}, "see ERR005"),
    ],
)
def test_not_proved(seen: EagerLoad, facts: dict[str, Any], reason: str) -> None:
    judgement = judged(seen, **facts)
    assert judgement.outcome is Outcome.NOT_PROVED
    assert reason in judgement.reason


def test_a_write_that_deletes_nothing_changes_nothing() -> None:
    assert judged(load(), statements=(dml(),)).outcome is Outcome.FAIL


def test_a_doubt_of_one_is_no_excuse_for_another() -> None:
    judgement = judged(load(unseen="Order was pickled"), load("Order.customer"))
    assert [finding.detail for finding in judgement.findings] == ["Order.customer"]


def test_a_page_without_eager_loads_is_skipped() -> None:
    assert judged().outcome is Outcome.SKIPPED
