"""Evidence of the trials of webhooks and idempotency keys: what was broken where, and what it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.model.inventory import ANONYMOUS
from seatrial.model.requests import Request
from seatrial.model.requests import Sent as Carried

LOST, DOUBLE, PARTIAL, NEVER = "lost", "double-applied", "partial", "never-2xx"
OUTBOUND_REPEATED, OUTBOUND_LOST, EARLY = "outbound-repeated", "outbound-lost", "ack-before-durable"
HUNG = "hung"
"""Verdicts on what is left after something was broken. HUNG: the app did not come back in time."""

DUPLICATES, DEATH, RECOVERY, ERRORS, CALLS = "duplicates", "death", "recovery", "errors", "calls"
RACE, THREADS, PAIR, ACKNOWLEDGED, OBJECT = "race", "threads", "pair", "acknowledged", "object"
FORGED, MALFORMED, CONFLICT, ORDER, BACKOFF, PIPELINE = (
    "forged",
    "malformed",
    "conflict",
    "order",
    "backoff",
    "pipeline",
)
AGAIN, BESIDE, SIBLING = "the same event again", "the other delivery of that moment", "another event about the object"
TWIN = "twin"
"""Among the siblings of an event: the one that differs from it in nothing but its id."""
AT_ONCE = (RACE, THREADS, PAIR)
REFUSED, TAKEN, SURVIVED = "refused", "taken", "survived"
"""What a single delivery is to be: 4xx and no change; 2xx; anything but an error of the server's."""
ADVISED, IGNORED, NOTED = "advised", "ignored", "noted"
"""The same where the app may decide: better 4xx; 2xx and no effect; no effect, whatever the answer."""
BREAKING = (DUPLICATES, DEATH, RECOVERY, ERRORS, CALLS, RACE, THREADS, PAIR, ACKNOWLEDGED, OBJECT)
"""Families that break one event in every way and look at what it left."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A point that a clean delivery crosses."""

    number: int
    kind: str
    detail: str = ""
    """The statement without values, or the call without its query."""

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a state is not the wanted one."""

    table: str
    """Or `outbound`."""
    told: str


def deliveries(subject: str, event: str, cases: Sequence[tuple[str, int | None]]) -> tuple[Request, ...]:
    """For whoever wants to send them again; what is signed, and with what, stays here.

    Args:
        subject: `webhook PATH`.
        cases: Of each delivery: what was done to it, and its status, 0 where the process died, -1 where it hung, None
            where it does not matter.
    """
    path = subject.removeprefix("webhook ")
    carried = Carried(body=f"<an event {event}, signed with the secret of the webhook>" if event else "")
    said: dict[int | None, str] = {0: "the process died", -1: "no answer came in time"}
    return tuple(
        Request("POST", path, ANONYMOUS, carried, case, None if status in said else status, said=said.get(status, ""))
        for case, status in cases
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """One way of breaking it, and what came of it."""

    id: str
    """`death@7`: replays exactly this."""
    where: str
    """What was done, as the end of a sentence (`the process died before commit 8`)."""
    answers: tuple[int, ...] = ()
    """Of each delivery in order: a status, 0 where the process died, -1 where it hung."""
    verdict: str = ""
    """Empty: the state of one clean delivery was reached."""
    differences: tuple[Difference, ...] = ()
    soft: bool = False
    """A worker waited for something that is not the database's (a lock of Python's, a sleep)."""
    only_counters: bool = False

    @property
    def only_outbound(self) -> bool:
        return bool(self.differences) and all(one.table == "outbound" for one in self.differences)

    def asked(self, subject: str, event: str) -> tuple[Request, ...]:
        """The delivery that was broken, and those that came after it."""
        family = self.id.partition("@")[0]
        second = SIBLING if family == OBJECT else BESIDE if family in AT_ONCE else AGAIN
        cases = [f"{self.id}: {self.where}", second, *[AGAIN] * len(self.answers)]
        return deliveries(subject, event, list(zip(cases, self.answers, strict=False)))


@dataclass(frozen=True, slots=True)
class Broken:
    """One family of faults against one event of one webhook, or one route with idempotency keys."""

    subject: str
    event: str
    family: str
    reason: str = ""
    """Why nothing can be said (the clean delivery was refused), or empty."""
    boundaries: tuple[Boundary, ...] = ()
    planned: int = 0
    tried: int = 0
    convicted: tuple[Tried, ...] = ()
    soft: int = 0
    unheard: int = 0
    """Faults that were to happen at a boundary that was not crossed this time."""
    volatile: tuple[str, ...] = ()
    """`table.column` that differ between two clean deliveries."""
    bookkeeping: tuple[str, ...] = ()
    """`table.column` that the configuration lets differ."""
    ledger: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    blind: str = ""
    """Why boundaries may have been missed, or empty."""
    elapsed_s: float = 0.0
    crowded: str = ""
    """Why this process must not be forked from any more, or empty."""

    @property
    def left(self) -> int:
        return self.planned - self.tried


@dataclass(frozen=True, slots=True)
class Sent:
    """One single delivery that is to be refused, or survived."""

    case: str
    status: int
    """0: the process died; -1: it hung."""
    changed: tuple[str, ...] = ()
    """Tables whose rows were changed, and `outbound`."""
    statements: int = 0
    writes: int = 0
    wanted: str = REFUSED


@dataclass(frozen=True, slots=True)
class Refusals:
    """Deliveries of one webhook that are to be refused."""

    subject: str
    family: str
    reason: str = ""
    clean: int = 0
    """Status of the clean delivery: the control."""
    clean_changed: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    """Of what a clean delivery changes, all but the record of the event."""
    sent: tuple[Sent, ...] = ()
    crowded: str = ""

    @property
    def asked(self) -> tuple[Request, ...]:
        return deliveries(self.subject, "", [(one.case, one.status) for one in self.sent])


@dataclass(frozen=True, slots=True)
class Conflict:
    """The same id with another payload."""

    subject: str
    reason: str = ""
    answers: tuple[int, ...] = ()
    applied: tuple[Difference, ...] = ()
    """In what the effects differ from those of the first payload alone."""
    recorded: tuple[str, ...] = ()
    """Where it left a trace: tables, or `log`."""
    duplicates_harmless: bool = True
    crowded: str = ""

    @property
    def asked(self) -> tuple[Request, ...]:
        cases = ("a first time", "its id with another payload")
        return deliveries(self.subject, "", list(zip(cases, self.answers, strict=False)))


@dataclass(frozen=True, slots=True)
class Order:
    """Related events in every order."""

    subject: str
    sequence: tuple[str, ...] = ()
    reason: str = ""
    skipped: str = ""
    orders: int = 0
    differing: tuple[Tried, ...] = ()
    crowded: str = ""

    @property
    def asked(self) -> tuple[Request, ...]:
        """Of the first order that ends elsewhere."""
        first = self.differing[0] if self.differing else None
        return deliveries(self.subject, "", [(first.where, status) for status in first.answers]) if first else ()


@dataclass(frozen=True, slots=True)
class Backoff:
    """An event that fails each time it comes."""

    subject: str
    event: str = ""
    reason: str = ""
    answers: tuple[int, ...] = ()
    delays_s: tuple[float | None, ...] = ()
    """After each failure: seconds until the recorded next try; None where none is recorded."""
    states: tuple[str, ...] = ()
    """After each failure: the words of the row that remembers the event, or empty where there is no row."""
    other: int = 200
    """What another event was answered while this one failed."""
    held_up: tuple[Difference, ...] = ()
    """In what its effects are not those of a clean delivery."""
    crowded: str = ""

    @property
    def asked(self) -> tuple[Request, ...]:
        return deliveries(self.subject, self.event, [("it fails", status) for status in self.answers])


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a clean delivery that matters for the order."""

    number: int
    what: str
    """`look` (reads or writes the row of the event), `mark` (writes it), `work`, `call`, `commit`."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The steps of a clean delivery and of a forged one."""

    subject: str
    event: str = ""
    reason: str = ""
    ledger: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    forged_writes: int = 0
    duplicates_harmless: bool = True
    crowded: str = ""

    @property
    def asked(self) -> tuple[Request, ...]:
        return deliveries(self.subject, self.event, [("a clean delivery", None)])


@dataclass(frozen=True, slots=True)
class Keyed:
    """One request of a trial of idempotency keys."""

    case: str
    status: int
    expected: str = ""
    """What is wanted, as a sentence."""
    wrong: str = ""
    """What is not as wanted, or empty."""


@dataclass(frozen=True, slots=True)
class KeyedTrial:
    """A route with idempotency keys."""

    subject: str
    reason: str = ""
    cases: tuple[Keyed, ...] = ()
    broken: tuple[Tried, ...] = ()
    planned: int = 0
    tried: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the app may decide, and how it does."""
    crowded: str = ""

    @property
    def asked(self) -> tuple[Request, ...]:
        """Each with a key and a body; both are in the configuration."""
        method, rule, *_ = self.subject.split(" ")
        identity = self.subject.rpartition("[")[2].rstrip("]")
        return tuple(
            Request(method, rule, identity, case=one.case, status=one.status, said=one.wrong) for one in self.cases
        )
