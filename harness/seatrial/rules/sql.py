"""SQL: statements per route.

A violation is a violation on any response: a GET that archives and then redirects has written. Only a pass needs the
page itself (2xx). The exception is SQL002, whose budget was recorded on the page.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from seatrial.model.evidence import Budget, Exchange, Kind, Load, Statement
from seatrial.model.findings import Finding, Judgement, Place
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE, document, hot, no_document, unanswered, unexpected
from seatrial.rules.registry import rule
from seatrial.rules.remedies import best_known, remedy
from seatrial.rules.statements import cause, line_of, places_of, shorthand, text_of, written

IDENTICAL = 3
"""Executions of one statement with the same parameters that SQL009 calls a repetition."""

_SHOWN = 5


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
                f"the driver did not say how many rows {shorthand(uncounted[0])} fetched: record with rows",
            )
        return rule.passed(exchange.subject)
    added, removed = _difference(budget, exchange.counted)
    message = (
        f"Limited to {_listed(_amount(limits[name], name) for name in over)} per request "
        f"but took {_listed(_amount(spent[name], name) for name in over)}"
    )
    if added:
        more = f", and {len(added) - _SHOWN} more" if len(added) > _SHOWN else ""
        message += ": " + ", ".join(_added(entry) for entry in added[:_SHOWN]) + more
    elif "rows" in over:
        largest = max(exchange.statements, key=lambda s: (s.kind is Kind.SELECT, s.rows or 0))
        message += f": {largest.rows} by {shorthand(largest)}{_at(largest.place)}"
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
                f"Fewer than {limit} executions of one statement are allowed but {cause(best_known(same))} "
                f"ran {len(same)} times with {distinct} different parameters{_at(_place(same))}",
                remedy=remedy(same),
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
    if not hot(exchange.route, context):
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
                f"Limited to {limit:g} ms per statement but {shorthand(slowest)} took {slowest.elapsed_ms:.0f} ms",
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
            writes.setdefault(written(statement.sql), []).append(statement)
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
    code="SQL007",
    name="query-in-template",
    level=Level.WARN,
    claim="Templates run no statements.",
    control="a template was rendered",
    rationale=(
        "Who reads the view sees no statement, and who edits the template adds one per row without knowing; a database "
        "error then surfaces in the middle of rendering."
    ),
    source="zen-queries for Django (a render() that forbids queries); here nothing of the app is changed",
    remedy="Load in the view what the template shows: selectinload() for relationships, plain values for counts.",
)
def query_in_template(rule: Rule, exchange: Exchange, _: Context) -> Judgement:
    lines: dict[Place, list[Statement]] = {}
    for statement in exchange.counted:
        if statement.template is not None:
            lines.setdefault(statement.template, []).append(statement)
    if lines or exchange.template or unexpected(rule, exchange) is not None:
        return _verdict(rule, exchange, [_in_template(rule, exchange, *sent) for sent in lines.items()])
    if not document(exchange):
        return rule.skipped(exchange.subject, no_document(exchange))
    return rule.not_proved(
        exchange.subject,
        "the page was made without a template: render it with render_template(), or set "
        'SQL007 = "off" under [tool.seatrial.rules]',
    )


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
                f"Fewer than {IDENTICAL} identical executions are allowed but {cause(best_known(identical))} "
                f"ran {most} times with the same parameters{_at(_place(identical))}",
                remedy=remedy(identical),
                place=_place(identical),
                detail=fingerprint,
                evidence=_repeats(identical) | {"limit": IDENTICAL},
            )
        )
    return _verdict(rule, exchange, findings)


def _in_template(rule: Rule, exchange: Exchange, template: Place, sent: Sequence[Statement]) -> Finding:
    """One finding per line of a template, whatever it sends."""
    kinds: dict[str, list[Statement]] = {}
    for statement in sent:
        kinds.setdefault(cause(statement), []).append(statement)
    said = [f"{kind} {_times(len(same))}" for kind, same in kinds.items()]
    more = f", and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    first = best_known(sent)
    return rule.finding(
        exchange.subject,
        f"Templates are limited to what they are given but {line_of(template)} ran {_listed(said[:_SHOWN])}{more}",
        remedy=remedy([first]) if first.relationship or first.load is not Load.NONE else "",
        # a template without a file has no text: then the place is the line that renders it
        place=template if template.text else first.place,
        detail=line_of(template),
        evidence={
            "template": line_of(template),
            "statements": [{"statement": kind} | _repeats(same) for kind, same in kinds.items()],
        },
    )


def _verdict(rule: Rule, exchange: Exchange, findings: Sequence[Finding]) -> Judgement:
    """Fail on what was seen; pass only where the page itself was seen."""
    if (silent := unanswered(rule, exchange)) is not None:
        return silent
    if findings:
        return rule.failed(exchange.subject, *findings)
    return unexpected(rule, exchange) or rule.passed(exchange.subject)


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
        added.append({"times": times, "statement": shorthand(same[0])} | _repeats(same) | {"fingerprint": fingerprint})
    removed = [{"times": times, "fingerprint": fingerprint} for fingerprint, times in (then - now).most_common()]
    return added, removed


def _repeats(same: Sequence[Statement]) -> dict[str, Any]:
    """Evidence shared by every finding on a group of equal statements."""
    known = best_known(same)
    evidence: dict[str, Any] = {
        "sql": text_of(same[0]),
        "executions": len(same),
        "elapsed_ms": round(sum(s.elapsed_ms for s in same), 1),
    }
    if places := places_of(same):
        evidence["places"] = places
    if templates := sorted({line_of(s.template) for s in same if s.template is not None and s.template != s.place}):
        evidence["templates"] = templates
    if known.relationship:
        evidence["relationship"] = known.relationship
    if known.load is not Load.NONE:
        evidence["load"] = known.load.value
    if known.columns:
        evidence["columns"] = list(known.columns)
    return evidence


def _place(same: Sequence[Statement]) -> Place | None:
    """The first known one: attribution starts with the second execution."""
    return next((s.place for s in same if s.place is not None), None)


def _at(place: Place | None) -> str:
    return "" if place is None else f" at {line_of(place)}"


def _added(entry: dict[str, Any]) -> str:
    """`+1 SELECT … FROM category at templates/list.html:10`."""
    places = entry.get("places", [])
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"+{entry['times']} {entry['statement']}" + (f" at {places[0]}{more}" if places else "")


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
