"""The reference that everything is compared with."""

import time
from typing import Any

from seatrial.faults.bench import TWIN_GAP_S, Bench, Ran
from seatrial.faults.children import Work
from seatrial.faults.shapes import Table
from seatrial.faults.wire import Fault

SCHEMA = {"event": Table("event", ("id",), {}, {"id": "integer", "name": "text"})}


class Rows:
    """A keeper whose database has one row more after each delivery."""

    schema = SCHEMA

    def reset(self, *, bump: bool = False) -> None:
        pass

    def delta(self) -> Any:
        return {"event": ([{"id": 1, "name": "evt"}], [])}


class SlowAtFirst(Bench):
    """As an app is whose first request imports what it needs."""

    def __init__(self) -> None:
        self.keeper: Any = Rows()
        self.began: list[float] = []
        self.ended: list[float] = []

    def send(self, work: Work, fault: Fault | None = None) -> Ran:
        self.began.append(time.monotonic())
        time.sleep(0 if self.ended else 0.5)
        self.ended.append(time.monotonic())
        return Ran(200)


def test_the_second_clean_delivery_comes_a_second_after_the_first_has_ended() -> None:
    """A first one that is slow writes late: in the same second as the next, its times would seem never to differ."""
    bench = SlowAtFirst()
    reference, _ = bench.reference([lambda wire: None], "evt", frozenset())
    assert reference.ledger == {"event"}
    assert bench.began[1] - bench.ended[0] >= TWIN_GAP_S - 0.01 > 1
