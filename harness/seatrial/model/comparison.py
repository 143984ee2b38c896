"""One route, or one benchmark, at a base revision and at head, measured in turn in one run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """What one revision does for a route. Of a benchmark nothing is counted."""

    answered: str
    """Status, or why there is none; `ok` for a benchmark that ran."""
    statements: int | None = None
    rows: int | None = None

    @property
    def ok(self) -> bool:
        return self.answered == "ok" or self.answered.startswith("2")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Pairs of times: in each pair one of the base and one of head, a moment apart."""

    subject: str
    base: Side
    head: Side
    pairs: tuple[tuple[float, float], ...] = ()
    """(base, head) in ms per call."""
    reason: str = ""
    """Why it could not be compared, or empty."""
