"""Waits until the deployment answers, and sees whether it is the app that does."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from seatrial.model.deployment import Identity, Readiness, Tls, same_commit
from seatrial.model.evidence import Exchange
from seatrial.model.inventory import Route
from seatrial.model.requests import Request
from seatrial.smoke import client, transport
from seatrial.smoke.client import Answer, Client
from seatrial.smoke.exchanges import exchange
from seatrial.smoke.plan import CommitSource, Plan

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 3.0
REDIRECTS = 5
BANNED = frozenset({403, 429})
CANARY = "/seatrial-no-such-page"


@dataclass(frozen=True, slots=True)
class Front:
    """The first page, and how it was come by."""

    readiness: Readiness
    ask: Client
    """That asks everything else."""
    answer: Answer
    tls: Tls
    identity: Identity | None = None
    """None where nothing was ready."""
    untrusted: bool = False
    """There was a server, and no connection to it that could be trusted: what is asked now, is asked without."""

    @property
    def banned(self) -> str:
        """The deployment refuses to talk to smoke, in words; empty where it does not."""
        status = self.answer.status
        return f"{self.readiness.asked[0].path} answered {status}" if status in BANNED else ""


def arrive(plan: Plan, progress: Callable[[str], None] = lambda _: None) -> Front:
    """Wait for the first page, and see who answers.

    Raises:
        ConfigurationError: The file of authorities is none.
    """
    context = transport.trusting(plan.ca) if plan.base.secure else None
    ask = Client(plan.base, plan.timeout_s, context, plan.token)
    readiness, answer, first = wait(plan, ask, progress)
    untrusted = answer.kind == client.TLS
    tls = transport.look(plan, context)
    if untrusted:
        # The rest can still be seen, but whoever it is that answers gets no token.
        ask = Client(plan.base, plan.timeout_s, transport.anybody())
        readiness, answer, first = wait(replace(plan, ready_s=0), ask, progress)
    known = None
    if readiness.ready and answer.status not in BANNED:
        known = identity(plan, ask, answer, first)
    return Front(readiness, ask, answer, tls, known, untrusted)


def wait(plan: Plan, ask: Client, progress: Callable[[str], None]) -> tuple[Readiness, Answer, Exchange]:
    """Ask the readiness page until it answers, and, where a commit is expected, until that answers.

    Refused connections, 5xx and silence are asked again, with growing pauses, while the budget lasts: during a rollout
    all of them are usual. What is answered otherwise is an answer.
    """
    started, pause, asks = time.monotonic(), FIRST_PAUSE_S, 0
    while True:
        asks += 1
        left = plan.ready_s - (time.monotonic() - started)
        answer, path, problem = _followed(plan, ask, max(0.5, min(plan.timeout_s, left)))
        old = "" if problem or not plan.expected_commit else _old(plan, ask, answer)
        waited = time.monotonic() - started
        if not (problem or old) or waited + pause > plan.ready_s or _final(answer):
            break
        progress(f"{plan.base.netloc} {problem or old}, waiting")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
    first = exchange(plan.base, Route("GET", path, "", path=path), answer)
    asked = (Request("GET", path, "anonymous", case="ready?", status=answer.status or None, said=answer.failure),)
    return Readiness(not problem, asks, waited * 1000, plan.ready_s, problem, asked), answer, first


def _final(answer: Answer) -> bool:
    """Waiting does not mend it."""
    return answer.kind in (client.TLS, client.UNKNOWN_HOST)


def _followed(plan: Plan, ask: Client, timeout_s: float) -> tuple[Answer, str, str]:
    """(answer, path, why it is not ready): the page behind redirects within the app."""
    path = plan.ready
    for _ in range(REDIRECTS):
        answer = ask.ask("GET", path, timeout_s=timeout_s)
        if answer.failure:
            return answer, path, answer.failure
        if answer.status >= 500:
            return answer, path, f"answered {answer.status}"
        location = answer.header("Location")
        if not (300 <= answer.status < 400 and location):
            return answer, path, ""
        inside = plan.base.own(plan.base.leads(path, location))
        if inside is None or _upgrade(plan, path, location):
            return answer, path, ""
        path = inside
    return answer, path, f"redirects for ever ({REDIRECTS} times, at last to {path})"


def _upgrade(plan: Plan, path: str, location: str) -> bool:
    """http leads to https of the same host: that is where it ends for who was told to ask http."""
    return plan.base.leads(path, location).scheme != plan.base.scheme


def _old(plan: Plan, ask: Client, answer: Answer) -> str:
    """What still answers in place of the expected commit, in words, or empty."""
    seen = commit_of(plan.commit, answer if plan.commit.header else ask.ask("GET", plan.commit.path))
    return "" if not seen or same_commit(seen, plan.expected_commit) else f"is still {seen[:12]}"


def commit_of(source: CommitSource, answer: Answer) -> str:
    """The commit that an answer names, or empty."""
    if source.header:
        return answer.header(source.header).strip()
    try:
        found = dug(answer.json, source.key)
    except (ValueError, LookupError):
        return ""
    return str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""


def dug(value: Any, key: str) -> Any:
    """What stands at a dotted key: `items.0.name`. Raises LookupError."""
    for part in key.split("."):
        if isinstance(value, list) and part.isdigit():
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise LookupError(key)
    return value


def identity(plan: Plan, ask: Client, answer: Answer, first: Exchange) -> Identity:
    """Whether the page, and what stands where there is no page, are the app's."""
    location = answer.header("Location")
    leads = plan.base.leads(first.path, location) if 300 <= answer.status < 400 and location else None
    elsewhere = leads.host if leads is not None and leads.host != plan.base.host.lower() else ""
    missing = None
    if not plan.catches_all and not elsewhere:
        missing = canary(plan, ask, "")
    return Identity(first, plan.marker, bool(plan.marker) and plan.marker in answer.text, elsewhere, missing)


def canary(plan: Plan, ask: Client, below: str, accept: str = "") -> Exchange:
    """An address that no app has, each time another one: nothing in between can have kept the answer."""
    path = f"{below}{CANARY}"
    answer = ask.ask("GET", f"{path}-{secrets.token_hex(4)}", headers={"Accept": accept} if accept else {})
    variant = "an unknown path, as JSON" if accept else "an unknown path"
    return exchange(plan.base, Route("GET", path, "", path=path), answer, variant=variant, marks={"instead": "router"})
