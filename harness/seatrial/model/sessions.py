"""Evidence of what logging in and logging out do to a session. Plain, picklable data."""

import re
from dataclasses import dataclass

from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.requests import Request, Sent

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
    def asked(self) -> tuple[Request, ...]:
        """The log-in in a browser that has a session already, and what the cookies from before it open."""
        path = self.route.path or self.route.rule
        planted = Sent((("Cookie", "<the session cookie of a stranger>"),), "<the log-in form, filled in>")
        found = [Request(self.route.method, path, ANONYMOUS, planted, "a log-in with a session from before")]
        if self.old_cookie:
            found.append(self._page(self.old_cookie, "a copy of the cookies from before the log-in"))
        if self.survived:
            found.append(self._page(self.answered, "", f"still in the session: {', '.join(self.survived)}"))
        if self.old_token_enters:
            method, _, rule = self.token_route.partition(" ")
            token = Sent(body=f"<the CSRF token that {self.token} showed before the log-in>")
            case = "the token from before the log-in"
            found.append(Request(method, rule, self.identity, token, case, entered=True))
        return tuple(found)

    def _page(self, status: int, case: str, said: str = "") -> Request:
        method, _, path = self.proof.partition(" ")
        return Request(method, path, self.identity, case=case, status=status or None, said=said)

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
    needless: str = ""
    """Why there is no session whose cookie could be copied, or empty."""
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

    @property
    def asked(self) -> tuple[Request, ...]:
        """The log-out, and what a copy of the cookies from before it opens."""
        method, _, page = self.proof.partition(" ")
        path = self.route.path or self.route.rule
        return (
            Request(self.route.method, path, self.identity, case="the log-out", status=self.answered or None),
            Request(
                *(method, page, self.identity),
                sent=Sent((("Cookie", "<a copy from before the log-out>"),)),
                case="a copy of the cookies",
                status=self.copy_after or None,
            ),
        )
