"""`seatrial compare`: what looks slower once is judged by times that were not chosen for it."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.compare import routes
from seatrial.model.inventory import Access
from seatrial.stats.pairs import paired_ratio

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

    def best(side: Any, route: Any, _: str) -> float:
        if side.name == "base":
            return 1.0
        asked.append(route.rule)
        return next(slow[route.rule])

    monkeypatch.setattr(routes, "_best", best)
    monkeypatch.setattr(routes, "ROUND_S", 0.0)
    base, head = revision("base", *slow), revision("head", *slow)
    found = routes.compare(base, head, pairs=PAIRS, pattern=None, progress=lambda *_: None)
    assert all(len(comparison.pairs) == PAIRS for comparison in found)
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
