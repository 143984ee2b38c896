"""`seatrial compare`: what looks slower once is judged by times that were not chosen for it."""

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.compare import routes
from seatrial.model.inventory import Access
from seatrial.stats.pairs import paired_ratio
from seatrial.trials import latency

PAIRS = 15


def revision(name: str, *rules: str) -> Any:
    pages = {
        f"GET {rule} e [anonymous]": (SimpleNamespace(method="GET", rule=rule, access=Access.PUBLIC), "anonymous")
        for rule in rules
    }
    warm = SimpleNamespace(failure="", status=200, counted=(), rows=0)
    visit = SimpleNamespace(warm=warm)
    return SimpleNamespace(name=name, pages=lambda: pages, pilot=SimpleNamespace(visit=lambda *_: visit))


def compared(monkeypatch: pytest.MonkeyPatch, slow: dict[str, Iterator[float]]) -> tuple[dict[str, float], list[str]]:
    """(low end of the ratio by rule, the rules in the order in which head was asked); base takes 1 ms."""
    asked: list[str] = []
    turns: list[int] = []

    def best(side: Any, route: Any, _: str, turn: int) -> float:
        if side.name == "base":
            return 1.0
        asked.append(route.rule)
        turns.append(turn)
        return next(slow[route.rule])

    monkeypatch.setattr(routes, "_best", best)
    monkeypatch.setattr(routes, "ROUND_S", 0.0)
    base, head = revision("base", *slow), revision("head", *slow)
    found = routes.compare(base, head, pairs=PAIRS, pattern=None, progress=lambda *_: None)
    assert all(len(comparison.pairs) == PAIRS for comparison in found)
    assert set(turns) == {number // 2 for number in range(PAIRS)}
    low = {}
    for comparison in found:
        ratio = paired_ratio(comparison.pairs)
        assert ratio is not None
        assert ratio.low is not None
        low[comparison.subject.split()[1]] = ratio.low
    return low, asked


def forever(*first: float, then: float) -> Iterator[float]:
    yield from first
    while True:
        yield then


def test_a_moment_is_no_regression_and_what_stays_slow_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"/once": forever(*[1.5] * PAIRS, then=1.0), "/always": forever(then=1.5), "/never": forever(then=1.0)}
    low, asked = compared(monkeypatch, pages)
    assert low == {"/once": 1.0, "/always": 1.5, "/never": 1.0}
    assert {rule: asked.count(rule) for rule in pages} == {"/once": 2 * PAIRS, "/always": 2 * PAIRS, "/never": PAIRS}


def test_every_round_asks_every_page_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked = compared(monkeypatch, {"/a": forever(then=1.0), "/b": forever(then=1.0)})
    assert asked == ["/a", "/b"] * PAIRS


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no thread to a processor")
def test_a_burst_stays_on_the_processor_of_its_turn_and_frees_the_thread() -> None:
    allowed = os.sched_getaffinity(0)
    seen: list[set[int]] = []

    def ask(*_: str) -> str:
        seen.append(os.sched_getaffinity(0))
        if len(seen) == 5:
            raise RuntimeError("a page that raises")
        return "200"

    target: Any = SimpleNamespace(client=lambda _: None, ask=ask)
    page: Any = SimpleNamespace(method="GET", path="/")
    for turn in (0, 1):
        assert len(latency.burst(target, page, "anonymous", 9.0, 2, turn)) == 2
    with pytest.raises(RuntimeError):
        latency.burst(target, page, "anonymous", 9.0, 2, 0)
    first, second = {min(allowed)}, {sorted(allowed)[1 % len(allowed)]}
    assert seen == [first, first, second, second, first]
    assert os.sched_getaffinity(0) == allowed
