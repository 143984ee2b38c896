"""Asks the hosts of one run what an app does when its webhooks and its idempotency keys are broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from seatrial.host.client import HostEnded, HostHung
from seatrial.model.profiles import Profile
from seatrial.model.webhooks import Backoff, Broken, Conflict, KeyedTrial, Order, Pipeline, Refusals
from seatrial.trials import idempotency
from seatrial.trials.asking import Asking
from seatrial.trials.webhooks import backoff, breaking, conflict, order, pipeline, refusals

F = TypeVar("F", Broken, Refusals, Conflict, Order, Backoff, Pipeline)


class Allowance:
    """How long each trial of faults may take: its own limit, and its part of what is left for all."""

    def __init__(self, limit_s: float, budget_s: float | None) -> None:
        self._limit_s, self._left_s = limit_s, budget_s
        self.expected = 0
        """Trials that are still to come."""

    def share(self) -> float:
        """Seconds for the trial that begins now."""
        left, self.expected = self.expected, max(0, self.expected - 1)
        if self._left_s is None:
            return self._limit_s
        return max(0.0, min(self._limit_s, self._left_s / max(1, left)))

    def spend(self, seconds: float) -> None:
        if self._left_s is not None:
            self._left_s = max(0.0, self._left_s - seconds)


class FaultPilot:
    """One method per trial of faults, each of which forks the host."""

    def __init__(self, asking: Asking, time_budget_s: float | None = None) -> None:
        """`time_budget_s`: for all trials together; None: only their own limit."""
        self._asking = asking
        self.allowance = Allowance(asking.run.settings.deadlines.faults_s, time_budget_s)
        self._cold: set[Profile] = set()

    def broken(self, path: str, event: str, family: str, only: str = "") -> Broken:
        """One event of a webhook under one family of faults."""
        limit = self.allowance.share()
        began = time.monotonic()
        try:
            lost = Broken(f"webhook {path}", event, family)
            return self._forked(limit, lost, breaking.broken, path, event, family, limit, only)
        finally:
            self.allowance.spend(time.monotonic() - began)

    def refusals(self, path: str, family: str) -> Refusals:
        """Deliveries of a webhook that are to be refused."""
        return self._forked(0.0, Refusals(f"webhook {path}", family), refusals.refusals, path, family)

    def conflict(self, path: str) -> Conflict:
        """The same id with another payload."""
        return self._forked(0.0, Conflict(f"webhook {path}"), conflict.conflict, path)

    def order(self, path: str, only: str = "") -> Order:
        """Related events in every order."""
        return self._forked(0.0, Order(f"webhook {path}"), order.order, path, only)

    def backoff(self, path: str, event: str) -> Backoff:
        """An event that fails each time."""
        return self._forked(0.0, Backoff(f"webhook {path}", event), backoff.backoff, path, event)

    def pipeline(self, path: str, event: str) -> Pipeline:
        """The steps of a clean delivery."""
        return self._forked(0.0, Pipeline(f"webhook {path}", event), pipeline.pipeline, path, event)

    def keyed(self, route: str) -> KeyedTrial:
        """A route with idempotency keys."""
        limit = self.allowance.share()
        try:
            self._asking.clean(Profile.SWEEP)
            self._asking.soil(Profile.SWEEP)  # the copies of its rows lie beside them
            return self._asking.run.call(Profile.SWEEP, idempotency.keyed, self._deadline(limit), route, limit)
        except (HostEnded, HostHung) as error:
            return KeyedTrial(route, reason=str(error))

    def _deadline(self, limit_s: float) -> float:
        """The references, a recovery that is being tried when the time is over, and forty single deliveries."""
        return limit_s + 6 * self._asking.run.settings.deadlines.request_s + 60

    def _forked(self, limit_s: float, lost: F, trial: Callable[..., F], *arguments: Any) -> F:
        """Run a trial that forks. A host that got threads from being warmed is started again and left cold."""
        profile, deadline, run = Profile.PROTECTION, self._deadline(limit_s), self._asking.run
        try:
            self._asking.clean(profile)
            found = run.call(profile, trial, deadline, *arguments, warm=profile not in self._cold)
            if found.crowded:
                self._cold.add(profile)
                run.stop(profile)
                found = run.call(profile, trial, deadline, *arguments, warm=False)
        except (HostEnded, HostHung) as error:
            return replace(lost, reason=str(error))
        return found
