"""MIG: migrations that stall nobody, lead back, can be built from nothing, and make what the models say."""

from seatrial.model.findings import Judgement, Place
from seatrial.model.migrations import History
from seatrial.model.outcomes import Level
from seatrial.model.rules import Context, Rule
from seatrial.rules.answers import RESPONSE
from seatrial.rules.registry import rule

SUBJECT = "migrations"


@rule(
    code="MIG001",
    name="unsafe-migration",
    level=Level.BLOCK,
    claim="No new revision locks a table that people use, or breaks the version that still runs.",
    control="the SQL of a new revision was recorded and read by squawk",
    rationale="CREATE INDEX stops every write until it has ended, on a table that took a second in every test.",
    source="squawk, rules on locks and on breaking changes; PostgreSQL documentation 13.3 (Explicit Locking)",
    remedy="Build indexes CONCURRENTLY in an autocommit_block(); add constraints NOT VALID, then validate.",
)
def unsafe_migration(rule: Rule, history: History, _: Context) -> Judgement:
    if (silent := _nothing(rule, history)) is not None:
        return silent
    if not history.revisions:
        return rule.passed(SUBJECT) if history.count else rule.skipped(SUBJECT, "the history has no revision yet")
    if history.unlinted:
        return rule.not_proved(SUBJECT, history.unlinted)
    read = [revision for revision in history.revisions if revision.hazards is not None and revision.sql]
    if not read:
        return rule.not_proved(SUBJECT, _unbuilt(history) or "no new revision sent a statement: see that they are run")
    found = [
        rule.finding(
            f"migration {revision.id}",
            f"Revision {revision.id} must not stall a table that people use but {hazard.message} ({hazard.code})",
            remedy=hazard.help,
            detail=f"{hazard.code} {hazard.statement}",
            place=Place(revision.path, revision.line),
            evidence={"revision": revision.id, "rule": hazard.code, "statement": hazard.statement},
        )
        for revision in read
        for hazard in revision.hazards or ()
    ]
    return rule.failed(SUBJECT, *found) if found else rule.passed(SUBJECT)


@rule(
    code="MIG002",
    name="several-heads",
    level=Level.BLOCK,
    claim="The history of migrations ends in one revision.",
    control=RESPONSE,
    rationale="With two heads flask db upgrade refuses, and the deployment stops halfway.",
    source="Alembic documentation, Working with Branches",
    remedy="Join them with flask db merge heads.",
)
def several_heads(rule: Rule, history: History, _: Context) -> Judgement:
    if (silent := _nothing(rule, history)) is not None:
        return silent
    if not history.heads:
        return rule.skipped(SUBJECT, "the history has no revision yet")
    if len(history.heads) == 1:
        return rule.passed(SUBJECT)
    return rule.failed(
        SUBJECT,
        rule.finding(
            SUBJECT,
            f"The history must end in one revision but ends in {', '.join(sorted(history.heads))}",
            evidence={"heads": sorted(history.heads), "revisions": history.count},
        ),
    )


@rule(
    code="MIG003",
    name="irreversible",
    level=Level.WARN,
    claim="The downgrade of every new revision leads back, and its upgrade can be run again.",
    control="a new revision was run up, down and up again on a real database",
    rationale="The night on which a release has to be taken back is no time to find out that it cannot be.",
    source="Alembic documentation, Downgrading; both schemas are read back and compared",
    remedy="Undo in downgrade() everything that upgrade() does, types of PostgreSQL included.",
)
def irreversible(rule: Rule, history: History, _: Context) -> Judgement:
    if (silent := _nothing(rule, history)) is not None:
        return silent
    tried = [revision for revision in history.revisions if revision.tried]
    if not tried:
        if history.built:
            return rule.passed(SUBJECT)  # nothing is new
        return rule.not_proved(SUBJECT, _unbuilt(history) or "no revision was run: see MIG005")
    found = [
        rule.finding(
            f"migration {revision.id}",
            f"Revision {revision.id} must lead back but {revision.irreversible}",
            detail="downgrade",
            place=Place(revision.path, revision.line),
            evidence={"revision": revision.id, "why": revision.irreversible},
        )
        for revision in tried
        if revision.irreversible
    ]
    return rule.failed(SUBJECT, *found) if found else rule.passed(SUBJECT)


@rule(
    code="MIG004",
    name="model-drift",
    level=Level.WARN,
    claim="The history makes the tables, columns and indexes that the models describe.",
    control="the models were compared with a database that the history has built",
    rationale="What only the models know is missing in production; what only the database has is dropped next.",
    source="Alembic documentation, Auto Generating Migrations: what autogenerate would write is the difference",
    remedy="Write the revision that flask db migrate proposes, or correct the model.",
)
def model_drift(rule: Rule, history: History, _: Context) -> Judgement:
    if (silent := _nothing(rule, history)) is not None:
        return silent
    if not history.built:
        return rule.not_proved(SUBJECT, _unbuilt(history) or "the history was not run: see MIG005")
    if not history.compared:
        return rule.not_proved(SUBJECT, "there is nothing to compare: one head and models are needed; see MIG002")
    if not history.drift:
        return rule.passed(SUBJECT)
    return rule.failed(
        SUBJECT,
        *(
            rule.finding(
                SUBJECT,
                f"Models and history must agree but autogenerate would write {one.kind} for {one.what}",
                detail=f"{one.kind} {one.what}",
                evidence={"operation": one.kind, "what": one.what},
            )
            for one in history.drift
        ),
    )


@rule(
    code="MIG005",
    name="history-not-buildable",
    level=Level.WARN,
    claim="The history can be run from an empty database to its end.",
    control=RESPONSE,
    rationale="Without it no test, no new colleague and no second installation has the schema of production.",
    source="Measured: the histories of real apps that end in InFailedSqlTransaction on an empty database",
    remedy="Mend the revision that fails, or begin a new history with one revision that makes today's schema.",
)
def history_not_buildable(rule: Rule, history: History, _: Context) -> Judgement:
    if (silent := _nothing(rule, history)) is not None:
        return silent
    if not history.count:
        return rule.skipped(SUBJECT, "the history has no revision yet")
    if history.built:
        return rule.passed(SUBJECT)
    return rule.failed(
        SUBJECT,
        rule.finding(
            SUBJECT,
            f"The history must be built from empty on {history.dialect} but revision {history.failed_at} fails: "
            f"{history.failure}",
            detail=history.failed_at,
            evidence={"revision": history.failed_at, "dialect": history.dialect, "failure": history.failure},
        ),
    )


OF_A_HISTORY = (unsafe_migration, several_heads, irreversible, model_drift, history_not_buildable)


def _nothing(rule: Rule, history: History) -> Judgement | None:
    """Why nothing can be said at all, else None."""
    if history.reason:
        return rule.not_proved(SUBJECT, f"{history.reason}: mend it, then run the check again")
    if not history.folder:
        return rule.skipped(SUBJECT, "the app has no folder of migrations (Flask-Migrate, or an alembic.ini)")
    return None


def _unbuilt(history: History) -> str:
    if not history.failure:
        return ""
    return f"revision {history.failed_at} could not be run: see MIG005"
