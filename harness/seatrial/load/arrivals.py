"""When requests are due: a schedule that never looks at the answers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from seatrial.model.errors import ConfigurationError

Kind = Literal["poisson", "even"]
HIGHEST = 1_000_000.0
"""Arrivals per second: more is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds over which the rate goes in a straight line from one value to another."""

    seconds: float
    first: float
    last: float

    @property
    def arrivals(self) -> float:
        return self.seconds * (self.first + self.last) / 2

    def when(self, due: float) -> float:
        """Seconds into the stretch at which so many arrivals have come."""
        rise = (self.last - self.first) / self.seconds
        if abs(rise) < 1e-12:
            return due / self.first
        return (math.sqrt(max(0.0, self.first**2 + 2 * rise * due)) - self.first) / rise


def stretches(rate: str, duration_s: float, warm_up_s: float = 0.0) -> tuple[Stretch, ...]:
    """`50` is constant, `10..100` a ramp, `10,20,40` are equal steps. Warming up runs at the first rate.

    Raises:
        ConfigurationError: It is none of these.
    """
    try:
        if ".." in rate:
            first, last = (float(part) for part in rate.split(".."))
            rates = [(first, last)]
        else:
            rates = [(float(part), float(part)) for part in rate.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 < value <= HIGHEST for pair in rates for value in pair):
        raise ConfigurationError(
            f"--rate {rate}: write requests per second as 50, a ramp as 10..100, or steps as 10,20,40 "
            f"(each above 0, at most {HIGHEST:,.0f})"
        )
    each = duration_s / len(rates)
    warming = [Stretch(warm_up_s, rates[0][0], rates[0][0])] if warm_up_s > 0 else []
    return (*warming, *(Stretch(each, first, last) for first, last in rates))


def arrivals(
    plan: tuple[Stretch, ...], *, kind: Kind, workers: int = 1, source: random.Random | None = None
) -> Iterator[float]:
    """Seconds since the start at which one of `workers` processes has to send, in order, to the end of the plan.

    The sum of Poisson streams is Poisson, so that workers need not know of each other. Evenly spaced ones begin at a
    random phase where there are several.
    """
    source = source or random.Random()
    due = 0.0 if workers == 1 else source.random()
    passed, began = 0.0, 0.0  # arrivals and seconds of the stretches that lie behind
    if kind == "poisson":
        due += source.expovariate(1.0)
    for stretch in plan:
        size = stretch.arrivals / workers
        while due < passed + size - 1e-9:
            yield began + stretch.when((due - passed) * workers)
            due += source.expovariate(1.0) if kind == "poisson" else 1.0
        passed, began = passed + size, began + stretch.seconds
