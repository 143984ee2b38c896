"""What an upgrade or a downgrade would do here, and the SQL for somebody who runs it by hand. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from seatrial.migrate import environment, ledger, statements
from seatrial.migrate.build import settled
from seatrial.migrate.catalog import Snapshot, snapshot
from seatrial.migrate.policy import Policy
from seatrial.migrate.specs import STRATEGIC, IndexSpec
from seatrial.migrate.state import Standing, State, standing
from seatrial.migrate.upgrade import CONFIGURED
from seatrial.migrate.waiting import Blocker, blockers


@dataclass(frozen=True, slots=True)
class Step:
    """One index: where it stands and what would be sent."""

    standing: Standing
    sql: tuple[str, ...] = ()
    lock: str = ""
    rows: int | None = None
    """Of the table, as the server estimates."""
    blockers: tuple[Blocker, ...] = ()
    """Who would be waited for now."""

    @property
    def intent(self) -> str:
        """In one word, as a result of the upgrade would say it."""
        match self.standing.state:
            case State.MISSING:
                return "create"
            case State.INVALID:
                return "rebuild"
            case State.BUILDING:
                return "wait for the other builder"
            case _:
                return settled(self.standing).action.value


def plan(connection: sa.Connection, specs: Sequence[IndexSpec], policy: Policy) -> list[Step]:
    """What `upgrade` would do."""
    catalog = snapshot(connection)
    return [_step(connection, catalog, spec, policy) for spec in specs]


def _step(connection: sa.Connection, catalog: Snapshot, spec: IndexSpec, policy: Policy) -> Step:
    now, dialect = standing(spec, catalog), connection.dialect
    table = catalog.tables.get(spec.table)
    rows = table.rows if table is not None else None
    if now.state not in (State.MISSING, State.INVALID):
        return Step(now, rows=rows)
    sql = [statements.drop(dialect, spec)] if now.state is State.INVALID else []
    sql += [statements.create(dialect, spec), statements.analyze(dialect, spec)]
    waiting: list[Blocker] = []
    if dialect.name == "postgresql":
        mark = CONFIGURED if spec not in STRATEGIC else revision_of(spec)
        sql.append(statements.comment(dialect, spec, mark))
        waiting = blockers(connection, spec.table, old_s=policy.old_s, idle_s=policy.idle_s)
    return Step(now, tuple(sql), statements.LOCKS[dialect.name], rows, tuple(waiting))


def revision_of(spec: IndexSpec) -> str:
    """The shipped revision that builds it."""
    from seatrial.migrate.specs import INVENTORY, SKUS

    order = 0 if spec in INVENTORY else 1 if spec in SKUS else 2
    return environment.revisions(environment.INDEXES)[order]


def upgrade_script(
    connection: sa.Connection, specs: Sequence[IndexSpec], policy: Policy, *, webhooks: bool = False
) -> list[str]:
    """The SQL of an upgrade of this very database, for its administrator."""
    said = [*_head("upgrade", connection)]
    present = environment.applied(connection)
    for step in plan(connection, specs, policy):
        said.append(f"-- {step.standing.spec.subject}: {step.intent}" + _detail(step.standing))
        said += [f"{sql};" for sql in step.sql]
    branches = [environment.INDEXES]
    if webhooks:
        branches.append(environment.WEBHOOKS)
        absent = ledger.missing_columns(connection)
        said.append(f"-- {ledger.NAME}: " + ("create" if absent is None else "present"))
        said += [f"{sql};" for sql in ledger.statements(connection.dialect)] if absent is None else []
    if stamps := environment.stamp_statements(branches, present):
        said.append("-- what was run, as seatrial db upgrade would record it")
        said += [f"{sql};" for sql in stamps]
    return said


def downgrade_script(connection: sa.Connection, specs: Sequence[IndexSpec], *, webhooks: bool = False) -> list[str]:
    """The SQL of a downgrade."""
    said = [*_head("downgrade", connection)]
    catalog = snapshot(connection)
    branches = [environment.INDEXES]
    if webhooks:
        branches.append(environment.WEBHOOKS)
        held = ledger.rows(connection)
        if held:
            said.append(f"-- {ledger.NAME} holds {held} rows and stays")
            branches.pop()
        elif ledger.missing_columns(connection) is not None and ledger.is_ours(connection):
            said.append(f"DROP TABLE {ledger.NAME};")
    for spec in specs:
        own = next((index for index in catalog.of(spec.table) if index.name == spec.name), None)
        ours = own is not None and (catalog.dialect != "postgresql" or own.comment.startswith(statements.MARK))
        said += [f"{statements.drop(connection.dialect, spec)};"] if ours else [f"-- {spec.subject}: not ours"]
    for branch in branches:
        names = environment.revisions(branch)
        if environment.is_applied(connection, branch):
            listed = ", ".join(f"'{name}'" for name in names)
            said.append(f"DELETE FROM {environment.VERSION_TABLE} WHERE version_num IN ({listed});")
    return said


def _head(what: str, connection: sa.Connection) -> Iterator[str]:
    yield f"-- seatrial db {what} of {connection.engine.url.render_as_string(hide_password=True)}"
    if connection.dialect.name == "postgresql":
        yield "-- Run it with psql in autocommit mode, outside of any transaction, and stop at the first error."
        yield "SET lock_timeout = '60s';"
        yield "SET statement_timeout = 0;"


def _detail(now: Standing) -> str:
    return f" ({now.detail})" if now.detail and now.state is not State.VALID else ""
