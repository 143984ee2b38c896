"""The routes, several at once, each with a time limit; what was slow, or sent too many statements, again alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from seatrial.model.deployment import Visit
from seatrial.model.evidence import Exchange
from seatrial.smoke import timing
from seatrial.smoke.client import Answer, Client
from seatrial.smoke.exchanges import HTML, asked_as, exchange
from seatrial.smoke.plan import Aim, Plan
from seatrial.smoke.ready import commit_of, dug

AGAIN = 2
"""Times that a route is asked again, where the first answer may have been its worst."""
MOST_AGAIN = 20
"""Routes of one smoke that are asked again."""


def visits(
    plan: Plan,
    ask: Client,
    progress: Callable[[int, int, str], None] = lambda *_: None,
    note_commit: Callable[[Answer], None] = lambda _: None,
) -> list[Visit]:
    """Every route of the plan, in its order."""
    found: list[Visit] = []
    with ThreadPoolExecutor(plan.at_once, thread_name_prefix="smoke") as pool:
        for number, (visit, answer) in enumerate(pool.map(lambda aim: visited(plan, ask, aim), plan.aims)):
            note_commit(answer)
            progress(number + 1, len(plan.aims), visit.subject)
            found.append(visit)
    return _again(plan, ask, found)


def visited(plan: Plan, ask: Client, aim: Aim) -> tuple[Visit, Answer]:
    """One route, once."""
    answer = ask.ask(aim.route.method, aim.route.path, headers=_headers(aim))
    seen = exchange(plan.base, aim.route, answer, identity=aim.identity, sent=asked_as(aim.headers))
    counted, untold = timing.statements(answer.values("Server-Timing")) if ask.token else (None, "")
    absent, lacking, unread = _content(aim, answer)
    return (
        Visit(
            seen,
            aim.expected,
            absent,
            lacking,
            unread,
            counted,
            untold,
            with_token=bool(ask.token),
            fastest_ms=answer.elapsed_ms,
            to_itself=_to_itself(plan, aim, answer),
        ),
        answer,
    )


def _headers(aim: Aim) -> dict[str, str]:
    accept = {"Accept": "application/json"} if aim.expected.keys else {}
    return {**accept, **aim.headers}


def _content(aim: Aim, answer: Answer) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(texts that are missing, keys that are missing, why neither could be looked for)."""
    expected = aim.expected
    if answer.failure or not (expected.contains or expected.keys):
        return (), (), ""
    text = answer.text
    absent = tuple(wanted for wanted in expected.contains if wanted not in text)
    if absent and answer.cut:
        return (), (), "longer than is read, and what was read does not hold it"
    if not expected.keys:
        return absent, (), ""
    try:
        document = answer.json
    except ValueError:
        return absent, (), f"no JSON but {answer.content_type or 'of no content type'}"
    lacking = []
    for key in expected.keys:
        try:
            dug(document, key)
        except LookupError:
            lacking.append(key)
    return absent, tuple(lacking), ""


def _to_itself(plan: Plan, aim: Aim, answer: Answer) -> bool:
    location = answer.header("Location")
    if not (300 <= answer.status < 400 and location):
        return False
    found = plan.base.leads(aim.route.path, location)
    return found.scheme == plan.base.scheme and plan.base.own(found) == aim.route.path


def _again(plan: Plan, ask: Client, found: Sequence[Visit]) -> list[Visit]:
    """Alone, what was slow while others were asked, and what a cold worker may have sent more statements for."""
    doubtful = [number for number, visit in enumerate(found) if _doubtful(visit)][:MOST_AGAIN]
    result = list(found)
    for number in doubtful:
        for _ in range(AGAIN):
            visit = result[number]
            if not _doubtful(visit):
                break
            other, _answer = visited(plan, ask, plan.aims[number])
            counts = [count for count in (visit.statements, other.statements) if count is not None]
            result[number] = replace(
                visit,
                statements=min(counts, default=None),
                fastest_ms=min(visit.fastest_ms, other.fastest_ms) if not other.answer.failure else visit.fastest_ms,
                asks=visit.asks + 1,
            )
    return result


def _doubtful(visit: Visit) -> bool:
    if visit.answer.failure:
        return False
    budget = visit.expected.statements
    over = budget is not None and visit.statements is not None and visit.statements > budget
    return over or visit.fastest_ms > visit.expected.slow_ms


def linked(answers: Sequence[Exchange]) -> list[tuple[Exchange, str]]:
    """(page, address) of every script and style sheet, each address once."""
    found: dict[str, Exchange] = {}
    for page in answers:
        if page.content_type not in HTML:
            continue
        for line in f"{page.marks.get('scripts', '')}\n{page.marks.get('styles', '')}".splitlines():
            if address := line[1:].strip():
                found.setdefault(address, page)
    return [(page, address) for address, page in found.items()]


__all__ = ["commit_of", "linked", "visited", "visits"]
