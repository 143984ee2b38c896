"""Where the parameters of a route lead to: a local target first, then everything that is none and looks like one.

A parameter counts when the local target comes back as the place where a browser goes. Routes with an unsafe method are
sent nothing unless their code names such a parameter: what they do cannot be undone within the trial.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from seatrial.model.addresses import Destination, destination
from seatrial.model.evidence import Exchange
from seatrial.model.inventory import Route
from seatrial.model.redirects import FOREIGN, Landing, Parameter, RedirectTrial
from seatrial.model.sessions import logs_out
from seatrial.trials.fields import fields_read, named_in_code
from seatrial.trials.sweep import check_canary
from seatrial.trials.tokens import own_site, with_token

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.target import Target
    from seatrial.target.reply import Reply

LOCAL = "/seatrial-landing"
"""A path of the own site that no app has: only an echo of it is a control."""
NAMES = (
    "next", "next_url", "nexturl", "next_page", "url", "redirect", "redirect_url", "redirect_to", "redirect_uri",
    "return", "return_to", "returnto", "return_url", "returnurl", "continue", "goto", "go", "target", "dest",
    "destination", "back", "back_url", "backurl", "callback", "callback_url", "forward", "to", "u", "r", "rurl",
    "ref", "referrer", "referer", "came_from", "success_url", "cancel_url", "location", "out", "link", "origin",
)  # fmt: skip
"""Names that lead on elsewhere in the apps of this world; what the view asks for besides is tried as well."""
ASKED = 20
"""Other names that are tried at once."""
EACH = 12
"""Names that are tried one by one."""
SHARE = 0.5
"""Of the deadline for a trial."""
REQUESTS = 150
"""More than one trial sends; for its deadline."""


class Payload(NamedTuple):
    """One value that must not lead away."""

    name: str
    value: str


def payloads(host: str) -> Iterator[Payload]:
    """The matrix, the plainest first; `host` is the app's own. Measured: what common checks of urlsplit let through."""
    yield Payload("an absolute URL", f"https://{FOREIGN}/")
    yield Payload("an absolute URL without TLS", f"http://{FOREIGN}/")
    yield Payload("two slashes", f"//{FOREIGN}")
    yield Payload("three slashes", f"///{FOREIGN}")
    yield Payload("four slashes", f"////{FOREIGN}")
    yield Payload("a slash and a backslash", f"/\\{FOREIGN}")
    yield Payload("two backslashes", f"\\\\{FOREIGN}")
    yield Payload("a backslash and a slash", f"\\/{FOREIGN}")
    yield Payload("a tab between two slashes", f"/\t/{FOREIGN}")
    yield Payload("a line feed between two slashes", f"/\n/{FOREIGN}")
    yield Payload("a carriage return between two slashes", f"/\r/{FOREIGN}")
    yield Payload("an encoded tab between two slashes", f"/%09/{FOREIGN}")
    yield Payload("an encoded backslash", f"/%5c{FOREIGN}")
    yield Payload("two encoded slashes", f"/%2f{FOREIGN}")
    yield Payload("dots in front of two slashes", f"/.//{FOREIGN}")
    yield Payload("a scheme without slashes", f"https:{FOREIGN}")
    yield Payload("another scheme without slashes", f"http:{FOREIGN}")
    yield Payload("a scheme with one slash", f"https:/{FOREIGN}")
    yield Payload("a scheme with three slashes", f"https:///{FOREIGN}")
    yield Payload("a scheme with two backslashes", f"http:\\\\{FOREIGN}")
    yield Payload("a scheme in mixed case", f"hTTpS://{FOREIGN}")
    yield Payload("a wide space in front", f"\u3000//{FOREIGN}")
    yield Payload("a NUL in front", f"\0//{FOREIGN}")
    yield Payload("a space in front", f" //{FOREIGN}")
    yield Payload("the own host as a user name", f"https://{host}@{FOREIGN}")
    yield Payload("the own host and port as a user name", f"//{host}:80@{FOREIGN}")
    yield Payload("the own host in front", f"https://{host}.{FOREIGN}")
    yield Payload("the own host in the path", f"https://{FOREIGN}/{host}")
    yield Payload("the own host in the fragment", f"https://{FOREIGN}#{host}")
    yield Payload("the own host behind a backslash", f"https://{FOREIGN}\\@{host}")
    yield Payload("an ideographic full stop", f"https://{FOREIGN.replace('.', '。')}")
    yield Payload("what turns a host in front into a user name", f"@{FOREIGN}")
    yield Payload("what goes on a host in front", f".{FOREIGN}")
    yield Payload("a script", "javascript:alert(1)//")


def redirects(target: Target, route: Route, identity: str, enters: str) -> RedirectTrial:
    """Every parameter of the route that reaches Location. `enters`: who logs in through this route, or empty.

    Raises InconclusiveError when the trial was banned on the way.
    """
    writes = target.writes
    driver = _Driver(target, route, identity, enters)
    found = driver.run()
    return RedirectTrial(*found, wrote=target.writes > writes)


class _Driver:
    def __init__(self, target: Target, route: Route, identity: str, enters: str) -> None:
        self.target, self.route, self.identity, self.enters = target, route, identity, enters
        self.base = target.base_url + (route.path or "/")
        self.requests, self.cut = 0, False
        self.end = time.monotonic() + target.settings.deadlines.trial_s * SHARE
        self.filled: dict[str, Any] | None = None
        """A valid request of a route with an unsafe method: headers and form."""
        self.answer = Exchange(route, identity, route.path, status=0)

    def run(self) -> tuple[Exchange, tuple[Parameter, ...], tuple[str, ...], int, bool]:
        named = named_in_code(self.target, self.route)
        read = tuple(name for name in NAMES if name in named)
        acts = not self.route.safe or logs_out(self.route)
        if not self.route.path or self.route.unresolved or (acts and not read):
            return self.answer, (), read, self.requests, self.cut
        with fields_read(self.target.app) as asked:
            reaching = dict.fromkeys(self._reaching("query", read if acts else NAMES, asked), "query")
            if acts:
                reaching = dict.fromkeys(self._reaching("form", read, asked), "form") | reaching
            elif not reaching and (others := sorted(asked - set(NAMES))[:ASKED]):
                reaching = dict.fromkeys(self._reaching("query", others, asked), "query")
        found = tuple(self._under_the_matrix(name, where) for name, where in reaching.items())
        read = tuple(dict.fromkeys((*read, *(name for name in NAMES if name in asked))))
        return self.answer, found, read, self.requests, self.cut

    def _reaching(self, where: str, names: Sequence[str], asked: set[str]) -> Iterator[str]:
        """The names whose local target comes back: all at once, then those that the app asked for one by one."""
        left = list(names)
        while left and self._is_local(self._ask(where, dict.fromkeys(left, LOCAL), first=True)):
            # Once more without those that were found: `url or back` asks for the second where the first is not there.
            single = [name for name in left if name in asked][:EACH] or self._halved(where, left)
            found = [name for name in single if self._is_local(self._ask(where, {name: LOCAL}))]
            yield from found
            left = [name for name in left if name not in found] if found else []

    def _halved(self, where: str, names: list[str]) -> list[str]:
        """One of many names that reaches Location on its own, in few requests."""
        while len(names) > 1:
            half = names[: len(names) // 2]
            names = half if self._is_local(self._ask(where, dict.fromkeys(half, LOCAL))) else names[len(half) :]
        return names

    def _under_the_matrix(self, name: str, where: str) -> Parameter:
        landings = [self._landing(name, where, Payload("a local path", LOCAL))]
        for payload in payloads(self.target.host_name.partition(":")[0]):
            if time.monotonic() > self.end:
                self.cut = True
                break
            landings.append(self._landing(name, where, payload))
            if landings[-1].off:
                break
        return Parameter(name, where, tuple(landings))

    def _landing(self, name: str, where: str, payload: Payload) -> Landing:
        reply = self._ask(where, {name: payload.value})
        location = _location(reply)
        leads = destination(self.base, location) if location else None
        return Landing(
            payload.name,
            payload.value,
            reply.status,
            location.partition("?")[0],
            f"{leads.scheme}://{leads.host}" if leads else "",
            off=leads is not None and _away(leads),
        )

    def _is_local(self, reply: Reply) -> bool:
        location = _location(reply)
        leads = destination(self.base, location)
        return leads.followed and leads.path == LOCAL

    # ------------------------------------------------------------------ one request
    def _ask(self, where: str, values: dict[str, str], *, first: bool = False) -> Reply:
        self.requests += 1
        reply = self._send(where, values)
        if first and not self.answer.status:
            self.answer = self.target.exchange(self.route, self.identity, reply, path=self.route.path)
            if reply.status in (403, 429):
                check_canary(self.target, self.route, self.identity, reply)
        return reply

    def _send(self, where: str, values: dict[str, str]) -> Reply:
        from seatrial.target.identities import enter

        target, route = self.target, self.route
        if self.enters:
            who = next(one for one in target.settings.identities if one.name == self.enters)
            query = urlencode(values) if where == "query" else ""
            fields = {**who.fields, **(values if where == "form" else {})}
            return enter(target, target.new_client(), who.login or "", fields, query).reply or _nothing()
        client = target.client(self.identity)
        path = f"{route.path}?{urlencode(values)}" if where == "query" else route.path
        options = own_site(target)
        if not route.safe:
            if self.filled is None or logs_out(route):
                self.filled = _filled(target, client, route)
            options = self.filled | {"data": {**self.filled["data"], **(values if where == "form" else {})}}
        reply = target.send(client, route.method, path, **options)
        if logs_out(route):
            target.sessions.pop(self.identity, None)  # logged in again before the next one
        return reply


def _filled(target: Target, client: FlaskClient, route: Route) -> dict[str, Any]:
    """What the form on the route's own page would send, with the session's token."""
    from seatrial.target.forms import forms

    options = with_token(target, client)
    reply = target.send(client, "GET", route.path)
    found = [f for f in forms(reply.text)[0] if "html" in reply.content_type and f.method == "post"]
    own = next((form.fields for form in found if urlsplit(form.action).path in ("", route.path)), {})
    return options | {"data": {**own, **options.get("data", {})}}


def _location(reply: Reply) -> str:
    """Where the answer sends a browser: Location of a redirect, or Refresh."""
    if 300 <= reply.status < 400 and (location := reply.header("Location")):
        return location
    return reply.header("Refresh").partition("=")[2].strip("'\" ")


def _away(leads: Destination) -> bool:
    return leads.followed and (leads.host == FOREIGN or leads.host.endswith(f".{FOREIGN}"))


def _nothing() -> Any:
    from seatrial.target.reply import Reply

    return Reply()
