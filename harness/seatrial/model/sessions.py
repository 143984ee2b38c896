"""Evidence of what logging in and logging out do to a session. Plain, picklable data."""

import re
from dataclasses import dataclass

from seatrial.model.inventory import ANONYMOUS, Route

_LEAVES = re.compile(r"(?<![a-z])(log|sign)[-_]?(out|off)(?![a-z])", re.IGNORECASE)
_ENTERS = re.compile(r"(?<![a-z])(log|sign)[-_]?(in|on)(?![a-z])", re.IGNORECASE)


def logs_out(route: Route) -> bool:
    """By its name alone: nobody else knows."""
    return bool(_LEAVES.search(route.rule) or _LEAVES.search(route.endpoint))


def logs_in(route: Route) -> bool:
    """By its name alone; `Inventory.doors` knows the routes that somebody really logged in through."""
    return not logs_out(route) and bool(_ENTERS.search(route.rule) or _ENTERS.search(route.endpoint))


@dataclass(frozen=True, slots=True)
class LogIn:
    """One log-in through the form, with a session that was there before."""

    route: Route
    identity: str = ""
    """Who logged in; empty where nobody does."""
    failure: str = ""
    """Why it could not be tried, or empty."""
    kept: str = ""
    """Class that keeps the session, `the cookie` for Flask's own."""
    proof: str = ""
    """Page that only this identity sees."""
    closed_before: bool = False
    """The session did not open that page before the log-in."""
    answered: int = 0
    """What that page answered afterwards."""
    planted: bool = False
    """A value could be put into the session before the log-in, and was there."""
    survived: tuple[str, ...] = ()
    """Names that were in the session before, and after, with the value that they had."""
    old_cookie: int = 0
    """What that page answers to a copy of the cookies from before the log-in; 0: there were none."""
    token: str = ""
    """Where the CSRF token of the session before came from, or empty where there was none."""
    token_route: str = ""
    """The route that tokens were tried on, or empty where the own token of the new session entered none."""
    old_token_enters: bool = False
    wrote: bool = False

    @property
    def subject(self) -> str:
        return self.route.subject(ANONYMOUS)

    @property
    def works(self) -> bool:
        """The control: the log-in opened a page that was closed."""
        return self.closed_before and 200 <= self.answered < 300


@dataclass(frozen=True, slots=True)
class LogOut:
    """One log-out, with a copy of the cookies kept elsewhere."""

    route: Route
    identity: str = ANONYMOUS
    failure: str = ""
    kept: str = ""
    """As of `LogIn`."""
    proof: str = ""
    copy_before: int = 0
    """What the page answered to the copy before the log-out."""
    answered: int = 0
    """By the log-out."""
    after: int = 0
    """What the page answered to who logged out."""
    copy_after: int = 0
    """What it answered to the copy."""
    wrote: bool = False

    @property
    def subject(self) -> str:
        return self.route.subject(self.identity)
