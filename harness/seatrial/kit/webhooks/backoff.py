"""When a failed event is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Backoff:
    """Exponential, with a cap and jitter: the delay after attempt n is drawn from [d/2, d], d = min(cap, base · 2ⁿ⁻¹).

    The defaults try over about 31 hours: within the three days of Stripe's own deliveries, and the thirty within which
    an event can be fetched again.
    """

    base: timedelta = timedelta(minutes=1)
    cap: timedelta = timedelta(hours=6)
    attempts: int = 12
    """Tries until an event is a dead letter."""
    draw: Callable[[], float] = random.random
    """In [0, 1)."""

    def __post_init__(self) -> None:
        if self.base <= timedelta() or self.cap < self.base or self.attempts < 1:
            raise ValueError("Backoff needs base > 0, cap >= base and attempts >= 1")

    def delay(self, attempts: int) -> timedelta:
        """How long to wait after this many attempts (from 1)."""
        # min() first: 2 ** 1000 seconds is no timedelta.
        whole = min(self.cap, self.base * 2 ** min(max(attempts, 1) - 1, 40)) if attempts < 40 else self.cap
        return whole / 2 + whole / 2 * self.draw()

    def exhausted(self, attempts: int) -> bool:
        return attempts >= self.attempts
