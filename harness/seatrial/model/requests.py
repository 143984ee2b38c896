"""A request as a person could send it again, and what came back: the evidence that a sceptic asks for first.

Never a token, a cookie or a password: where one was sent, the text says in angle brackets where to take one from.
"""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request carried besides its method and path."""

    headers: tuple[tuple[str, str], ...] = ()
    """As sent by the trial; those that every client adds by itself are left out."""
    body: str = ""
    """As text, cut where it is long."""


NOTHING = Sent()
"""A plain request: what every client sends."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a trial."""

    method: str
    path: str
    """With its query string."""
    identity: str
    """Whose session it was sent in; `anonymous` without one."""
    sent: Sent = NOTHING
    case: str = ""
    """Why it was sent (`no token`, `page is not a number`); empty for a plain visit."""
    status: int | None = None
    """Of the answer; None where none was waited for."""
    entered: bool | None = None
    """Whether the body of the view was entered; None where that was not watched."""
    said: str = ""
    """What else came back, in words."""

    def saying(self, said: str) -> "Request":
        return replace(self, said=said)

    def told(self) -> dict[str, Any]:
        """For reports; what is not known is left out."""
        known = {
            "request": f"{self.method} {self.path}",
            "as": self.identity,
            "case": self.case,
            "headers": dict(self.sent.headers),
            "body": self.sent.body,
            "status": self.status,
            "entered": self.entered,
            "said": self.said,
        }
        return {name: value for name, value in known.items() if value not in ("", {}, None)}
