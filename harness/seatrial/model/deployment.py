"""What a deployment answered to somebody outside of it: the evidence of `seatrial smoke`. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.model.evidence import Exchange
from seatrial.model.requests import Request

DEPLOYMENT = "deployment"
"""Subject of what concerns the whole of it."""
SHORTEST = 7
"""Digits from which on an abbreviated commit names one."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How long it took until the deployment answered, or that it did not."""

    ready: bool
    asks: int
    waited_ms: float
    budget_s: float
    last: str = ""
    """What was seen last in place of a page (`refused the connection`, `answered 503`)."""
    asked: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Whether it is the app that answers, and not something in front of it."""

    answer: Exchange
    """Of the page that was asked to see it."""
    marker: str = ""
    """Text that only pages of the app have; empty where none is configured."""
    found: bool = False
    """The marker was on that page."""
    elsewhere: str = ""
    """Another host that the page leads to, or empty."""
    missing: Exchange | None = None
    """Of an address that does not exist; None where the app has a route for every address."""

    @property
    def asked(self) -> tuple[Request, ...]:
        return (*self.answer.asked, *(self.missing.asked if self.missing is not None else ()))


@dataclass(frozen=True, slots=True)
class Expected:
    """What one route is to answer."""

    status: int | None = None
    """None: any below 500 but 404, where nobody knows."""
    turned_away: bool = False
    """A stranger is sent to the log-in, or refused with 401 or 403."""
    login: str = ""
    """Path of the log-in, or empty."""
    sample: bool = False
    """The path was made with a sample value of the trial's data, which need not exist here."""
    contains: tuple[str, ...] = ()
    """Text that stands on the page."""
    keys: tuple[str, ...] = ()
    """Keys of the JSON, dotted: `items.0.name`."""
    statements: int | None = None
    """Budget: select and dml together."""
    slow_ms: float = 1000.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One route, asked as it was expected to answer."""

    answer: Exchange
    expected: Expected = field(default_factory=Expected)
    absent: tuple[str, ...] = ()
    """Texts that were to be on the page and are not."""
    lacking: tuple[str, ...] = ()
    """Keys that were to be in the JSON and are not."""
    unread: str = ""
    """Why the body could not be looked at (`no JSON`, `longer than 4 MB`), or empty."""
    statements: int | None = None
    """Fewest that `Server-Timing` told of; None where it told nothing."""
    untold: str = ""
    """Why it told nothing."""
    with_token: bool = True
    """It was asked with the monitor's token."""
    asks: int = 1
    fastest_ms: float = 0.0
    """Of the answers; one that was slow among others was asked again alone."""
    to_itself: bool = False
    """It redirects to the address that was asked."""

    @property
    def subject(self) -> str:
        return self.answer.subject

    @property
    def asked(self) -> tuple[Request, ...]:
        return self.answer.asked


@dataclass(frozen=True, slots=True)
class Build:
    """Which commit the deployment says it is made of."""

    expected: str
    """As given; the beginning of it is enough."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """Commit -> answers that named it."""
    where: str = ""
    """Where it was looked for: `the header X-Commit`, `commit of /version`."""
    silent: int = 0
    """Answers without one."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate and the protocol of one address."""

    version: str = ""
    """`TLSv1.3`; empty where no connection came about."""
    problem: str = ""
    """Why a client must refuse it, in words; empty where it is trusted."""
    days_left: int | None = None
    least_days: int = 14
    issuer: str = ""
    plain: bool = False
    """The address is http."""
    unseen: str = ""
    """Why nothing can be said of it (no connection at all)."""


@dataclass(frozen=True, slots=True)
class CsrfProbe:
    """A form that a stranger may send, sent empty: without a token, again without, and with the page's own."""

    subject: str
    protected: bool
    """The inventory, or the configuration, says that a request without a token is refused before the view."""
    without: Exchange | None = None
    again: Exchange | None = None
    with_token: Exchange | None = None
    steady: bool = True
    """The two without a token were answered alike."""
    differs: bool = False
    """The one with the token was answered otherwise."""
    unseen: str = ""
    """Why nothing was sent, or nothing can be compared."""

    @property
    def asked(self) -> tuple[Request, ...]:
        sent = (self.without, self.with_token)
        return tuple(request for exchange in sent if exchange is not None for request in exchange.asked)


@dataclass(frozen=True, slots=True)
class LimitProbe:
    """What was seen of the rate limit in front of the log-in."""

    subject: str
    declared: tuple[str, ...] | None = None
    """Limits that the inventory tells of; None where it tells nothing of them."""
    headers: tuple[str, ...] = ()
    """Names of the limiter's headers that came with an answer."""
    attempts: tuple[int, ...] = ()
    """Statuses of the attempts of the probe, in order."""
    enough: int = 0
    """Attempts of which the last must be refused; 0: not known."""
    refused: bool = False
    """An attempt was answered 429."""
    probed: bool = False
    """`--probe-limits` was given."""
    unseen: str = ""
    """Why no attempt could be made."""
    asked: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpsProbe:
    """What http answers where the deployment is https."""

    host: str
    """Of the https address."""
    answer: Exchange | None = None
    """None: nothing answers http."""
    location: str = ""
    """As sent, without its query."""
    reached: bool = False
    """The location is the same path at the https address."""
    unseen: str = ""
    """Why it was not asked."""

    @property
    def asked(self) -> tuple[Request, ...]:
        return self.answer.asked if self.answer is not None else ()


def same_commit(one: str, other: str) -> bool:
    """Either may be abbreviated, but not below what names a commit."""
    first, second = one.strip().lower(), other.strip().lower()
    if first == second:
        return bool(first)
    shorter, longer = sorted((first, second), key=len)
    return len(shorter) >= SHORTEST and longer.startswith(shorter)
