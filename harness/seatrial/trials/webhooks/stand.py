"""Where the deliveries of one webhook are sent from: its sender, its path, the bench, and the clean references."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from seatrial.config.settings import Webhook
from seatrial.faults import children, request
from seatrial.faults.bench import Bench, Ran, UncleanError
from seatrial.faults.children import Work
from seatrial.faults.state import Columns, Reference
from seatrial.model.errors import BrokenError
from seatrial.model.webhooks import TWIN
from seatrial.trials.webhooks import stripe_events
from seatrial.trials.webhooks.providers import Headers, Message, Provider, called, provider

if TYPE_CHECKING:
    from seatrial.target import Target

SETTLE_S = 0.5
"""For threads that end by themselves, such as the timers of a limiter."""
KNOWN_PREFIXES = {"customer": "cus_", "subscription": "sub_", "price": "price_", "product": "prod_"}
"""Values of the app's own rows that events must name, by what Stripe's ids begin with."""
DEFAULT_EVENTS = {
    "stripe": ("checkout.session.completed", "customer.subscription.updated", "invoice.paid"),
    "standard": ("seatrial.event",),
    "generic": ("seatrial.event",),
}
"""Where the configuration names none."""
AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class Stand:
    """One webhook of one app. Its references are kept: every family compares with the same clean delivery."""

    def __init__(self, target: Target, hook: Webhook, bench: Bench, sender: Provider) -> None:
        self.target, self.hook, self.bench, self.sender = target, hook, bench, sender
        self.crowded = ""
        self.warmed = False
        """Whether this process has had a delivery."""
        self._references: dict[tuple[str, bool], tuple[Reference, Ran] | str] = {}

    @property
    def subject(self) -> str:
        return f"webhook {self.hook.path}"

    @property
    def events(self) -> tuple[str, ...]:
        return events_of(self.hook)

    @property
    def bookkeeping(self) -> Columns:
        """The list of the configuration; `table.*` is every column of a table."""
        found = set()
        for entry in self.hook.bookkeeping:
            table, _, column = entry.rpartition(".")
            known = self.bench.schema.get(table) or self.bench.schema.get(table.rpartition(".")[2])
            for name in (known.types if known is not None else {}) if column == "*" else (column,):
                found.add((known.name if known is not None else table, name))
        return frozenset(found)

    # ------------------------------------------------------------------ deliveries
    def request(
        self,
        message: Message,
        headers: Headers | None = None,
        *,
        method: str = "POST",
        content_type: str = "application/json",
    ) -> request.Request:
        """A delivery, signed at the moment when it is sent unless `headers` are given."""

        def environ() -> dict[str, Any]:
            from werkzeug.datastructures import Headers as Fields
            from werkzeug.test import EnvironBuilder

            from seatrial.target import protections

            protections.reset_limits(self.target.app)
            sent = self.sender.headers(message, int(time.time())) if headers is None else headers
            fields = Fields({"User-Agent": AGENT, **sent})
            builder = EnvironBuilder(
                path=self.hook.path,
                base_url=self.target.base_url,
                method=method,
                data=message.body if method == "POST" else None,
                headers=fields,
                content_type=content_type if method == "POST" else None,
            )
            try:
                return builder.get_environ()
            finally:
                builder.close()

        return environ

    def work(self, message: Message, headers: Headers | None = None, **options: Any) -> Work:
        """A child's work: one delivery."""
        return request.single(self.target.app, self.request(message, headers, **options))

    def twofold(self, message: Message) -> Work:
        """A child's work: the delivery from two threads at once."""
        return request.twofold(self.target.app, self.request(message))

    def retry(self) -> Work | None:
        """A child's work: the app's own retry, where the configuration names one."""
        if self.hook.retry is None:
            return None
        entry = called(self.hook.retry, "retry")

        def within() -> None:
            with self.target.app.app_context():
                entry()

        return request.calling(within)

    # ------------------------------------------------------------------ references
    def message(self, event: str) -> Message:
        """The event that all families are tried with."""
        return self.sender.message(event, "trial")

    def other(self, event: str) -> Message:
        """Another event of the same type, for the same customer: another id, about another object."""
        return self.sender.message(event, "other", number=1)

    def siblings(self, event: str) -> dict[str, Message]:
        """Other events that tell of the same thing as `event`: by what they are called."""
        name, _, version = event.partition("@")
        if self.hook.provider != "stripe" or name not in stripe_events.ONCE:
            return {}
        found = {TWIN: self.sender.message(event, "trial", number=1)}
        types = {configured.partition("@")[0] for configured in self.events}
        for pair in stripe_events.SAME:
            for other in pair:
                if name in pair and other != name and other in types:
                    found[other] = self.sender.message(f"{other}@{version}" if version else other, "trial")
        return found

    def reference(self, event: str, *, pair: bool = False) -> tuple[Reference, Ran]:
        """What a clean delivery of the event leaves, or of it and the other one. Raises UncleanError."""
        key = (event, pair)
        if key not in self._references:
            try:
                messages = [self.message(event), *([self.other(event)] if pair else [])]
                self._references[key] = self.bench.reference(
                    [self.work(each) for each in messages], messages[0].id, self.bookkeeping
                )
            except UncleanError as error:
                self._references[key] = self._explained(str(error))
        found = self._references[key]
        if isinstance(found, str):
            raise UncleanError(found)
        return found

    def _explained(self, reason: str) -> str:
        status = re.search(r"answered (\d{3})", reason)
        if status is None or status.group(1).startswith("2"):
            return reason
        key = self.hook.secret_config or "sign"
        match status.group(1):
            case "400" | "401" | "403":
                return (
                    f"{reason}: signed with {key}; name the key of the secret that the view verifies with "
                    "(`secret_config`), and exempt the view from CSRF protection"
                )
            case "404" | "405":
                return f"{reason}: correct `path` under [[tool.seatrial.webhooks]]"
            case "409" | "500" | "502" | "503":
                return f"{reason}: set values that exist for the event's fields under [tool.seatrial.arguments]"
            case _ if status.group(1).startswith("3"):
                return f"{reason}: for a sender a redirect is a failure; name the path that it ends at"
        return f"{reason}: a delivery must be answered 2xx before it can be broken"

    def warm(self, events: Iterable[str]) -> None:
        """What every child would do anew is done here once: compiled statements, imports of the first request.

        With events of their own: what the app remembers of them in its memory must not be those of the trial.
        """
        keep = children.own_children()
        for event in events:
            message = self.sender.message(event, "warm")
            headers = self.sender.headers(message, int(time.time()))
            self.target.send(
                self.target.new_client(),
                "POST",
                self.hook.path,
                data=message.body,
                headers={"User-Agent": AGENT, **headers},
                content_type="application/json",
            )
        self.warmed = True
        self.target.dispose()
        children.end_orphans(keep)
        self.bench.keeper.reset()
        if hazards := hazards_after(SETTLE_S):
            self.crowded = f"{hazards[0]}, after a delivery in it"


class Stands:
    """Of one host: a bench for its database, a stand for each webhook."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.stands: dict[str, Stand] = {}

    def close(self) -> None:
        if self.bench is not None:
            self.bench.close()
        self.bench = None
        self.stands.clear()


_KEPT: WeakKeyDictionary[Target, Stands] = WeakKeyDictionary()


def stand(target: Target, path: str, *, warm: bool = True) -> Stand:
    """The stand of a webhook, ready: the rows as they were, nobody connected.

    Raises UncleanError where the app cannot be tried in this way, BrokenError where its rows cannot be put back.
    """
    bench = bench_of(target)
    kept = _KEPT[target]
    if path not in kept.stands:
        hook = next(hook for hook in target.settings.webhooks if hook.path == path)
        given = {**known_values(bench), **target.settings.arguments}
        secret = str(target.app.config.get(hook.secret_config or "") or "")
        made = Stand(target, hook, bench, provider(hook, secret, given))
        if warm and not forking_hazards():
            made.warm(made.events)
        kept.stands[path] = made
    return kept.stands[path]


def bench_of(target: Target) -> Bench:
    """The bench of a host's database: new where the database was replaced meanwhile."""
    in_memory = [bind.name for bind in target.binds if bind.engine.url.database in (None, "", ":memory:")]
    if in_memory and target.binds[0].engine.dialect.name == "sqlite":
        raise UncleanError(
            "the app keeps its data in an SQLite database in memory, which no second process sees: "
            "let it take {database_url} ([tool.seatrial.config] or [tool.seatrial.env])"
        )
    if not target.binds:
        raise UncleanError("the app has no SQLAlchemy engine: there is no state to compare")
    children.adopt_orphans()
    target.release()
    kept = _KEPT.setdefault(target, Stands())
    if kept.bench is not None and not kept.bench.keeper.alive:
        kept.close()
    if kept.bench is None:
        try:
            kept.bench = Bench(target.database_url, target.settings.deadlines.request_s)
        except BrokenError as error:  # an account on a named server that may not set session_replication_role
            raise UncleanError(str(error)) from None
    return kept.bench


def events_of(hook: Webhook) -> tuple[str, ...]:
    """What a webhook is tried with."""
    return tuple(hook.events) or DEFAULT_EVENTS[hook.provider]


def forking_hazards() -> list[str]:
    return hazards_after(SETTLE_S)


def hazards_after(seconds: float) -> list[str]:
    """What still makes this process a bad parent once threads that end by themselves have ended."""
    end = time.monotonic() + seconds
    while (found := children.forking_hazards()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@functools.lru_cache(maxsize=4)
def known_values(bench: Bench) -> Mapping[str, Any]:
    """What the app's rows hold that looks like an id of Stripe's: the first of each kind."""
    found: dict[str, Any] = {}
    with suppress(BrokenError):
        for value in bench.keeper.texts(tuple(KNOWN_PREFIXES.values())):
            for name, prefix in KNOWN_PREFIXES.items():
                if value.startswith(prefix):
                    found.setdefault(name, value)
    return found
