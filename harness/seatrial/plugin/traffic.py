"""What passive mode saw of each route: plain numbers that add up across requests, threads and xdist workers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seatrial.model.envelope import Shape
from seatrial.model.findings import Place
from seatrial.model.suite import Looked, Stray, TestRun

Key = tuple[str, str, str, str]
"""App (its import name), method, rule, endpoint."""

PLACES = 3
"""Places of one rule that are kept per route."""


class Note(NamedTuple):
    """Where something was seen."""

    rule: str
    place: str
    """`app/views.py:12`, or empty."""
    statement: str
    """With placeholders, never with values."""


@dataclass(slots=True)
class Traffic:
    """All requests that one route answered."""

    counts: Counter[int] = field(default_factory=Counter)
    """Requests by how many statements (select and dml) they sent, counted in an app context of their own."""
    low: Counter[int] = field(default_factory=Counter)
    """The same of requests inside an app context that the test had pushed: too low, so not proved."""
    statuses: Counter[int] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    """Requests that a rule would have named, by its code."""
    errors: Counter[str] = field(default_factory=Counter)
    """4xx and 5xx answers by the shape of their body; those for API clients with `api ` in front."""
    json: int = 0
    """2xx answers that are JSON: a route that sends some has API clients."""
    slow: int = 0
    """Statements over the limit."""
    notes: dict[Note, None] = field(default_factory=dict)
    """What repeated, wrote or was slow, the first few."""

    def note(self, note: Note) -> None:
        if sum(known.rule == note.rule for known in self.notes) < PLACES:
            self.notes[note] = None

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

    @property
    def misshapen(self) -> dict[str, int]:
        """Errors that API clients got in another shape than the envelope."""
        found = {}
        for shape in (Shape.JSON, Shape.HTML, Shape.OTHER):
            times = self.errors[f"api {shape}"] + (self.errors[shape] if self.json else 0)
            if times:
                found[shape.value] = times
        return found

    def add(self, other: Traffic) -> None:
        self.counts += other.counts
        self.low += other.low
        self.statuses += other.statuses
        self.seen += other.seen
        self.errors += other.errors
        self.json += other.json
        self.slow += other.slow
        for note in other.notes:
            self.note(note)

    def export(self) -> dict[str, Any]:
        counters = (self.counts, self.low, self.statuses, self.seen, self.errors)
        return {
            "counters": [list(map(list, counter.items())) for counter in counters],
            "numbers": [self.json, self.slow],
            "notes": [list(note) for note in self.notes],
        }

    @classmethod
    def imported(cls, exported: dict[str, Any]) -> Traffic:
        counts, low, statuses, seen, errors = (Counter(dict(pairs)) for pairs in exported["counters"])
        json, slow = exported["numbers"]
        notes = dict.fromkeys(Note(*note) for note in exported["notes"])
        return cls(counts, low, statuses, seen, errors, json, slow, notes)


class Log:
    """The traffic of one process, or of several after `merge`."""

    def __init__(self) -> None:
        self.routes: dict[Key, Traffic] = {}
        self.unserved = 0
        """Requests that no route of the app answered."""
        self.runs: list[TestRun] = []
        """Tests that sent some of them, and passed."""
        self.missed: Counter[str] = Counter()
        """Requests that could not be recorded, by the reason."""

    def of(self, key: Key) -> Traffic:
        return self.routes.setdefault(key, Traffic())

    def export(self) -> dict[str, Any]:
        """Built-in types only: this is what xdist carries from a worker to its controller."""
        return {
            "routes": [[list(key), traffic.export()] for key, traffic in self.routes.items()],
            "unserved": self.unserved,
            "runs": [[run.test, run.passed, list(map(_plain, run.strays))] for run in self.runs],
            "missed": dict(self.missed),
        }

    def merge(self, exported: dict[str, Any]) -> None:
        for (app, method, rule, endpoint), traffic in exported["routes"]:
            self.of((app, method, rule, endpoint)).add(Traffic.imported(traffic))
        self.unserved += exported["unserved"]
        self.runs += [TestRun(test, passed, tuple(map(_stray, strays))) for test, passed, strays in exported["runs"]]
        self.missed.update(exported["missed"])


def _plain(stray: Stray) -> list[Any]:
    place = stray.place
    where = [place.path, place.line, place.text] if place is not None else []
    return [stray.method, stray.path, stray.status, stray.looked.value, where]


def _stray(plain: list[Any]) -> Stray:
    method, path, status, looked, where = plain
    return Stray(method, path, status, Looked(looked), Place(*where) if where else None)
