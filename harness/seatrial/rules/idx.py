"""IDX: planned indexes that are there and read, indexes that are not worth their writes, and keys without one."""

from typing import Any

from seatrial.model.findings import Finding, Judgement, Place
from seatrial.model.indexes import Database, IndexTrial, Reader, Redundant
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE
from seatrial.rules.registry import rule

DATABASE = "database"
"""Subject of what is about all indexes."""
SHOWN = 3
"""Statements in the evidence of one finding."""


@rule(
    code="IDX001",
    name="planned-index-missing",
    level=Level.BLOCK,
    claim="Every planned index, or one that covers it, is in the schema that the app makes.",
    control=RESPONSE,
    rationale="An index that stands in a plan and in no migration is missing in production when the table has grown.",
    source="PostgreSQL documentation 11.3 (Multicolumn Indexes); the index plan under [[tool.seatrial.indexes]]",
    remedy="Add it to the model and its migration, or build it on the live database with seatrial db upgrade.",
)
def planned_index_missing(rule: Rule, trial: IndexTrial | None, _: Context) -> Judgement:
    if trial is None:
        return rule.skipped(DATABASE, "no index is planned under [[tool.seatrial.indexes]]")
    if trial.deployed or trial.state == "invalid":
        return rule.passed(trial.subject)
    if not trial.applies:
        return rule.skipped(trial.subject, f"{trial.state}: {trial.detail}; see [[tool.seatrial.indexes]]")
    happened = "it is not there" if trial.state == "missing" else f"{trial.state}: {trial.detail}"
    gain = _gain(trial)
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"{trial.subject} is planned but {happened}" + (f"; {gain}" if gain else ""),
            place=_place(trial),
            detail="missing",
            evidence=_evidence(trial),
        ),
    )


@rule(
    code="IDX002",
    name="index-invalid",
    level=Level.BLOCK,
    claim="No index of the database is invalid.",
    control="an index was read from the catalog",
    rationale="A concurrent build that ended in the middle leaves an index that writes pay for and no query uses.",
    source="PostgreSQL documentation, CREATE INDEX, Building Indexes Concurrently",
    remedy="Run seatrial db upgrade, which rebuilds its own; drop the others, or REINDEX INDEX CONCURRENTLY.",
)
def index_invalid(rule: Rule, database: Database, _: Context) -> Judgement:
    if not database.indexes:
        return rule.not_proved(DATABASE, "the database has no index at all: seed the app's tables first")
    if not database.invalid:
        return rule.passed(DATABASE)
    return rule.failed(
        DATABASE,
        *(
            rule.finding(
                DATABASE,
                f"The index {name} of {table} must be valid but its build ended in the middle",
                detail=name,
                evidence={"table": table, "index": name},
            )
            for table, name in database.invalid
        ),
    )


@rule(
    code="IDX003",
    name="index-unused",
    level=Level.WARN,
    claim="Every planned index is chosen by a statement that the app sends.",
    control="a captured statement names the table of the index, which was made large",
    rationale="An index that no statement uses is paid for by every write, and nobody dares to drop it.",
    source="PostgreSQL documentation 14.1 (Using EXPLAIN); planned on 50 000 rows with the real parameters",
    remedy="Drop it from the plan, or write the query so that the index's first columns are compared.",
)
def index_unused(rule: Rule, trial: IndexTrial | None, _: Context) -> Judgement:
    if trial is None:
        return rule.skipped(DATABASE, "no index is planned under [[tool.seatrial.indexes]]")
    if not trial.applies:
        return rule.skipped(trial.subject, f"{trial.state}: {trial.detail}")
    if not trial.deployed:
        return rule.skipped(trial.subject, "it is not deployed: see IDX001")
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    if not trial.statements:
        return rule.not_proved(
            trial.subject,
            "no page that was asked reads the table: add the route's values under [tool.seatrial.arguments]",
        )
    if trial.chosen:
        return rule.passed(trial.subject)
    could = "one could use it" if trial.usable else "none could use it"
    statements = "the one statement" if trial.statements == 1 else f"none of {trial.statements} statements"
    happened = f"{statements} on the table does not choose it" if trial.statements == 1 else f"{statements} chooses it"
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"The index {trial.name} must be chosen by a statement but {happened} ({could})",
            detail=trial.name,
            evidence=_evidence(trial),
        ),
    )


@rule(
    code="IDX004",
    name="index-redundant",
    level=Level.WARN,
    claim="No index is made superfluous by another one.",
    control="an index was read from the catalog",
    rationale="Whatever the narrower index does, the wider one does, and every write keeps both of them up to date.",
    source="PostgreSQL documentation 11.3 (Multicolumn Indexes); columns, operator classes and order compared",
    remedy="Drop the superfluous one, with DROP INDEX CONCURRENTLY on a database that people use.",
)
def index_redundant(rule: Rule, database: Database, _: Context) -> Judgement:
    if not database.indexes:
        return rule.not_proved(DATABASE, "the database has no index at all: seed the app's tables first")
    if not database.redundant:
        return rule.passed(DATABASE)
    return rule.failed(DATABASE, *(_superfluous(rule, one) for one in database.redundant))


def _superfluous(rule: Rule, one: Redundant) -> Finding:
    return rule.finding(
        DATABASE,
        f"The index {one.name} of {one.table} is superfluous: {one.by} ({', '.join(one.by_columns)}) does what it does",
        detail=one.name,
        evidence={
            "table": one.table,
            "index": one.name,
            "columns": list(one.columns),
            "by": one.by,
            "by_columns": list(one.by_columns),
        },
    )


@rule(
    code="IDX005",
    name="foreign-key-unindexed",
    level=Level.WARN,
    claim="No statement of the app would touch half as many pages if a foreign key had an index.",
    control="a captured statement reads a foreign key that has an index, or was tried with one",
    rationale="Without an index a page that lists what belongs to one row reads every row of the table.",
    source="PostgreSQL documentation 5.5.5 (Foreign Keys: no index on the referencing columns is made)",
    remedy="Add index=True to the column, and build it on the live database with seatrial db upgrade.",
)
def foreign_key_unindexed(rule: Rule, evidence: Database | IndexTrial, _: Context) -> Judgement:
    if isinstance(evidence, Database):
        if evidence.reason:
            return rule.not_proved(DATABASE, evidence.reason)
        if not evidence.indexed_keys:
            return rule.not_proved(DATABASE, "no page that was asked reads a foreign key: give it a route that does")
        return rule.passed(DATABASE)
    trial = evidence
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    if not any(reader.faster for reader in trial.readers):
        return rule.passed(trial.subject)
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"The foreign key {trial.subject} has no index: {_gain(trial)}",
            detail="unindexed",
            place=_place(trial),
            evidence=_evidence(trial),
        ),
    )


@rule(
    code="IDX006",
    name="index-costs-writes",
    level=Level.INFO,
    claim="No planned index takes the cheap way (HOT) from updates that the app sends.",
    control="updates of the table were HOT without the index",
    rationale="An update of an indexed column writes to every index of the table, and leaves more for VACUUM to do.",
    source="PostgreSQL documentation 73.7 (Heap-Only Tuples); counted by the server on the same rows",
    remedy="Plan the index without the column that changes, where its first column alone finds few rows.",
)
def index_costs_writes(rule: Rule, trial: IndexTrial | None, _: Context) -> Judgement:
    if trial is None:
        return rule.skipped(DATABASE, "no index is planned under [[tool.seatrial.indexes]]")
    if not trial.applies:
        return rule.skipped(trial.subject, f"{trial.state}: {trial.detail}")
    if trial.reason:
        return rule.not_proved(trial.subject, trial.reason)
    price = trial.price
    if price is None or not price.updates:
        return rule.not_proved(trial.subject, "no column of the table could be changed for a trial; seed a row of it")
    if price.hot_before < 0.5:
        return rule.not_proved(
            trial.subject,
            f"only {price.hot_before:.0%} of the updates were HOT without it, so it takes nothing from them; "
            "see which other index has the column",
        )
    if not price.seen or price.hot_after * 2 >= price.hot_before:
        return rule.passed(trial.subject)
    return rule.failed(
        trial.subject,
        rule.finding(
            trial.subject,
            f"Updates of {', '.join(price.columns)} must stay cheap but with {trial.subject} {price.hot_after:.0%} of "
            f"them are HOT instead of {price.hot_before:.0%}",
            detail=trial.name,
            evidence=_evidence(trial),
        ),
    )


OF_A_PLANNED_INDEX = (planned_index_missing, index_unused, index_costs_writes)
"""Each judges the trial of one planned index; None where none is planned."""
OF_THE_DATABASE = (index_invalid, index_redundant)


def _gain(trial: IndexTrial) -> str:
    """What the index is worth, in the pages of the statement that gains most."""
    faster = [reader for reader in trial.readers if reader.faster]
    if not faster:
        return ""
    best = faster[0]
    more = f", and {len(faster) - 1} more statements" if len(faster) > 1 else ""
    return (
        f"with it {best.subject} touches {best.after.buffers} pages instead of {best.before.buffers}{more}"
        f" ({trial.rows} rows)"
    )


def _place(trial: IndexTrial) -> Place | None:
    """Of the statement that gains most."""
    found = next((reader.place for reader in trial.readers if reader.faster and reader.place), None)
    return Place(found.path, found.line) if found is not None else None


def _evidence(trial: IndexTrial) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "state": trial.state,
        "verdict": trial.verdict,
        "rows": trial.rows,
        "statements": trial.statements,
        "readers": [_reader(reader) for reader in trial.readers[:SHOWN]],
    }
    if trial.price is not None:
        price = trial.price
        evidence["price"] = {
            "updated": list(price.columns),
            "seen": price.seen,
            "hot_before": price.hot_before,
            "hot_after": price.hot_after,
            "wal_before_bytes": price.wal_before,
            "wal_after_bytes": price.wal_after,
            "size_bytes": price.size,
        }
    return evidence


def _reader(reader: Reader) -> dict[str, Any]:
    return {
        "route": reader.subject,
        "sql": reader.sql,
        "pages_before": reader.before.buffers,
        "pages_after": reader.after.buffers,
        "plan_before": list(reader.before.nodes),
        "plan_after": list(reader.after.nodes),
        "generic_plan": reader.generic,
    }
