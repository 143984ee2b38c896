"""Evidence of a CSRF trial: what was sent to one unsafe route, and whether the body of its view was entered."""

from dataclasses import dataclass

from seatrial.model.evidence import Exchange
from seatrial.model.findings import Place
from seatrial.model.requests import Request

OWN, NONE, FOREIGN, TAMPERED = "own token", "no token", "a foreign session's token", "a tampered token"
QUERY, REFERER = "own token in the query", "own token with a foreign Referer"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of the trial."""

    case: str
    entered: bool = False
    """The body of the view was called."""
    by_origin: bool = False
    """It would have been, had it come from the own site: the defence reads where a request comes from."""
    status: int = 0
    """Of the answer; 0 where the body was stopped at its first line."""
    changed: int = 0
    """Statements that changed rows, and calls to the outside, beyond those that every request makes."""
    checked: bool = False
    """The library's own check was called inside of the body."""
    failure: str = ""
    request: Request | None = None
    """What was sent, and what came back of it."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A before_request hook in front of the protection's own, and what it was seen to do."""

    name: str
    place: Place | None = None
    acts: str = ""
    """What it did (`writes 'theme' to the session`), or empty."""


@dataclass(frozen=True, slots=True)
class CsrfTrial:
    """Everything that is known of the protection of one unsafe route, as one identity."""

    answer: Exchange
    """Of the request with a valid token, where the body was not entered; else without a status."""
    protection: str = ""
    """The library that was recognised, or empty."""
    control: Attempt = Attempt(OWN)
    attempts: tuple[Attempt, ...] = ()
    """Requests that were stopped at the first line of the body."""
    acted: tuple[Attempt, ...] = ()
    """Those that were let in, once more and without the wire: a check may stand in the body itself. `control` last."""
    token: str = ""
    """Where the own token came from (`a form on /login`), or empty where there is none."""
    needless: str = ""
    """Why this route needs no token, or empty."""
    form: bool = False
    """The body asks a form of Flask-WTF's, which checks the token itself."""
    unseen: str = ""
    """Why entry into the body cannot be seen, or empty."""
    exempt: str = ""
    """`package.module.name` by which the library knows this view as exempt, or empty."""
    sharing: tuple[str, ...] = ()
    """Endpoints of other views that have the same name."""
    meant: bool = False
    """The view's own decorators say that it is exempt."""
    hooks: tuple[Hook, ...] = ()
    wrote: bool = False
    """Rows were changed: the database must be put back."""

    @property
    def subject(self) -> str:
        return self.answer.subject

    @property
    def asked(self) -> tuple[Request, ...]:
        """The forged requests; where one was let in, what it was answered comes after it."""
        return tuple(a.request for a in (*self.attempts, *self.acted, self.control) if a.request is not None)
