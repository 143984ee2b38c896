"""Locust users as senders of an open loop: those that run the plan's tasks, and a team's own."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.exceptions import ConcurrentObjectUseError
from locust import FastHttpUser, User, task
from locust.contrib.fasthttp import FastHttpSession

from seatrial.load.open_loop import GENERATED, Arrival, OpenLoop
from seatrial.load.plan import Step, Task
from seatrial.load.sessions import why

_CHUNK = 64 * 1024


class Unexpected(Exception):
    """An answer that was not the expected one. Locust shows its text."""


class Corrected:
    """Stands where a client expects locust's request event: latency counts from the intended start."""

    def __init__(self, loop: OpenLoop, inner: Any) -> None:
        self._loop, self._inner = loop, inner
        self.arrival: Arrival | None = None

    def fire(self, *, reverse: bool = False, **seen: Any) -> None:
        if self.arrival is not None:
            error = seen.get("exception")
            subject = (seen.get("context") or {}).get("seatrial") or f"{seen['request_type']} {seen['name']}"
            seen["response_time"] = self._loop.record(
                self.arrival, subject, seen["response_time"], _reason(error, seen.get("response"))
            )
        self._inner.fire(reverse=reverse, **seen)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _reason(error: BaseException | None, response: Any) -> str:
    if error is None:
        return ""
    if isinstance(error, Unexpected):
        return str(error)
    status = getattr(response, "status_code", 0)
    return f"answered {status}" if status else why(error)


def generated(open_loop: OpenLoop, weight: int) -> type[FastHttpUser]:
    """The user class that sends what the plan says, as whoever a task is for."""

    class Seatrial(FastHttpUser):
        host = open_loop.plan.url

        def on_start(self) -> None:
            self.loop = open_loop
            self.event = Corrected(open_loop, self.environment.events.request)
            self.clients: dict[str, FastHttpSession] = {}
            open_loop.join(GENERATED)

        def wait_time(self) -> float:
            return 0.0

        @task
        def arrive(self) -> None:
            number, arrival = self.loop.next(GENERATED)
            try:
                assert arrival.task is not None
                self.event.arrival = arrival
                _perform(self, arrival.task)
            except Exception as error:  # our mistake, or libraries that do not fit each other: never "no request made"
                self.loop.record(arrival, arrival.subject, 0.0, f"not sent: {type(error).__name__}: {error}")
            finally:
                self.loop.settle(number)

    Seatrial.weight = weight
    return Seatrial


def _perform(user: Any, due: Task) -> None:
    """The steps of a task, until one fails."""
    if due.identity not in user.clients:
        user.clients[due.identity] = user.loop.sessions.client(due.identity, user.event, user)
    client = user.clients[due.identity]
    values = {name: random.choice(pool) for name, pool in due.pools.items()}
    for number, step in enumerate(due.steps):
        if number and step.think_s:
            gevent.sleep(step.think_s)
        user.event.arrival.subject = step.subject
        if not _request(user, client, due, step, values):
            return


def _request(user: Any, client: FastHttpSession, due: Task, step: Step, values: dict[str, str]) -> bool:
    plan, sessions = user.loop.plan, user.loop.sessions
    options: dict[str, Any] = {}
    if step.form is not None:
        hidden = sessions.hidden(due.identity, step.page) if step.page else {}
        form = {name: _filled(value, values) for name, value in step.form.items()}
        options = {"data": {**hidden, **form}, "headers": {"Referer": f"{plan.url}{step.page or step.path}"}}
    elif step.json is not None:
        options = {"json": _filled(step.json, values)}
    path = _filled(step.path, values)
    name = step.subject.partition(" ")[2]
    context = {"seatrial": step.subject}
    began = time.perf_counter()
    failure = ""
    try:
        with gevent.Timeout(plan.timeout_s):
            reply = client.request(
                step.method,
                path,
                name=name,
                context=context,
                allow_redirects=False,
                catch_response=True,
                stream=True,
                **options,
            )
            failure = _read(reply, plan.body_limit)
    except gevent.Timeout:
        failure, reply = "timed out", None
    if failure == "timed out":
        failure = f"timed out after {plan.timeout_s:g} s"
    elapsed = (time.perf_counter() - began) * 1000
    if failure:
        _close(client)
    if reply is None:
        user.event.fire(
            request_type=step.method,
            name=name,
            response_time=elapsed,
            response_length=0,
            exception=Unexpected(failure),
            context=context,
        )
        return False
    with reply:
        reply.request_meta["response_time"] = elapsed
        failure = failure or _unexpected(reply, step)
        if failure:
            reply.failure(Unexpected(failure))  # type: ignore[no-untyped-call]
        else:
            reply.success()  # type: ignore[no-untyped-call]
    if reply.status_code == 400 and step.page:
        sessions.forget(due.identity, step.page)
    return not failure


def _read(reply: Any, limit: int) -> str:
    """The whole body, thrown away; says why it could not be had."""
    if reply._response is None:
        return why(getattr(reply, "error", None))
    size = 0
    try:
        while chunk := reply._response.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                return f"longer than {limit // 1024 // 1024} MB"
    except Exception as error:  # whatever the parser of a broken answer raises
        return why(error)
    reply.request_meta["response_length"] = size
    return ""


def _unexpected(reply: Any, step: Step) -> str:
    status = reply.status_code
    if status == step.status if step.status is not None else 200 <= status < 300:
        return ""
    where = (reply.headers or {}).get("location", "") if 300 <= status < 400 else ""
    return f"answered {status}{' to ' + where.partition('?')[0][:100] if where else ''}"


def _close(client: FastHttpSession) -> None:
    """What hung or was cut off leaves connections that nobody may use again."""
    with contextlib.suppress(OSError, ConcurrentObjectUseError):
        client.client.clientpool.close()


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, chosen in values.items():
            value = value.replace(f"{{{name}}}", chosen)
        return value
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    return [_filled(inner, values) for inner in value] if isinstance(value, list) else value


# ---------------------------------------------------------------------- a team's own users
def adopt(loop: OpenLoop, user_class: type[User]) -> None:
    """A team's user class joins the open loop: its tasks stay as they are, its waiting times give way to arrivals."""
    pool = user_class.__name__
    on_start: Callable[[User], None] = user_class.on_start

    def started(self: Any) -> None:
        on_start(self)
        self._seatrial_event = Corrected(loop, self.environment.events.request)
        self._seatrial_number = None
        if hasattr(self, "client") and hasattr(self.client, "request_event"):
            self.client.request_event = self._seatrial_event
        loop.join(pool, float(user_class.weight))
        _await(self)

    def wait_time(self: Any) -> float:
        _await(self)
        return 0.0

    def _await(self: Any) -> None:
        if self._seatrial_number is not None:
            loop.settle(self._seatrial_number)
        self._seatrial_number, self._seatrial_event.arrival = loop.next(pool)

    user_class.on_start = started  # type: ignore[method-assign]
    user_class.wait_time = wait_time
