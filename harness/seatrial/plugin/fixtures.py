"""For the team's own tests: statement budgets and header assertions. Imported only when one of them is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from seatrial import rules
from seatrial.model.evidence import AppFacts, Exchange, Kind, Statement
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context
from seatrial.observe.redaction import safe_headers
from seatrial.observe.statements import Recording, record

SHOWN = 10
"""Statements that a failure lists; more are counted."""
LONGEST = 160
"""Characters of a statement that are shown."""


class SqlBudget:
    """`with sql_budget(5): …` (select and dml together), or `sql_budget(select=5, dml=0)`.

    Yields the recording: `recording.statements()` tells afterwards what was sent.
    """

    @contextmanager
    def __call__(
        self, total: int | None = None, *, select: int | None = None, dml: int | None = None
    ) -> Iterator[Recording]:
        """Raises ValueError without any limit: a budget that cannot be exceeded checks nothing."""
        __tracebackhide__ = True
        limits = {"statement": total, "select": select, "dml": dml}
        if all(limit is None for limit in limits.values()):
            raise ValueError("sql_budget needs a limit: sql_budget(5), or sql_budget(select=5, dml=0)")
        if any(limit is not None and not _is_limit(limit) for limit in limits.values()):
            raise ValueError("a limit of sql_budget is a whole number from 0 on: sql_budget(5)")
        with record() as recording:
            yield recording
        counted = [s for s in recording.statements() if s.kind in (Kind.SELECT, Kind.DML)]
        spent = Counter[str](s.kind.value for s in counted)
        spent["statement"] = len(counted)
        over = [
            f"limited to {_amount(limit, what)} but sent {spent[what]}"
            for what, limit in limits.items()
            if limit is not None and spent[what] > limit
        ]
        if over:
            pytest.fail(f"SQL budget: {'; '.join(over)}\n{listing(counted)}", pytrace=False)


@contextmanager
def limited(marker: pytest.Mark) -> Iterator[None]:
    """`@pytest.mark.max_statements(5)` around the call of a test."""
    __tracebackhide__ = True
    given = [*marker.args, *marker.kwargs.values()]
    if len(given) != 1 or not _is_limit(given[0]) or not marker.kwargs.keys() <= {"n"}:
        pytest.fail("max_statements takes one whole number: @pytest.mark.max_statements(5)", pytrace=False)
    with SqlBudget()(given[0]):
        yield


def listing(statements: Sequence[Statement]) -> str:
    """The statements, most repeated first, with how often each was sent."""
    times = Counter(s.fingerprint for s in statements)
    first = {s.fingerprint: s for s in reversed(statements)}
    lines = [f"  {count}x {_short(first[fingerprint].sql)}" for fingerprint, count in times.most_common(SHOWN)]
    if len(times) > SHOWN:
        lines.append(f"  and {_amount(len(times) - SHOWN, 'other statement')}")
    return "\n".join(lines)


def assert_secure_headers(response: Any, *, https: bool = True, environment: str = "production") -> None:
    """Fail unless a response (of Flask's test client, requests or httpx) satisfies the header and cookie rules.

    Warnings do not fail it. `https`: how the response would have travelled.
    """
    __tracebackhide__ = True
    exchange = _as_exchange(response, "https" if https else "http")
    facts = AppFacts(profile=Profile.PROTECTION, environment=environment)
    context = Context(environment=environment, facts=facts)
    judged = [rule(exchange, context) for rule in (*rules.hdr.OF_A_RESPONSE, *rules.cke.RULES)]
    failed = [f for judgement in judged for f in judgement.findings if f.level is Level.BLOCK]
    if failed:
        told = "\n".join(f"  {f.rule} {f.name}: {f.message}\n    {f.remedy}" for f in failed)
        pytest.fail(f"insecure headers of a response with status {exchange.status}\n{told}", pytrace=False)
    if not any(judgement.outcome in (Outcome.PASS, Outcome.FAIL) for judgement in judged):
        # A pass must be earned: an answer that no rule can speak on shows nothing.
        pytest.fail(
            f"headers not proved: no header rule applies to a response with status {exchange.status}; "
            f"request a page that answers 200",
            pytrace=False,
        )


def _as_exchange(response: Any, scheme: str) -> Exchange:
    if not hasattr(response, "headers") or not hasattr(response, "status_code"):
        raise TypeError(
            f"assert_secure_headers takes a response (client.get('/')), not {type(response).__name__}: "
            f"it needs `status_code` and `headers`"
        )
    pairs = [(str(name), str(value)) for name, value in _pairs(response)]
    content_type = next((value for name, value in pairs if name.lower() == "content-type"), "")
    return Exchange(
        route=Route("GET", "response", "response"),
        identity="anonymous",
        path="",
        status=int(response.status_code),
        headers=safe_headers(pairs),
        scheme=scheme,
        content_type=content_type.partition(";")[0].strip().lower(),
    )


def _pairs(response: Any) -> Iterable[tuple[Any, Any]]:
    """Every header, each Set-Cookie by itself."""
    if hasattr(response.headers, "multi_items"):  # httpx
        return list(response.headers.multi_items())
    # requests joins what came several times; urllib3 below it has not.
    headers = getattr(getattr(response, "raw", None), "headers", None)
    return list((response.headers if headers is None else headers).items())


def _is_limit(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _amount(number: int, what: str) -> str:
    """`1 statement`, `5 statements`, `5 select`."""
    return f"{number} {what}{'s' if what.endswith('statement') and number != 1 else ''}"


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
