"""SQL: statements per route.

A violation is a violation on any response: a GET that archives and then redirects has written. Only a pass needs the
page itself (2xx). The exception is SQL002, whose budget was recorded on the page.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from seatrial.model.evidence import Budget, Exchange, Kind, Statement
from seatrial.model.findings import Finding, Judgement, Place
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, unanswered, unexpected
from seatrial.rules.eager import unused_eager_load as unused_eager_load
from seatrial.rules.registry import rule

IDENTICAL = 3
"""Executions of one statement with the same parameters that SQL009 calls a repetition."""

_SHOWN = 5
_SQL_SHOWN = 400
_TABLE = r"(?:ONLY\s+)?([\w.$\"`\[\]]+)"
_FROM = re.compile(rf"\bFROM\s+{_TABLE}", re.IGNORECASE)
_WRITE = re.compile(
    rf"\b(?:(INSERT)\s+(?:OR\s+\w+\s+)?INTO|(REPLACE|MERGE)\s+INTO|(DELETE)\s+FROM|(TRUNCATE)(?:\s+TABLE)?|(UPDATE))"
    rf"\s+{_TABLE}",
    re.IGNORECASE,
)


@rule(
    code="SQL002",
    name="query-budget",
    level=Level.BLOCK,
    claim="A route stays within its recorded budget of select statements, dml statements and rows.",
    control="at least one statement was seen where the budget says that there are some",
    rationale="Extra statements arrive one innocent line at a time; a number that may only fall stops them in review.",
    source="django-perf-rec (recorded statements per test, a failure is a diff), here per route",
    remedy="Remove the statements that the diff names, or raise the budget openly: seatrial budgets accept --reason.",
)
def query_budget(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    budget = context.budget
    if budget is None:
        return rule.skipped(exchange.subject, "no budget is recorded for this route: run seatrial budgets record")
    if (silent := unexpected(rule, exchange)) is not None:
        return silent
    if budget.select + budget.dml > 0 and not exchange.counted:
        return rule.not_proved(
            exchange.subject,
            f"no statement was seen where the budget has {_spent(budget.select, budget.dml, budget.rows)}: the answer "
            f"came from a cache, or the app's engine is not recorded; clear the cache, or run seatrial budgets record",
        )
    spent = {"select": exchange.count(Kind.SELECT), "dml": exchange.count(Kind.DML), "rows": exchange.rows}
    limits = {"select": budget.select, "dml": budget.dml, "rows": budget.rows}
    over = [name for name in limits if spent[name] > limits[name]]
    if not over:
        uncounted = [s for s in exchange.statements if s.kind is Kind.SELECT and s.rows is None]
        if uncounted:
            return rule.not_proved(
                exchange.subject,
                f"the driver did not say how many rows {_shorthand(uncounted[0])} fetched: record with rows",
            )
        return rule.passed(exchange.subject)
    added, removed = _difference(budget, exchange.counted)
    message = (
        f"Limited to {_listed(_amount(limits[name], name) for name in over)} per request "
        f"but took {_listed(_amount(spent[name], name) for name in over)}"
    )
    if added:
        more = f", and {len(added) - _SHOWN} more" if len(added) > _SHOWN else ""
        message += ": " + ", ".join(f"+{entry['times']} {entry['statement']}" for entry in added[:_SHOWN]) + more
    elif "rows" in over:
        largest = max(exchange.statements, key=lambda s: (s.kind is Kind.SELECT, s.rows or 0))
        message += f": {largest.rows} by {_shorthand(largest)}"
    evidence = {"budget": limits, "seen": spent, "added": added, "removed": removed}
    return rule.failed(exchange.subject, rule.finding(exchange.subject, message, evidence=evidence))


@rule(
    code="SQL003",
    name="repeated-statement",
    level=Level.WARN,
    claim="One request does not run the same statement three times or more with different parameters.",
    control=RESPONSE,
    rationale="A statement per item is the usual shape of an N+1; SQL001 proves the growth, this rule names the line.",
    source="SQLAlchemy documentation, Relationship Loading Techniques (the N plus one problem)",
    remedy="Ask for all of them at once: WHERE … IN, GROUP BY, a join, or selectinload() on the query of the page.",
)
def repeated_statement(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    limit = context.limits.repeated_statements
    findings = []
    for fingerprint, same in _by_fingerprint(exchange):
        distinct = len({s.parameters for s in same})
        if distinct < limit or any(s.eager for s in same):
            continue
        findings.append(
            rule.finding(
                exchange.subject,
                f"Fewer than {limit} executions of one statement are allowed but {_shorthand(same[0])} "
                f"ran {len(same)} times with {distinct} different parameters",
                remedy=_cure_of_repeats(same),
                place=_place(same),
                detail=fingerprint,
                evidence=_repeats(same) | {"distinct_parameters": distinct, "limit": limit},
            )
        )
    return _verdict(rule, exchange, findings)


@rule(
    code="SQL004",
    name="slow-statement",
    level=Level.WARN,
    claim="No single statement of a hot path takes longer than the limit (100 ms by default).",
    control=RESPONSE,
    rationale="One slow statement is a floor under the response time that no cache of the template layer removes.",
    source="the 200 ms limit of a page (LAT001, LAT002), of which one statement may take half",
    remedy="Look at EXPLAIN ANALYZE of the statement: an index on what it filters and sorts by, or fewer rows.",
)
def slow_statement(rule: Rule, exchange: Exchange, context: Context) -> Judgement:
    if not _hot(exchange, context):
        return rule.skipped(
            exchange.subject, "not a hot path: name it on `hot` under [tool.seatrial], or run seatrial budgets record"
        )
    limit = context.limits.slow_statement_ms
    findings = []
    for fingerprint, same in _by_fingerprint(exchange):
        slowest = max(same, key=lambda s: s.elapsed_ms)
        if slowest.elapsed_ms <= limit:
            continue
        findings.append(
            rule.finding(
                exchange.subject,
                f"Limited to {limit:g} ms per statement but {_shorthand(slowest)} took {slowest.elapsed_ms:.0f} ms",
                place=_place([slowest, *same]),
                detail=fingerprint,
                evidence=_repeats(same) | {"slowest_ms": round(slowest.elapsed_ms, 1), "limit_ms": limit},
            )
        )
    return _verdict(rule, exchange, findings)


@rule(
    code="SQL006",
    name="write-on-safe-method",
    level=Level.BLOCK,
    claim="GET and HEAD write nothing to the database.",
    control=RESPONSE,
    rationale=(
        "Crawlers, prefetching browsers and link previews repeat GETs at will, and no CSRF defence looks at them: "
        "whatever a GET writes, a foreign page can make a visitor write."
    ),
    source="RFC 9110 §9.2.1 (safe methods); OWASP ASVS 5.0 3.5.3; measured: 7 to 10 such routes in a mature codebase",
    remedy="Move the write behind POST with a CSRF token; counters and timestamps belong in a queue or a log.",
)
def write_on_safe_method(rule: Rule, exchange: Exchange, _: Context) -> Judgement:
    method = exchange.route.method
    if method not in ("GET", "HEAD"):
        return rule.skipped(exchange.subject, f"{method} may write: only GET and HEAD are judged")
    writes: dict[tuple[str, str], list[Statement]] = {}
    for statement in exchange.statements:
        if statement.kind is Kind.DML:
            writes.setdefault(_written(statement.sql), []).append(statement)
    findings = [
        rule.finding(
            exchange.subject,
            f"{method} is limited to reading but ran {verb} {table} {_times(len(same))}{_affected(same)}",
            place=_place(same),
            detail=f"{verb} {table}",
            evidence=_repeats(same) | {"verb": verb, "table": table, "rows": _known_rows(same)},
        )
        for (verb, table), same in writes.items()
    ]
    return _verdict(rule, exchange, findings)


@rule(
    code="SQL009",
    name="identical-statement",
    level=Level.WARN,
    claim="The same statement with the same parameters does not run three times or more in one request.",
    control=RESPONSE,
    rationale="The second answer is the first one again: permission checks and settings in a layout are the usual.",
    source="measured: 32 of the 38 statements of a mature codebase's median page were exact duplicates",
    remedy="Ask once per request and pass the answer on, or keep it on flask.g.",
)
def identical_statement(rule: Rule, exchange: Exchange, _: Context) -> Judgement:
    findings = []
    for fingerprint, same in _by_fingerprint(exchange):
        times = Counter(s.parameters for s in same)
        parameters, most = times.most_common(1)[0]
        if most < IDENTICAL:
            continue
        identical = [s for s in same if s.parameters == parameters]
        findings.append(
            rule.finding(
                exchange.subject,
                f"Fewer than {IDENTICAL} identical executions are allowed but {_shorthand(same[0])} "
                f"ran {most} times with the same parameters",
                place=_place(identical),
                detail=fingerprint,
                evidence=_repeats(identical) | {"limit": IDENTICAL},
            )
        )
    return _verdict(rule, exchange, findings)


def _verdict(rule: Rule, exchange: Exchange, findings: Sequence[Finding]) -> Judgement:
    """Fail on what was seen; pass only where the page itself was seen."""
    if (silent := unanswered(rule, exchange)) is not None:
        return silent
    if findings:
        return rule.failed(exchange.subject, *findings)
    return unexpected(rule, exchange) or rule.passed(exchange.subject)


def _hot(exchange: Exchange, context: Context) -> bool:
    if context.hot:
        return f"{exchange.route.method} {exchange.route.rule}" in context.hot
    return context.budget is not None


def _by_fingerprint(exchange: Exchange) -> Iterable[tuple[str, list[Statement]]]:
    groups: dict[str, list[Statement]] = {}
    for statement in exchange.counted:
        groups.setdefault(statement.fingerprint, []).append(statement)
    return groups.items()


def _difference(budget: Budget, seen: Iterable[Statement]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What ran more often than at recording, most first, and what ran less often."""
    if not budget.statements:
        return [], []
    by_fingerprint: dict[str, list[Statement]] = {}
    for statement in seen:
        by_fingerprint.setdefault(statement.fingerprint, []).append(statement)
    now = Counter({fingerprint: len(same) for fingerprint, same in by_fingerprint.items()})
    then = Counter(dict(budget.statements))
    added = []
    for fingerprint, times in (now - then).most_common():
        same = by_fingerprint[fingerprint]
        added.append({"times": times, "statement": _shorthand(same[0])} | _repeats(same) | {"fingerprint": fingerprint})
    removed = [{"times": times, "fingerprint": fingerprint} for fingerprint, times in (then - now).most_common()]
    return added, removed


def _repeats(same: Sequence[Statement]) -> dict[str, Any]:
    """Evidence shared by every finding on a group of equal statements."""
    sql = " ".join(same[0].sql.split())
    evidence: dict[str, Any] = {
        "sql": sql if len(sql) <= _SQL_SHOWN else sql[: _SQL_SHOWN - 1] + "…",
        "executions": len(same),
        "elapsed_ms": round(sum(s.elapsed_ms for s in same), 1),
    }
    if places := sorted({f"{s.place.path}:{s.place.line}" for s in same if s.place is not None}):
        evidence["places"] = places
    if relationship := _relationship(same):
        evidence["relationship"] = relationship
    return evidence


def _cure_of_repeats(same: Sequence[Statement]) -> str:
    if relationship := _relationship(same):
        return f"Load {relationship} together with the query of the page: .options(selectinload({relationship}))."
    if same[0].kind is Kind.DML:
        return "Send one statement for all rows: session.execute(insert(Model), rows), or one UPDATE with its WHERE."
    return ""


def _relationship(same: Sequence[Statement]) -> str:
    return next((s.relationship for s in same if s.relationship), "")


def _place(same: Sequence[Statement]) -> Place | None:
    """The first known one: attribution starts with the second execution."""
    return next((s.place for s in same if s.place is not None), None)


def _shorthand(statement: Statement) -> str:
    """`SELECT … FROM category`, `UPDATE item`: enough to know which one is meant."""
    if statement.kind is Kind.DML:
        return " ".join(_written(statement.sql))
    found = _FROM.search(statement.sql)
    return f"SELECT … FROM {_bare(found[1])}" if found else " ".join(statement.sql.split())[:60]


def _written(sql: str) -> tuple[str, str]:
    """Verb and table of a write, inside a CTE too."""
    found = _WRITE.search(sql)
    if found is None:
        return (sql.split(maxsplit=1) or ["write"])[0].upper(), "an unknown table"
    *verbs, table = found.groups()
    return next(verb for verb in verbs if verb).upper(), _bare(table)


def _bare(table: str) -> str:
    return re.sub(r"[\"`\[\]]", "", table)


def _known_rows(same: Sequence[Statement]) -> int | None:
    known = [s.rows for s in same if s.rows is not None]
    return sum(known) if known else None


def _affected(same: Sequence[Statement]) -> str:
    rows = _known_rows(same)
    return "" if rows is None else f" ({_amount(rows, 'rows')})"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _amount(number: int, what: str) -> str:
    return f"{number} {'row' if what == 'rows' and number == 1 else what}"


def _spent(select: int, dml: int, rows: int) -> str:
    return f"{select} select, {dml} dml and {_amount(rows, 'rows')}"


def _listed(parts: Iterable[str]) -> str:
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last
