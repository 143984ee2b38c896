"""A route that honours an idempotency key: first request, replay, another body, two at once, somebody else's key."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.config.settings import Idempotency
from seatrial.faults import race, request
from seatrial.faults.bench import Bench, Ran, UncleanError
from seatrial.faults.breaking import Breaker
from seatrial.faults.children import Work
from seatrial.faults.state import Compared, Reference, State, compare, state_of, work_of
from seatrial.faults.statements import is_write, written
from seatrial.faults.wire import ERROR, SQL, Fault
from seatrial.model import webhooks as evidence
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.webhooks import Keyed, KeyedTrial, Tried
from seatrial.trials.webhooks.stand import bench_of

if TYPE_CHECKING:
    from seatrial.target import Target

TOO_LONG = 300
"""Characters; the draft leaves the limit to the server, and Stripe's is 255."""
MISMATCH = frozenset({400, 409, 422})
"""The draft says 422; APIs that follow Stripe say 400 or 409."""
IN_FLIGHT = frozenset({409, 425, 429, 503})
MALFORMED = frozenset({400, 422})
FAMILIES = (evidence.DEATH, evidence.ERRORS)
FAILED = "a key whose request failed"
POLICY = "answers of 5xx"
STORED, TRIED_AGAIN = "are stored and given again", "are not stored: the request is carried out when it comes again"


@dataclass(slots=True)
class Keyhole:
    """One configured route as one identity."""

    target: Target
    entry: Idempotency
    path: str
    bench: Bench
    identities: tuple[str, ...]

    def work(self, key: str | None, *, changed: bool = False, identity: int = 0) -> Work:
        return request.single(self.target.app, self.request(key, changed=changed, identity=identity))

    def request(self, key: str | None, *, changed: bool = False, identity: int = 0) -> request.Request:
        from werkzeug.datastructures import Headers as Fields
        from werkzeug.test import EnvironBuilder

        method, _, _ = self.entry.route.partition(" ")
        body, form = self.entry.body, dict(self.entry.form)
        if changed:
            body, form = _other(body), _other(form)
        client = self.target.client(self.identities[identity])

        def environ() -> dict[str, Any]:
            fields = Fields({self.entry.header: key} if key is not None else {})
            builder = EnvironBuilder(
                path=self.path,
                base_url=self.target.base_url,
                method=method,
                environ_base=client.environ_base,
                headers=fields,
                **({"json": body} if body is not None else {"data": form}),
            )
            made = builder.get_environ()
            builder.close()
            client._add_cookies_to_wsgi(made)
            return made

        return environ

    def send(self, key: str | None, fault: Fault | None = None, **options: Any) -> Ran:
        return self.bench.send(self.work(key, **options), fault)


def keyed(target: Target, route: str, limit_s: float) -> KeyedTrial:
    """Every case of the draft, then deaths and errors at every boundary of the first request.

    Raises BrokenError where the database cannot be put back.
    """
    entry = next(entry for entry in target.settings.idempotency if entry.route == route)
    method, _, rule = route.partition(" ")
    found = next((r for r in target.routes() if r.method == method and r.rule == rule), None)
    if found is None:
        return KeyedTrial(route, reason=f"{route} is no route of the app; `seatrial routes` lists them")
    names = tuple(identity.name for identity in target.settings.identities) or (ANONYMOUS,)
    subject = found.subject(names[0])
    path, _ = next(target.samples().paths(found), ("", ())) if found.arguments else (rule, ())
    named = ", ".join(name for name, _ in found.arguments)
    if not path:
        return KeyedTrial(
            subject, reason=f"no value was found for {named}: give it one under [tool.seatrial.arguments]"
        )
    for name in names:  # log in here: the children inherit who is logged in
        target.client(name)
    try:
        hole = Keyhole(target, entry, path, bench_of(target), names)
        key = secrets.token_hex(16)
        reference, clean = hole.bench.reference([hole.work(key)], key, _bookkeeping(hole))
    except UncleanError as error:
        values = f", and a value for {named} under [tool.seatrial.arguments]" if named else ""
        return KeyedTrial(
            subject, reason=f"{error}: give a body that the route takes (`json` or `form` under idempotency){values}"
        )
    cases = _cases(hole, key, reference)
    failed, stored = _failed_once(hole, key, reference, clean)
    cases += failed
    planned = tried = 0
    broken: list[Tried] = []
    # A row that is refused may be an answer like any other there, and is stored.
    breaker = Breaker(hole.bench, hole.work(key), hole.work(key), reference, clean, constraints=False)
    # Without a replay that gives the same result there is nothing that a death could spoil.
    for family in FAMILIES if not any(case.wrong for case in cases if case.case == "replay") else ():
        outcome = breaker.run(family, limit_s / len(FAMILIES))
        planned, tried = planned + outcome.planned, tried + outcome.tried
        # Whoever stores an answer of 5xx gives it again for ever: that is what it promised.
        broken += [one for one in outcome.convicted if not (stored and _same_error(one))]
    hole.bench.keeper.reset()
    policy = {POLICY: STORED if stored else TRIED_AGAIN} if failed else {}
    return KeyedTrial(subject, cases=tuple(cases), broken=tuple(broken), planned=planned, tried=tried, facts=policy)


def _cases(hole: Keyhole, key: str, reference: Reference) -> list[Keyed]:
    bench = hole.bench
    found: list[Keyed] = []

    def case(name: str, expected: str, run: Callable[[], tuple[int, str]]) -> None:
        bench.keeper.reset()
        status, wrong = run()
        found.append(Keyed(name, status, expected, wrong))

    def replay() -> tuple[int, str]:
        first, second = hole.send(key), hole.send(key)
        told = first.told + second.told
        difference = bench.compared(reference, told)
        if difference:
            return second.status, f"it was done again ({difference.differences[0].told})"
        if _answer(first) != _answer(second):
            return second.status, f"the answer is another one ({first.status}, then {second.status})"
        return second.status, ""

    def other_body() -> tuple[int, str]:
        first, second = hole.send(key), hole.send(key, changed=True)
        difference = bench.compared(reference, first.told + second.told)
        if difference and not 400 <= second.status < 500:
            return second.status, "another body was carried out under the same key"
        return second.status, "" if second.status in MISMATCH else f"answered {second.status}"

    def at_once() -> tuple[int, str]:
        gates = [line for line in hole.send(secrets.token_hex(16)).told if line.get("k") == "sql"]
        bench.keeper.reset()
        with race.processes(hole.work(key), hole.work(key), bench.keeper, bench.deadline_s) as running:
            running.walk(0, max(1, len(gates) // 2))
            running.walk(1, race.ALL)
            running.run_out()
            statuses, told = [running.status(0), running.status(1)], list(running.told)
        difference: Compared = bench.compared(reference, told)
        if difference:
            return statuses[1], f"both were carried out ({difference.differences[0].told})"
        # SQLite is made to refuse a lock at once: the error that follows is ours.
        locked = {500} if hole.target.binds[0].engine.dialect.name == "sqlite" else set()
        odd = [status for status in statuses if not 200 <= status < 300 and status not in IN_FLIGHT | locked]
        return statuses[1], f"answered {odd[0]}" if odd else ""

    def malformed() -> tuple[int, str]:
        ran = hole.send("k" * TOO_LONG)
        if 200 <= ran.status < 300:
            replayed = hole.send("k" * TOO_LONG)
            # Whoever takes long keys must honour them.
            difference = bench.compared(reference, ran.told + replayed.told)
            return ran.status, "a key of 300 characters was taken and not honoured" if difference else ""
        return ran.status, "" if ran.status in MALFORMED else f"answered {ran.status}"

    def without() -> tuple[int, str]:
        ran = hole.send(None)
        refused = 400 <= ran.status < 500
        return ran.status, "" if refused or ran.acknowledged else f"answered {ran.status}"

    def foreign() -> tuple[int, str]:
        first, second = hole.send(key), hole.send(key, identity=1)
        works = any(is_write(boundary.detail) for boundary in second.boundaries)
        if _answer(first) == _answer(second) and not works:
            return second.status, "somebody else got the stored answer"
        return second.status, f"answered {second.status}" if second.status >= 500 else ""

    case("replay", "the stored answer, and nothing done", replay)
    case("another body", "422 (or 400, 409), and nothing done", other_body)
    case("two at once", "one is carried out, the other waits or is refused with 409", at_once)
    case("a key of 300 characters", "400, or honoured", malformed)
    case("no key", "400 where one is required, or carried out", without)
    if len(hole.identities) > 1:
        case("somebody else's key", "a request of its own", foreign)
    return found


def _failed_once(hole: Keyhole, key: str, reference: Reference, clean: Ran) -> tuple[list[Keyed], bool]:
    """The first request fails at a write of its work: (what the same again gives, whether the 5xx was stored).

    Both are right: Stripe's v1 stores the answer whatever it was, others let the request be tried again. Nothing else
    is: with the stored answer a new key must do the work, without it the old one must.
    """
    work = {row.table for row in reference.state} - reference.ledger
    at = next((b.number for b in clean.boundaries if b.kind == SQL and written(b.detail) & work), 0)
    if not at:
        return [], False
    bench = hole.bench
    bench.keeper.reset()
    first = hole.send(key, Fault(ERROR, at))
    if first.status < 500:  # it was caught and answered: what became of it is tried with every error
        return [], False
    second = hole.send(key)
    stored = second.status >= 500 and _answer(second) == _answer(first)
    if stored:
        # Nothing may be left of the failure when the client begins anew.
        third = hole.send(secrets.token_hex(16))
        found = compare(work_of(reference.state, reference.ledger), _work(hole, reference))
        wrong = "" if third.acknowledged and not found else f"a new key is answered {third.status}"
    else:
        answers, told = [second.status], first.told + second.told
        verdict, found = bench.recover(hole.work(key), reference, answers, told, second.acknowledged, None)
        wrong = f"it was {verdict}" if verdict else ""
    if found and wrong:
        wrong += f" ({found.differences[0].told})"
    return [Keyed(FAILED, second.status, "the stored answer, or carried out now", wrong)], stored


def _work(hole: Keyhole, reference: Reference) -> State:
    return work_of(state_of(hole.bench.keeper.delta(), hole.bench.schema, reference.left_out), reference.ledger)


def _same_error(one: Tried) -> bool:
    return one.verdict == evidence.NEVER and len(set(one.answers)) == 1 and one.answers[0] >= 500


def _answer(ran: Ran) -> tuple[int, str]:
    return ran.status, next((line["digest"] for line in ran.told if "digest" in line), "")


def _bookkeeping(hole: Keyhole) -> frozenset[tuple[str, str]]:
    pairs = (entry.rpartition(".") for entry in hole.entry.bookkeeping)
    return frozenset((table, column) for table, _, column in pairs)


def _other(body: Any) -> Any:
    """A body that is another one: the first number, else the first text, is changed."""
    if isinstance(body, dict):
        for wanted in ((int, float), (str,)):
            for name, value in body.items():
                if isinstance(value, wanted) and not isinstance(value, bool):
                    return {**body, name: value + 1 if not isinstance(value, str) else f"{value} 2"}
    return body
