"""Evidence of a trial of a log-in with a provider: what it asked for, and what became of each bad answer."""

from dataclasses import dataclass

from seatrial.model.inventory import ANONYMOUS, Route
from seatrial.model.requests import Request, Sent

FORGED_HOST = "seatrial-forged.example"
"""A host that is nobody's (RFC 2606)."""
STATE, NONCE, TOKEN, ERROR = "state", "nonce", "token", "error"
"""What a case is about: the browser's own flow, this very log-in, the ID token, an answer that is an error."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the app asked the provider for, in two log-ins of two browsers."""

    challenge: str = ""
    """`code_challenge_method` where there is a code_challenge (`plain` where none is named), or empty."""
    challenge_fresh: bool = True
    verifier: str = ""
    """What is wrong with the code_verifier that the token end point got, or empty."""
    state: bool = False
    state_fresh: bool = True
    openid: bool = False
    """`openid` is in the scope: an ID token comes back."""
    nonce: bool = False
    nonce_fresh: bool = True
    redirect_same: bool = True
    """The token end point got the redirect_uri that the authorization end point got."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One log-in in which one thing was wrong."""

    case: str
    about: str
    clause: str
    """Where it says that this must be refused."""
    logged_in: bool = False
    status: int = 0
    raised: str = ""
    """Type of the exception that nobody caught."""
    leaked: str = ""
    """Which secret was in the body of the answer, or empty."""
    failure: str = ""
    undriven: str = ""
    """Why this could not be tried on this app, or empty."""
    policy: bool = False
    """Refusing it is good practice and demanded by no standard."""
    by_default: bool = False
    """Authlib itself lets it in where the app asks for nothing more."""

    @property
    def crashed(self) -> bool:
        return self.status >= 500

    def request(self, callback: Route) -> Request:
        """The request that came back from the provider. Code and state are new each time: a provider gives them."""
        said = ["logged in"] if self.logged_in else []
        said += [f"the answer shows {self.leaked}"] if self.leaked else []
        return Request(
            callback.method,
            f"{callback.path or callback.rule}?code=<from the provider>&state=<from the browser's own log-in>",
            ANONYMOUS,
            case=self.case,
            status=self.status or None,
            said=" and ".join(said),
        )


@dataclass(frozen=True, slots=True)
class Host:
    """The beginning of a log-in with a forged host."""

    header: str
    status: int
    followed: bool
    """The redirect_uri pointed to the forged host."""

    def request(self, start: Route) -> Request:
        value = f"host={FORGED_HOST}" if self.header == "Forwarded" else FORGED_HOST
        sent = Sent(((self.header, value),))
        said = "the redirect_uri follows it" if self.followed else "the redirect_uri stays"
        path = start.path or start.rule
        return Request(start.method, path, ANONYMOUS, sent, "a forged host", self.status or None, said=said)


@dataclass(frozen=True, slots=True)
class OAuthTrial:
    """A log-in with a provider that misbehaves, one way after the other."""

    route: Route | None = None
    """Where it begins; None where no such route was found."""
    callback: Route | None = None
    library: str = ""
    """Authlib and its version, or empty where the client is made by hand."""
    proof: str = ""
    """How somebody who is logged in was told from a stranger (`GET /account`, `the session has user_id`)."""
    reason: str = ""
    """Why the happy flow, before or after all others, logged nobody in; or empty."""
    authorization: Authorization | None = None
    """None: the log-in did not even begin."""
    attempts: tuple[Attempt, ...] = ()
    hosts: tuple[Host, ...] = ()
    planted: bool | None = None
    """What was in the session before the log-in was there afterwards; None: that could not be seen."""
    same_id: bool = False
    """The session is kept by the server, and its id was the same afterwards."""
    failure: str = ""
    """The host hung or ended."""
    wrote: bool = False

    @property
    def asked(self) -> tuple[Request, ...]:
        """Where the log-in begins."""
        if self.route is None:
            return ()
        return (Request(self.route.method, self.route.path or self.route.rule, ANONYMOUS, case="a log-in begins"),)

    def about(self, *topics: str) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.attempts if attempt.about in topics)
