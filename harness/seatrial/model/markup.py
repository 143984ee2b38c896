"""Evidence of markup that was sent in: where it came back, and whether as text. Plain, picklable data."""

from dataclasses import dataclass
from urllib.parse import quote

from seatrial.model.evidence import Exchange
from seatrial.model.requests import NOTHING, Request, Sent


@dataclass(frozen=True, slots=True)
class Mark:
    """One value with a tag in it that no other value has."""

    name: str
    """Three or four letters and digits; the tag carries it as an attribute."""
    field: str
    request: str
    """`POST /notes`."""
    sent_as: str
    """`form`, `json` or `query`."""

    @property
    def value(self) -> str:
        """Short, for columns are; quotes and a tag, for each context wants another escape."""
        return f"{self.name}\"'<i {self.name}>"

    def sending(self, identity: str) -> Request:
        """The request that brought it in; the other fields of the form are left to whoever sends it again."""
        method, _, path = self.request.partition(" ")
        case = f"markup in '{self.field}'"
        if self.sent_as == "query":
            return Request(method, f"{path}?{quote(self.field)}={quote(self.value)}", identity, NOTHING, case)
        pair = f"{self.field}={self.value}" if self.sent_as == "form" else f'{{"{self.field}": {self.value!r}, …}}'
        return Request(method, path, identity, Sent(body=pair), case)


@dataclass(frozen=True, slots=True)
class Sown:
    """What became of the values that were sent to one route."""

    answer: Exchange
    marks: tuple[Mark, ...] = ()
    taken: bool = False
    """The last request was accepted."""
    shown: tuple["Shown", ...] = ()
    """In its answers."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A value that came back."""

    mark: Mark
    context: str = ""
    """Where it broke out of being text (`an element`, `an attribute`, `a script`), or empty: it was escaped."""


@dataclass(frozen=True, slots=True)
class MarkupTrial:
    """One page, after every form and end point of the app was given marked values."""

    answer: Exchange
    shown: tuple[Shown, ...] = ()
    sent: int = 0
    """Values that were sent in, in the whole app."""
    back: int = 0
    """Of them, those that came back on some page."""

    @property
    def subject(self) -> str:
        return self.answer.subject

    @property
    def asked(self) -> tuple[Request, ...]:
        """What brought the values in that broke out, and the page that shows them."""
        broken = [shown for shown in self.shown if shown.context]
        sent = [shown.mark.sending(self.answer.identity) for shown in broken]
        said = f"has become {broken[0].context}" if broken else ""
        return (*dict.fromkeys(sent), *(request.saying(said) for request in self.answer.asked))
