"""SQL: what a route does while the tables that it reads grow."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from seatrial.model.evidence import Kind
from seatrial.model.findings import Finding, Judgement
from seatrial.model.growth import Growth, Repeat, Series
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import unexpected
from seatrial.rules.registry import rule
from seatrial.rules.remedies import remedy
from seatrial.rules.statements import shorthand, text_of
from seatrial.stats.slopes import Shape, per_row, shape

_BOUND = re.compile(r"\b(?:LIMIT|FETCH\s+(?:FIRST|NEXT)|TOP)\b", re.IGNORECASE)


@rule(
    code="SQL001",
    name="n-plus-one",
    level=Level.BLOCK,
    claim="No statement of a route runs once per row that the route reads.",
    control="the route read the rows that were added, and answered 2xx at every size",
    rationale="One statement per row goes unnoticed with ten rows in a test and takes a page down with ten thousand.",
    source="n_plus_one_control (Ruby: run at two sizes, counts must be equal); here the data grows by itself",
    remedy="Load what the rows need with the query of the page: selectinload(), joinedload(), WHERE … IN, GROUP BY.",
)
def n_plus_one(rule: Rule, growth: Growth, _: Context) -> Judgement:
    proofs = _proofs(growth)
    if proofs:
        return rule.failed(growth.subject, *(_proved(rule, growth, proof) for proof in proofs))
    if (silent := _unmeasured(rule, growth)) is not None:
        return silent
    return rule.passed(growth.subject)


@rule(
    code="SQL005",
    name="unbounded-read",
    level=Level.WARN,
    claim="The rows that a statement fetches do not grow with the table without a LIMIT.",
    control="growth reached a table that the route reads",
    rationale="A list without an end takes memory and time in proportion to a table that grows for years.",
    source="Rails guides and Google API design guide (pagination of every list); measured here by growth",
    remedy="Fetch a page at a time: .limit() with an ORDER BY on a unique key, or keyset pagination.",
)
def unbounded_read(rule: Rule, growth: Growth, _: Context) -> Judgement:
    series = growth.together
    if series is None or not growth.reached:
        silent = _unmeasured(rule, growth)
        assert silent is not None
        return silent
    bounded = _bounded_by_the_url(growth)
    findings = [
        rule.finding(
            growth.subject,
            f"Limited to a page of rows but {shorthand(repeat.statement)} fetched {_numbers(repeat.rows)} rows "
            f"while its table grew",
            place=repeat.statement.place,
            detail=repeat.statement.fingerprint,
            evidence={
                "sql": text_of(repeat.statement),
                "sizes": list(series.sizes),
                "rows": list(repeat.rows),
            },
        )
        for repeat in series.repeats
        if _grows_without_end(repeat) and repeat.statement.fingerprint not in bounded
    ]
    return rule.failed(growth.subject, *findings) if findings else rule.passed(growth.subject)


def _bounded_by_the_url(growth: Growth) -> set[str]:
    """Statements that fetched no more rows when their table grew under other objects than the one in the URL."""
    return {
        repeat.statement.fingerprint
        for series in growth.series
        if series.apart and series.apart in growth.named
        for repeat in series.repeats
        if max(repeat.rows) == repeat.rows[0]
    }


def _unmeasured(rule: Rule, growth: Growth) -> Judgement | None:
    """Not proved or skipped, where growth was not seen."""
    if growth.answer is not None and (silent := unexpected(rule, growth.answer)) is not None:
        return silent
    if growth.silent:
        return rule.skipped(growth.subject, "the page reads no table: there is nothing that could grow")
    if growth.reason:
        return rule.not_proved(growth.subject, growth.reason)
    if not growth.reached:
        if growth.single:
            return rule.not_proved(
                growth.subject,
                f"the page reads single objects only ({', '.join(sorted(growth.unreached))}): no list that could grow; "
                f"where a query makes it show one, name it under [[tool.seatrial.growth]]",
            )
        tables = [f"{table} ({why})" for table, why in sorted(growth.unreached.items())]
        shown = "; ".join(tables[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else "")
        return rule.not_proved(growth.subject, f"the page read none of the rows that were added: {shown}")
    return None


# ------------------------------------------------------------------------------------------------ proofs
@dataclass(frozen=True, slots=True)
class Proof:
    """A statement that follows the rows of a table."""

    series: Series
    repeat: Repeat
    table: str
    """Empty: of all tables that the page reads, together."""
    rows: tuple[int, ...]
    slope: float


def _proofs(growth: Growth) -> list[Proof]:
    """The best proof of each statement that follows the rows."""
    best: dict[str, Proof] = {}
    for series in growth.series:
        for repeat in series.repeats:
            fingerprint = repeat.statement.fingerprint
            table = series.table or growth.causes.get(fingerprint, "")
            rows = series.rows_beside(repeat, table)
            found = per_row(rows, repeat.times)
            if found is None or repeat.statement.eager:
                continue
            proof = Proof(series, repeat, table, rows, found)
            if fingerprint not in best or _clarity(proof) < _clarity(best[fingerprint]):
                best[fingerprint] = proof
    return sorted(best.values(), key=lambda proof: (-proof.slope, proof.repeat.statement.fingerprint))


def _clarity(proof: Proof) -> tuple[bool, bool, bool, float]:
    """How directly a proof shows the cause, least first: its own table, one statement per row, seen warm."""
    owner = proof.repeat.statement.owner
    return (not proof.table, bool(owner) and proof.table != owner, proof.series.cold, abs(proof.slope - 1))


def _proved(rule: Rule, growth: Growth, proof: Proof) -> Finding:
    series, repeat, rows = proof.series, proof.repeat, proof.rows
    statement = repeat.statement
    row = f"{proof.table} row" if proof.table else "row of the tables it reads"
    cause = f"{statement.relationship}, {statement.load.value} load" if statement.relationship else shorthand(statement)
    curve = shape(rows, repeat.times)
    message = (
        f"Limited to a fixed number of statements but sent {proof.slope:.1f} per {row}: {cause}; "
        f"{_numbers(repeat.times)} statements for {_numbers(rows)} rows"
    )
    if curve is Shape.SUPERLINEAR:
        message += ", faster than the rows (superlinear)"
    elif curve is Shape.BOUNDED:
        message += f", up to the page's {rows[-1]} rows"
    hidden = growth.cached and series.cold and not _also_warm(growth, repeat)
    if hidden:
        message += "; a cache hides it until it is empty"
    evidence: dict[str, Any] = {
        "sql": text_of(statement),
        "grown": proof.table or sorted(series.seen),
        "way": series.way,
        "sizes": list(series.sizes),
        "rows": list(rows),
        "statements": list(repeat.times),
        "slope": round(proof.slope, 2),
        "shape": curve.value,
        "cold": hidden,
    }
    if statement.relationship:
        evidence["relationship"] = statement.relationship
    if repeat.places:
        evidence["places"] = list(repeat.places)
    if statement.template is not None:
        evidence["template"] = f"{statement.template.path}:{statement.template.line}"
    return rule.finding(
        growth.subject,
        message,
        remedy=remedy([statement]),
        place=statement.place,
        detail=statement.fingerprint,
        evidence=evidence,
    )


def _also_warm(growth: Growth, repeat: Repeat) -> bool:
    return any(
        per_row(series.rows_beside(other), other.times) is not None
        for series in growth.series
        if not series.cold
        for other in series.repeats
        if other.statement.fingerprint == repeat.statement.fingerprint
    )


def _grows_without_end(repeat: Repeat) -> bool:
    statement, rows = repeat.statement, repeat.rows
    if statement.kind is not Kind.SELECT or statement.relationship or statement.eager or _BOUND.search(statement.sql):
        return False
    # once per request, and more rows at every size
    return max(repeat.times) == min(repeat.times) == 1 and all(b > a for a, b in pairwise(rows))


def _numbers(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))
