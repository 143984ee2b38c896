"""What one request brought, and how it is read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.model.evidence import OutboundCall, Raised, Statement
from seatrial.model.findings import Place
from seatrial.model.requests import NOTHING, Sent
from seatrial.observe import eager
from seatrial.observe.callsite import CallSites
from seatrial.observe.statements import Sent as SentStatement

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of a response that are read before it counts as endless."""


@dataclass(slots=True)
class Reply:
    """What a single request brought, body included; stays inside the host."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = ""
    body: bytes = b""
    failure: str = ""
    raised: Raised | None = None
    said: str = ""
    """Message of what was raised: for comparison with the body, and for nothing else."""
    template: str = ""
    statements: tuple[Statement, ...] = ()
    kept: tuple[SentStatement, ...] = ()
    """With their parameters, where that was asked for."""
    loads: eager.Loads | None = None
    outbound: tuple[OutboundCall, ...] = ()
    elapsed_ms: float = 0.0
    sent: Sent = NOTHING

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def read(parts: Iterator[bytes]) -> tuple[bytes, bool]:
    """The body, and whether it ended within the limit."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > BODY_LIMIT:
            return bytes(body), False
    return bytes(body), True


def message(error: BaseException) -> str:
    """Its own words, or nothing."""
    try:
        return str(error)
    except Exception:
        return ""  # an exception of the app's that cannot be shown


def raised_at(error: BaseException, sites: CallSites) -> Place | None:
    """The target's own line, innermost first; without one of its own the error came from a library alone."""
    trace, places = error.__traceback__, []
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    found = (sites.at(file, line) for file, line in reversed(places))
    return next((place for place in found if place is not None), None)
