"""What one request adds to the traffic of its route: rules are asked, and only what they would name is kept.

Nothing here passes a rule. The configuration is a test's, the data is a test's, and one request proves no growth.
"""

from __future__ import annotations

from collections.abc import Iterable

from seatrial.model import envelope
from seatrial.model.evidence import Exchange, Statement
from seatrial.model.findings import Finding
from seatrial.model.rules import Context
from seatrial.plugin.traffic import Note, Traffic
from seatrial.rules import cke, hdr, sql

ANSWER_RULES = (
    hdr.csp_missing,
    hdr.referrer_policy,
    hdr.hsts,
    hdr.nosniff,
    hdr.framing,
    cke.cookie_secure,
    cke.cookie_httponly,
    cke.cookie_samesite,
)
"""Those that judge one answer by itself."""

_SQL_SHOWN = 80


def statements(traffic: Traffic, exchange: Exchange, context: Context, *, shared: bool) -> None:
    """`shared`: it ran in an app context of the test's, whose session answers from memory, and whose pending rows are
    written by the first query of whoever comes next."""
    (traffic.low if shared else traffic.counts)[len(exchange.counted)] += 1
    traffic.statuses[exchange.status] += 1
    limit = context.limits.slow_statement_ms
    slow = [s for s in exchange.counted if s.elapsed_ms > limit]
    traffic.slow += len(slow)
    _keep(traffic, sql.repeated_statement(exchange, context).findings)
    if not shared:
        _keep(traffic, sql.write_on_safe_method(exchange, context).findings)
    for statement in slow:
        traffic.note(_slow(statement))


def answer(traffic: Traffic, exchange: Exchange, context: Context, *, api: bool, body: bytes) -> None:
    """Headers, cookies and the shape of errors."""
    for rule in ANSWER_RULES:
        if rule(exchange, context).findings:
            traffic.seen[rule.code] += 1
    if exchange.status >= 400 and exchange.route.method != "HEAD":
        shape = envelope.shape(exchange.content_type, body)
        traffic.errors[f"api {shape}" if api or envelope.is_json(exchange.content_type) else shape.value] += 1
    elif exchange.ok and envelope.is_json(exchange.content_type):
        traffic.json += 1


def _keep(traffic: Traffic, findings: Iterable[Finding]) -> None:
    codes = set()
    for finding in findings:
        codes.add(finding.rule)
        # Numbers differ from request to request: the statement and its line say enough.
        where = f"{finding.place.path}:{finding.place.line}" if finding.place else ""
        traffic.note(Note(finding.rule, where, _short(str(finding.evidence.get("sql", "")))))
    traffic.seen.update(codes)


def _slow(statement: Statement) -> Note:
    where = f"{statement.place.path}:{statement.place.line}" if statement.place else ""
    return Note("SQL004", where, _short(" ".join(statement.sql.split())))


def _short(text: str) -> str:
    return text if len(text) <= _SQL_SHOWN else f"{text[: _SQL_SHOWN - 1]}…"
