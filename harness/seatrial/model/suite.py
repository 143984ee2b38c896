"""Evidence that the team's own tests bring home in passive mode."""

from dataclasses import dataclass
from enum import StrEnum

from seatrial.model.findings import Place


class Looked(StrEnum):
    """How much of an answer a test has read."""

    NOTHING = "nothing"
    BODY = "body"
    """Something of it, and not its status."""
    STATUS = "status"
    UNSEEN = "unseen"
    """The answer reached the test by a way that cannot be watched."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A request to a URL, or with a method, that no route serves."""

    method: str
    path: str
    """Without the query string."""
    status: int
    """404 or 405."""
    looked: Looked
    place: Place | None = None
    """The line that sent it."""


@dataclass(frozen=True, slots=True)
class TestRun:
    """One test and the strays that it sent."""

    __test__ = False  # pytest takes classes of this name for tests

    test: str
    """pytest's id of it."""
    passed: bool
    strays: tuple[Stray, ...] = ()
