"""LAT002, LAT003 and MEM001 on evidence made by hand: what convicts, what acquits, what is not enough."""

import math
from dataclasses import replace

import pytest

from seatrial.model.comparison import Comparison, Side
from seatrial.model.evidence import Exchange
from seatrial.model.findings import Place
from seatrial.model.inventory import Route
from seatrial.model.latency import Timings
from seatrial.model.leaks import GrownLine, LeakTrial, Series
from seatrial.model.outcomes import Outcome
from seatrial.model.rules import Context
from seatrial.rules import lat, mem
from seatrial.rules.regression import regression
from seatrial.stats.leaks import persists, quiet
from seatrial.stats.pairs import abba, paired_ratio

ROUTE = Route("GET", "/items/", "items")
HOT = Context(hot=frozenset({"GET /items/"}))


def timings(*calls: float, status: int = 200, unlike: str = "") -> Timings:
    return Timings(Exchange(ROUTE, "anonymous", "/items/", status), calls, unlike)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (timings(*[150.0] * 20), Outcome.PASS),
        (timings(*[250.0] * 20), Outcome.FAIL),
        (timings(*[150.0] * 18, 900.0, 900.0), Outcome.PASS),
        (timings(*[150.0] * 10, *[250.0] * 10), Outcome.NOT_PROVED),
        (timings(*[250.0] * 5), Outcome.NOT_PROVED),
        (timings(*[250.0] * 6), Outcome.FAIL),
        (timings(), Outcome.NOT_PROVED),
        (timings(*[5.0] * 20, status=302), Outcome.NOT_PROVED),
        (timings(*[5.0] * 20, unlike="500"), Outcome.NOT_PROVED),
    ],
    ids=["fast", "slow", "two slow calls", "in between", "too few", "just enough", "none", "redirect", "changes"],
)
def test_response_time(evidence: Timings, expected: Outcome) -> None:
    assert lat.response_time(evidence, HOT).outcome is expected


def test_only_hot_paths_are_timed() -> None:
    assert lat.response_time(timings(*[900.0] * 20), Context()).outcome is Outcome.SKIPPED


def compared(*pairs: tuple[float, float], base: str = "200", head: str = "200", statements: int = 5) -> Comparison:
    return Comparison("GET /items/ items [anonymous]", Side(base, 5, 40), Side(head, statements, 40), pairs)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (compared(*[(10.0, 10.5)] * 15), Outcome.PASS),
        (compared(*[(10.0, 11.5)] * 15), Outcome.FAIL),
        (compared(*[(10.0, 9.0)] * 7, *[(10.0, 20.0)] * 8), Outcome.NOT_PROVED),
        (compared(*[(10.0, 20.0)] * 6), Outcome.NOT_PROVED),
        (compared(*[(10.0, 10.0)] * 15, statements=6), Outcome.FAIL),
        (compared(*[(10.0, 10.0)] * 15, statements=4), Outcome.PASS),
        (compared(head="500"), Outcome.NOT_PROVED),
        (compared(), Outcome.NOT_PROVED),
    ],
    ids=["5 %", "15 %", "either way", "too few", "one statement more", "one less", "head broke", "no pair"],
)
def test_regression(evidence: Comparison, expected: Outcome) -> None:
    assert regression(evidence).outcome is expected


def test_pairs() -> None:
    ratio = paired_ratio([(10.0, 10.0 + n) for n in range(15)])
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high) == (1.7, 1.2, 2.2)
    assert paired_ratio([]) is None
    few = paired_ratio([(1.0, 2.0)] * 6)
    assert few is not None
    assert few.low is None
    assert [abba(n) for n in range(4)] == [(0, 1), (1, 0), (0, 1), (1, 0)]


CALM = {"heap": (40.0, 12.0), "containers": (0.0, 0.0), "descriptors": (0.0, 0.0), "threads": (0.0, 0.0)}


def trial(place: Place | None = None, unseen: str = "", failure: str = "", **series: tuple[float, ...]) -> LeakTrial:
    told = tuple(Series(name, values) for name, values in {**CALM, "own": (0.0, 0.0), **series}.items())
    lines = (GrownLine(place, 90.0),) if place else ()
    return LeakTrial("GET /items/ items [anonymous]", 660, (40, 80, 160, 320), told, lines, unseen, failure)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (trial(), Outcome.PASS),
        (trial(own=(95.0, 90.0, 90.0, 90.0)), Outcome.FAIL),
        (trial(own=(95.0, 90.0, 60.0, 20.0)), Outcome.PASS),
        (trial(own=(2047.0, 129.0, 72.0, 138.0)), Outcome.FAIL),
        (trial(descriptors=(1.0, 1.0, 1.0, 1.0)), Outcome.FAIL),
        (trial(unseen="native memory"), Outcome.NOT_PROVED),
        (trial(unseen="native memory", own=(90.0, 90.0, 90.0, 90.0)), Outcome.FAIL),
        (trial(failure="answered 302"), Outcome.NOT_PROVED),
        (LeakTrial("GET /items/ items [anonymous]"), Outcome.NOT_PROVED),
        (trial(own=(5.0,)), Outcome.NOT_PROVED),
    ],
    ids=[
        "calm",
        "own",
        "fades",
        "what moved",
        "descriptors",
        "unseen",
        "seen enough",
        "no page",
        "empty",
        "one window",
    ],
)
def test_leak(evidence: LeakTrial, expected: Outcome) -> None:
    assert mem.leak(evidence).outcome is expected


def test_a_leak_is_found_at_its_line_and_native_memory_says_that_it_has_none() -> None:
    place = Place("shop/visits.py", 12, "SEEN.append(visit)")
    [found] = mem.leak(trial(place, own=(90.0, 90.0, 90.0, 90.0))).findings
    assert found.place == place
    assert "by 90 B per call on its own lines, most of it for shop/visits.py:12" in found.message
    [native] = mem.leak(trial(heap=(2048.0, 2048.0, 2048.0, 2048.0))).findings
    assert "no line of Python allocates that: it is native code" in native.message


def test_growth_in_one_jump_and_noise_are_no_leak() -> None:
    """The first two are measured: a dict of receivers that became larger, and answers of all sizes."""
    climbs = tuple(90.0 * call for call in range(0, 321, 20))
    in_steps = tuple(8000.0 * (call // 100) for call in range(0, 321, 20))  # a list is made larger now and then
    jumps = (0.0,) * 8 + (41_000.0,) * 9
    wavers = (0.0, 90e3, -80e3, 5e3, 130e3, -20e3, 60e3, -110e3, 12e3, 88e3, -45e3, 20e3, 70e3, -60e3, 9e3, 99e3, 94e3)
    heap = (239.0, 239.0, 104.0, 137.0)
    for within, expected in ((climbs, True), (in_steps, True), (jumps, False), (wavers, False), ((5.0,) * 17, False)):
        assert persists(heap, 64, within) is expected
        judged = mem.leak(replace(trial(), series=(Series("heap", heap, within), Series("own", (0.0, 0.0)))))
        assert judged.outcome is (Outcome.FAIL if expected else Outcome.PASS)


def test_growth_that_stays() -> None:
    assert persists((90, 90, 90, 90), 16)
    assert not persists((90, 45, 20, 10), 16)
    assert not persists((90, 90, 90, 40), 16)
    assert not persists((90,), 16)
    assert quiet({"own": [3000, 2, 1]})
    assert not quiet({"own": [3000, 1]})
    assert not quiet({"own": [1]})


def test_words_for_intervals() -> None:
    assert lat.between(10, 20) == "10 ms to 20 ms"
    assert lat.between(10, math.inf) == "at least 10 ms"
    assert lat.between(0, 20) == "at most 20 ms"
    assert lat.between(0, math.inf) == "unknown"
