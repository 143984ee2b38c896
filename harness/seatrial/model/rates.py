"""Rate limits of a route, and what became of the attempts against them. Plain, picklable data."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.requests import Request

_FOLDER = re.compile(r"(^|/)(auth|oauth2?|oidc|sso|saml)(/|$)", re.IGNORECASE)
_DOOR = re.compile(
    r"(log|sign)[-_]?in|(forgot|forgotten|reset|recover|lost)[-_]?password|password[-_]?(forgot|reset|recovery)"
    r"|2fa|mfa|otp|one[-_]?time[-_]?(code|password)",
    re.IGNORECASE,
)


def guards_accounts(route: Route) -> bool:
    """Log-in, reset of a password, a second factor, and whatever stands in a folder for signing in."""
    words = [part for part in route.rule.split("/") if "<" not in part]
    return bool(_FOLDER.search(route.rule)) or any(_DOOR.fullmatch(word) for word in words)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit, as the app resolves it for a route and a method."""

    text: str
    amount: int
    """Requests that it lets through."""
    window_s: int
    key: str = ""
    """Name of the function whose result is counted under."""
    own: bool = True
    """Declared for the route or its blueprint, not a default of the app."""
    conditional: bool = False
    """Not every request counts: `exempt_when`, `deduct_when`, or a cost that is computed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request against a limit."""

    variant: str
    status: int
    retry_after: str = ""
    entered: bool = False
    """The body of the view was reached, as far as that was watched: for the last attempts and all variants."""
    failure: str = ""
    confirmed: bool = True
    """False: the request may mean another account, so that letting it in is nothing to complain of."""
    request: Request | None = None
    """What was sent, and what came back of it."""

    @property
    def refused(self) -> bool:
        return self.status == 429


def requests_of(attempts: Iterable[Attempt]) -> tuple[Request, ...]:
    return tuple(attempt.request for attempt in attempts if attempt.request is not None)


@dataclass(frozen=True, slots=True)
class RateTrial:
    """A stranger at one route, until the limit is reached and beyond."""

    route: Route
    limiter: str = ""
    """Library and version, or empty where none was recognised."""
    off: str = ""
    """What switches the limiter off."""
    limits: tuple[RateLimit, ...] = ()
    dead: str = ""
    """Why a declared limit never runs: `order`, `name`, `exempt`, or empty."""
    reachable: bool = True
    """The storage of the limiter answers."""
    allowed: int = 0
    """Attempts that the tightest limit lets through; 0: not known."""
    attempts: tuple[Attempt, ...] = ()
    """In order, up to the first one that was refused, at most one more than allowed."""
    recovered: bool | None = None
    """After the window had passed the same request was let in again; None: time could not be moved."""
    variants: tuple[Attempt, ...] = ()
    """The refused request in other shapes, while the limit was used up."""
    down: tuple[Attempt, ...] = ()
    """The same attempts while the storage of the limiter fails."""
    failure: str = ""
    """Why the attempts could not be made, or empty."""
    wrote: bool = False
    """The attempts wrote to the database."""

    @property
    def subject(self) -> str:
        return self.route.subject(ANONYMOUS)

    @property
    def asked(self) -> tuple[Request, ...]:
        """The last two attempts: the one that had to be let in, and the one that had to be refused."""
        return requests_of(self.attempts[-2:])

    def let_in(self, attempt: Attempt) -> bool:
        """It got as far as the last attempt that was allowed: into the view, or to the check behind the limit."""
        if attempt.failure or attempt.refused or not attempt.confirmed:
            return False
        accepted = self.attempts[self.allowed - 1]
        return attempt.entered or (not accepted.entered and attempt.status == accepted.status)


@dataclass(frozen=True, slots=True)
class LimiterFacts:
    """Where the app counts."""

    limiter: str = ""
    off: str = ""
    storages: tuple[tuple[str, bool], ...] = field(default=())
    """(class, whether each process has one of its own) per limiter."""
    workers: int = 1
    environment: str = "production"
