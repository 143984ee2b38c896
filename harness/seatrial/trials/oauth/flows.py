"""One log-in with a provider, as a browser goes through it: away, and back with what a case makes of the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from seatrial.model.errors import BrokenError
from seatrial.model.inventory import OAuthStart, Route
from seatrial.observe import outbound
from seatrial.trials.oauth.cases import HAPPY, OTHER, SAME, Case
from seatrial.trials.oauth.provider import Flow, Provider

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from seatrial.target import Target
    from seatrial.target.reply import Reply


@dataclass(frozen=True, slots=True)
class Landing:
    """One log-in, up to the app's answer to the callback."""

    client: FlaskClient
    flow: Flow
    reply: Reply
    before: frozenset[str] = frozenset()
    """Names in the session when the browser came back, of the happy flow."""


class NoFlow(Exception):
    """The log-in did not begin; the sentence says what came instead."""

    def __init__(self, said: str, reply: Reply | None = None) -> None:
        super().__init__(said)
        self.reply = reply


class Flows:
    """Log-ins that begin at one route."""

    def __init__(
        self,
        target: Target,
        route: Route,
        others: tuple[Route, ...],
        provider: Provider,
        registered: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """`others`: where log-ins with other providers begin. `registered`: see `protections.oauth_clients`."""
        self.target, self.route, self.others = target, route, others
        self.start = route.oauth or OAuthStart()
        self.provider, self.registered = provider, registered

    def land(self, case: Case, client: FlaskClient | None = None) -> Landing:
        """Begin and come back. Raises NoFlow where it does not begin."""
        from seatrial.target import protections
        from seatrial.target.identities import session_keys

        protections.forget_oauth(self.target.app, self.registered)
        self.provider.play(case)
        client = client or self.target.new_client()
        flow, _ = self.begin(client)
        sent = {"code": flow.code}
        if "state" in flow.asked:
            sent["state"] = flow.asked["state"]
        arriving, path = client, self.callback_path(flow)
        if case.browser != SAME:
            arriving = self.target.new_client()
            if case.browser == OTHER:
                self.begin(arriving)
        if case.other_provider:
            path = next(other.oauth.callback for other in self.others if other.oauth is not None)
        if case.again:
            self.come_back(arriving, path, sent)
            self.provider.asked.clear()
        if case.after_error:
            denied = {name: value for name, value in sent.items() if name != "code"}
            self.come_back(arriving, path, {**denied, "error": "access_denied"})
        before = session_keys(self.target, arriving) if case is HAPPY else frozenset()
        post = case.post or flow.asked.get("response_mode") == "form_post"
        reply = self.come_back(arriving, path, case.parameters(sent), post=post)
        if (error := self.provider.error) is not None:
            what = f"{type(error).__name__}: {error}"
            raise BrokenError(f"the provider of the trial failed in the case {case.name!r} ({what})") from error
        return Landing(arriving, flow, reply, before)

    def begin(self, client: FlaskClient, route: Route | None = None, **options: Any) -> tuple[Flow, Reply]:
        """The app sends the browser to the provider."""
        route = route or self.route
        if route.method != "GET":
            options = {**options, **self.token(client)}
        reply = self.target.send(client, route.method, route.path, **options)
        location = reply.header("Location") if 300 <= reply.status < 400 else ""
        if "client_id" not in parse_qs(urlsplit(location).query):
            raise NoFlow(
                f"{route.method} {route.path} {said(reply)}, which leads to no provider: "
                f"name the path that does as login under [tool.seatrial.oauth]",
                reply,
            )
        outbound.claim(location)  # a provider may run on this machine in development
        flow = self.provider.authorize(location)
        flow.asked["seatrial_location"] = location
        return flow, reply

    def come_back(self, client: FlaskClient, path: str, sent: dict[str, str], *, post: bool = False) -> Reply:
        if post:
            return self.target.send(client, "POST", path, data=sent)
        return self.target.send(client, "GET", path, query_string=sent)

    def callback_path(self, flow: Flow) -> str:
        path = self.start.callback or urlsplit(flow.asked.get("redirect_uri", "")).path
        if not path:
            raise NoFlow("the app names no redirect_uri: name the path as callback under [tool.seatrial.oauth]")
        return path

    def takes_post(self, flow: Flow) -> bool:
        from seatrial.target.routes import answering

        return bool(answering(self.target, "POST", self.callback_path(flow)))

    def token(self, client: FlaskClient) -> dict[str, Any]:
        from seatrial.trials.tokens import HEADERS, token_of

        token = token_of(self.target, client)
        own = {"Origin": self.target.base_url, "Referer": f"{self.target.base_url}/"}
        if token is None:
            return {"headers": own}
        return {"headers": own | dict.fromkeys(HEADERS, token.value), "data": {token.field: token.value}}


def said(reply: Reply) -> str:
    if reply.failure:
        return reply.failure
    where = f" to {urlsplit(reply.header('Location')).path or '/'}" if 300 <= reply.status < 400 else ""
    raised = f" ({reply.raised.type})" if reply.raised is not None and reply.status >= 500 else ""
    return f"answered {reply.status}{where}{raised}"
