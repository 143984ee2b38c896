"""What passive mode saw of each route: plain numbers that add up across requests, threads and xdist workers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str, str]
"""App (its import name), method, rule, endpoint."""

PLACES = 3
"""Places of repeated statements that are kept per route."""


@dataclass(slots=True)
class Traffic:
    """All requests that one route answered."""

    counts: Counter[int] = field(default_factory=Counter)
    """Requests by how many statements (select and dml) they sent, counted in an app context of their own."""
    low: Counter[int] = field(default_factory=Counter)
    """The same of requests inside an app context that the test had pushed: too low, so not proved."""
    statuses: Counter[int] = field(default_factory=Counter)
    repeats: int = 0
    """Requests that SQL003 would warn of."""
    writes: int = 0
    """Requests that SQL006 would fail: a safe method wrote."""
    slow: int = 0
    """Statements over the limit."""
    places: dict[str, None] = field(default_factory=dict)
    """Sentences on what repeated or wrote, the first few."""

    def note(self, sentence: str) -> None:
        if len(self.places) < PLACES:
            self.places[sentence] = None

    @property
    def requests(self) -> int:
        return self.counts.total() + self.low.total()

    @property
    def proved(self) -> bool:
        """At least one count can be believed."""
        return bool(self.counts)

    @property
    def largest(self) -> int:
        return max(self.counts or self.low, default=0)

    @property
    def median(self) -> int:
        ordered = sorted((self.counts or self.low).elements())
        return ordered[len(ordered) // 2] if ordered else 0

    def add(self, other: Traffic) -> None:
        self.counts += other.counts
        self.low += other.low
        self.statuses += other.statuses
        self.repeats += other.repeats
        self.writes += other.writes
        self.slow += other.slow
        for sentence in other.places:
            self.note(sentence)


class Log:
    """The traffic of one process, or of several after `merge`."""

    def __init__(self) -> None:
        self.routes: dict[Key, Traffic] = {}
        self.unserved = 0
        """Requests that no route of the app answered."""
        self.missed: Counter[str] = Counter()
        """Requests that could not be recorded, by the reason."""

    def of(self, key: Key) -> Traffic:
        return self.routes.setdefault(key, Traffic())

    def export(self) -> dict[str, Any]:
        """Built-in types only: this is what xdist carries from a worker to its controller."""
        return {
            "routes": [
                [
                    list(key),
                    [list(map(list, c.items())) for c in (traffic.counts, traffic.low, traffic.statuses)],
                    [traffic.repeats, traffic.writes, traffic.slow],
                    list(traffic.places),
                ]
                for key, traffic in self.routes.items()
            ],
            "unserved": self.unserved,
            "missed": dict(self.missed),
        }

    def merge(self, exported: dict[str, Any]) -> None:
        for key, counters, (repeats, writes, slow), places in exported["routes"]:
            counts, low, statuses = (Counter(dict(pairs)) for pairs in counters)
            app, method, rule, endpoint = key
            self.of((app, method, rule, endpoint)).add(
                Traffic(counts, low, statuses, repeats, writes, slow, dict.fromkeys(places))
            )
        self.unserved += exported["unserved"]
        self.missed.update(exported["missed"])
