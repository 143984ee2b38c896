"""Evidence of redirects: where the parameters of a route, and the Host of a request, lead to. Plain, picklable data."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from seatrial.model.evidence import Exchange
from seatrial.model.requests import NOTHING, Request, Sent

FOREIGN = "seatrial-foreign.example"
"""A host that is nobody's (RFC 2606): what leads there was made by the trial."""
FORGED = {
    "Host": FOREIGN,
    "X-Forwarded-Host": FOREIGN,
    "Forwarded": f"for=203.0.113.77;host={FOREIGN};proto=https",
}
"""Headers that an app, or a proxy middleware in it, may take its own host from."""


@dataclass(frozen=True, slots=True)
class Landing:
    """One value of a parameter, and where a browser went."""

    payload: str
    """What kind of value it was (`four slashes`)."""
    value: str
    status: int
    location: str = ""
    """As sent, without its query."""
    leads_to: str = ""
    """`scheme://host` as a browser reads it, or empty."""
    off: bool = False
    """A browser follows it to the foreign host."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that reaches Location."""

    name: str
    where: str
    """`query` or `form`."""
    landings: tuple[Landing, ...] = ()
    """The local target first; the last one is the first that led away, if one did."""

    def request(self, landing: Landing, answer: Exchange) -> Request:
        """One value, sent as the trial did."""
        path, _, _ = answer.path.partition("?")
        pair = f"{quote(self.name)}={quote(landing.value, safe='')}"
        leads = f"leads to {landing.leads_to}" if landing.leads_to else ""
        return Request(
            answer.marks.get("method", answer.route.method),
            f"{path}?{pair}" if self.where == "query" else path,
            answer.identity,
            Sent(body=f"{pair}&<the rest of the form>") if self.where == "form" else NOTHING,
            landing.payload,
            landing.status,
            said=leads,
        )

    @property
    def away(self) -> Landing | None:
        return next((landing for landing in self.landings if landing.off), None)


@dataclass(frozen=True, slots=True)
class RedirectTrial:
    """Every parameter of one route that reaches Location, under the payload matrix."""

    answer: Exchange
    """Of the request with a local target in every parameter."""
    parameters: tuple[Parameter, ...] = ()
    read: tuple[str, ...] = ()
    """Names that lead on elsewhere, and that the view was seen to ask for, or to name in its code."""
    requests: int = 0
    cut: bool = False
    """The time of a trial ended before the matrix did."""
    wrote: bool = False

    @property
    def subject(self) -> str:
        return self.answer.subject


@dataclass(frozen=True, slots=True)
class Forgery:
    """One request under a forged host."""

    header: str
    status: int
    follows: tuple[str, ...] = ()
    """What carried the forged host (`Location`, `a mail`, `a link that the view built`, `a link in the page`)."""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class HostTrial:
    """A route that redirects, or that mails links, under its own host and under forged ones."""

    answer: Exchange
    """Under the own host."""
    links: tuple[str, ...] = ()
    """What carried an absolute address of the app's under its own host; the same names as in `Forgery.follows`."""
    mails: int = 0
    """Mails under the own host."""
    forgeries: tuple[Forgery, ...] = ()
    needless: str = ""
    """Why this route was not asked under forged hosts, or empty."""
    wrote: bool = False

    @property
    def subject(self) -> str:
        return self.answer.subject

    @property
    def asked(self) -> tuple[Request, ...]:
        """The same request under each forged host."""
        [own] = self.answer.asked
        found = []
        for forgery in self.forgeries:
            headers = (*own.sent.headers, (forgery.header, FORGED[forgery.header]))
            said = f"followed by {' and '.join(forgery.follows)}" if forgery.follows else ""
            sent = Sent(headers, own.sent.body)
            found.append(replace(own, sent=sent, case="a forged host", status=forgery.status or None, said=said))
        return tuple(found)
