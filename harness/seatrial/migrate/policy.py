"""How patient an upgrade is, and the errors that end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.model.errors import BrokenError


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds, if nothing else is said.

    A build that waits for a lock stalls nobody, so it may wait long: giving up early only makes invalid indexes. Other
    DDL takes a lock that everybody queues behind, so it waits briefly and tries again.
    """

    lock_s: float = 60.0
    """A build's wait for one lock or one old transaction."""
    deadline_s: float = 3600.0
    """For one index, everything together."""
    preflight_s: float = 60.0
    """Wait for transactions that are in the way, before anything is begun."""
    old_s: float = 5.0
    """A transaction of this age is in the way."""
    idle_s: float = 1.0
    """So is a session that has sat idle in a transaction for this long: shorter is normal between two statements."""
    attempts: int = 5
    pause_s: float = 0.5
    """Before the second attempt; doubled for each further one."""
    run_lock_s: float = 600.0
    """For another upgrade of the same database to end."""
    poll_s: float = 0.5
    short_lock_s: float = 3.0
    """Of DDL that locks everybody out."""
    analyze: bool = True
    tell: Callable[[str], None] = lambda _: None
    """Is told what takes long, when it begins."""


class BlockedError(BrokenError):
    """Something was in the way for too long. Nothing half done is left."""


class RefusedError(BrokenError):
    """The server, or the account, does not let us."""
