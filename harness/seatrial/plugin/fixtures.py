"""For the team's own tests: statement budgets and header assertions. Imported only when one of them is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from seatrial import rules
from seatrial.model.evidence import AppFacts, Exchange, Kind, Statement
from seatrial.model.inventory import Route
from seatrial.model.outcomes import Level, Outcome
from seatrial.model.rules import Context
from seatrial.observe.statements import Recording, record
from seatrial.observe.redaction import safe_headers

SHOWN = 10
"""Statements that a failure lists; more are counted."""


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
        if total is None and select is None and dml is None:
            raise ValueError("sql_budget needs a limit: sql_budget(5), or sql_budget(select=5, dml=0)")
        with record() as recording:
            yield recording
        counted = [s for s in recording.statements() if s.kind in (Kind.SELECT, Kind.DML)]
        over = [
            f"limited to {limit} {what}, but sent {spent}"
            for what, limit, spent in (
                ("statements", total, len(counted)),
                ("select", select, sum(s.kind is Kind.SELECT for s in counted)),
                ("dml", dml, sum(s.kind is Kind.DML for s in counted)),
            )
            if limit is not None and spent > limit
        ]
        if over:
            pytest.fail(f"SQL budget: {'; '.join(over)}\n{listing(counted)}", pytrace=False)


@contextmanager
def limited(marker: pytest.Mark) -> Iterator[None]:
    """`@pytest.mark.max_statements(5)` around the call of a test."""
    __tracebackhide__ = True
    limit = marker.args[0] if marker.args else marker.kwargs.get("n")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        pytest.fail("max_statements takes one whole number: @pytest.mark.max_statements(5)", pytrace=False)
    with SqlBudget()(limit):
        yield


def listing(statements: list[Statement]) -> str:
    """The statements, most repeated first, with how often each was sent and from where where that is known."""
    times = Counter(s.fingerprint for s in statements)
    first = {s.fingerprint: s for s in reversed(statements)}
    places = {s.fingerprint: s.place for s in statements if s.place is not None}
    lines = []
    for fingerprint, count in times.most_common(SHOWN):
        place = places.get(fingerprint)
        where = f"  at {place.path}:{place.line}" if place else ""
        lines.append(f"  {count}x {' '.join(first[fingerprint].sql.split())[:160]}{where}")
    if len(times) > SHOWN:
        lines.append(f"  and {len(times) - SHOWN} other statements")
    return "\n".join(lines)


def assert_secure_headers(response: Any, *, https: bool = True, environment: str = "production") -> None:
    """Fail unless a response (of Flask's test client, requests or httpx) satisfies the header and cookie rules.

    Warnings do not fail it. `https`: how the response would have travelled.
    """
    __tracebackhide__ = True
    exchange = _as_exchange(response, "https" if https else "http")
    facts = AppFacts(profile="protection", environment=environment)
    context = Context(environment=environment, facts=facts)
    failed = []
    for rule in rules.registered():
        if rule.family not in ("HDR", "CKE"):
            continue
        judgement = rule(exchange, context)
        if judgement.outcome is Outcome.FAIL:
            failed += [f for f in judgement.findings if f.level is Level.BLOCK]
    if failed:
        told = "\n".join(f"  {finding.rule} {finding.name}: {finding.message}" for finding in failed)
        pytest.fail(f"insecure headers\n{told}", pytrace=False)


def _as_exchange(response: Any, scheme: str) -> Exchange:
    headers = response.headers
    pairs = headers.multi_items() if hasattr(headers, "multi_items") else list(headers.items())
    content_type = next((str(value) for name, value in pairs if name.lower() == "content-type"), "")
    return Exchange(
        route=Route("GET", "response", "response"),
        identity="anonymous",
        path="",
        status=int(response.status_code),
        headers=safe_headers((str(name), str(value)) for name, value in pairs),
        scheme=scheme,
        content_type=content_type.partition(";")[0].strip().lower(),
    )
