"""The table of payment events, `stripe_events`: made where it is missing, covered where the app has its own."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from seatrial.migrate.build import refused
from seatrial.migrate.policy import Policy, RefusedError
from seatrial.migrate.statements import MARK
from seatrial.migrate.waiting import ddl, quoted, run_ddl

NAME = "stripe_events"
_MOMENT = sa.DateTime(timezone=True)

TABLE = sa.Table(
    NAME,
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("stripe_event_id", sa.String(255), nullable=False, unique=True),
    sa.Column("event_type", sa.String(255), nullable=False),
    sa.Column("account", sa.String(255)),
    sa.Column("status", sa.String(20), nullable=False, server_default="pending"),
    sa.Column("payload_hash", sa.String(64), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", _MOMENT, index=True),
    sa.Column("claim", sa.String(32)),
    sa.Column("processed_at", _MOMENT),
    sa.Column("error_message", sa.String(500)),
    sa.Column("conflicts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("conflict_hash", sa.String(64)),
    sa.Column("created_at", _MOMENT, nullable=False, server_default=sa.func.now()),
    comment=f"{MARK} {NAME}",
)
"""What the webhook ledger of `seatrial.kit` keeps of each event. The row says *seen*; only `status` says *done*."""


def statements(dialect: sa.engine.Dialect) -> list[str]:
    """The SQL that makes it."""
    made = str(CreateTable(TABLE).compile(dialect=dialect)).strip()
    if dialect.name == "sqlite":
        # SQLite has no comments on tables, but keeps the text of the statement: that is where ours stands.
        made = made.replace("(", f"( /* {MARK} */", 1)
    said = [made, *(str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(TABLE.indexes, key=_name))]
    if dialect.name == "postgresql":
        said.append(f"COMMENT ON TABLE {NAME} IS '{TABLE.comment}'")
    return said


def _name(index: sa.Index) -> str:
    return str(index.name)


def missing_columns(connection: sa.Connection) -> list[str] | None:
    """Columns that an existing table lacks; None: there is no such table."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(NAME):
        return None
    known = {column["name"] for column in inspector.get_columns(NAME)}
    return [column.name for column in TABLE.columns if column.name not in known]


def ensure(connection: sa.Connection, policy: Policy) -> str:
    """Make the table unless there is one. Returns what came out, as a sentence without a full stop.

    Raises BlockedError or RefusedError.
    """
    absent = missing_columns(connection)
    if absent is not None:
        lacks = f"; it lacks {', '.join(absent)}, which seatrial.kit.webhooks needs" if absent else ""
        return f"{NAME}: present" if not absent and is_ours(connection) else f"{NAME}: covered by the app's own{lacks}"

    def work() -> None:
        for statement in statements(connection.dialect):
            ddl(connection, statement)

    try:
        run_ddl(connection, work, policy, NAME)
    except DBAPIError as error:
        raise refused(NAME, error) from error
    return f"{NAME}: created"


def is_ours(connection: sa.Connection) -> bool:
    """Made by us, as far as the engine remembers."""
    if connection.dialect.name == "sqlite":
        text = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": NAME}).scalar()
        return f"/* {MARK} */" in str(text)
    comment = sa.inspect(connection).get_table_comment(NAME)["text"]
    return str(comment or "").startswith(MARK)


def rows(connection: sa.Connection) -> int:
    """0 where there is no table."""
    if not sa.inspect(connection).has_table(NAME):
        return 0
    return int(connection.execute(sa.select(sa.func.count()).select_from(TABLE)).scalar_one())


def drop(connection: sa.Connection, policy: Policy) -> str:
    """Drop the table if it is ours and empty. Returns what came out.

    Raises RefusedError while it holds rows: who has seen an event must remember it.
    """
    if not sa.inspect(connection).has_table(NAME):
        return f"{NAME}: it was not there"
    if not is_ours(connection):
        return f"{NAME}: left alone, it is the app's own"

    def work() -> None:
        if connection.dialect.name == "postgresql":
            # Before the rows are counted: none may come in between.
            ddl(connection, f"LOCK TABLE {quoted(connection, NAME)} IN ACCESS EXCLUSIVE MODE")
        held = rows(connection)
        if held:
            raise RefusedError(
                f"{NAME} holds {held} rows, and an event that is forgotten is applied twice: move them away and "
                "empty the table first, or leave the branch seatrial_webhooks as it is."
            )
        ddl(connection, f"DROP TABLE {quoted(connection, NAME)}")

    try:
        run_ddl(connection, work, policy, NAME)
    except DBAPIError as error:
        raise refused(NAME, error) from error
    return f"{NAME}: dropped"
