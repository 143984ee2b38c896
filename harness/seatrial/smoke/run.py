"""Smokes deployments, several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from seatrial.smoke.ready import arrive

if TYPE_CHECKING:
    from seatrial.smoke.course import Smoked
    from seatrial.smoke.plan import Plan

Said = Callable[[str], None]
MOST_HOSTS = 16
"""Deployments that are asked at the same time."""


def smoke(plan: Plan, said: Said = lambda _: None) -> Smoked:
    """Everything about one deployment.

    Raises:
        ConfigurationError: The file of authorities is none.
    """
    started = time.monotonic()
    front = arrive(plan, said)
    # The rules take longer to import than a deployment takes to answer: the first request goes before them.
    from seatrial.smoke.course import Course

    found = Course(plan, front, said).whole()
    found.elapsed_s = time.monotonic() - started
    return found


def smoke_all(plans: Sequence[Plan], said: Said = lambda _: None) -> list[Smoked]:
    """Several deployments at once, in their order."""
    if len(plans) == 1:
        return [smoke(plans[0], said)]
    with ThreadPoolExecutor(min(len(plans), MOST_HOSTS), thread_name_prefix="smoke-hosts") as pool:
        return list(pool.map(lambda plan: smoke(plan, said), plans))
