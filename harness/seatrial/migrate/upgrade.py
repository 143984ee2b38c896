"""The whole of an upgrade or a downgrade: the shipped revisions, then whatever the catalog still lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from seatrial.database.driver import message_of
from seatrial.migrate import build, environment
from seatrial.migrate.authority import require_rights, require_writable
from seatrial.migrate.build import Action, Result, refused
from seatrial.migrate.catalog import snapshot
from seatrial.migrate.policy import BlockedError, Policy
from seatrial.migrate.revisions import WORK, Work
from seatrial.migrate.specs import STRATEGIC, IndexSpec
from seatrial.migrate.waiting import run_lock

CONFIGURED = "tool.seatrial.indexes"
"""The mark of indexes that no revision has."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came out."""

    results: tuple[Result, ...]
    told: tuple[str, ...] = ()
    """On tables."""

    @property
    def conflicts(self) -> list[Result]:
        return [result for result in self.results if result.action is Action.CONFLICT]


def upgrade(
    engine: sa.Engine,
    specs: Sequence[IndexSpec],
    policy: Policy,
    *,
    webhooks: bool = False,
) -> Report:
    """Run the shipped revisions, then make true what the catalog does not have of `specs`.

    Raises:
        BlockedError, RefusedError: Not everything could be done; what was done stays, and a second run does the rest.
        ConfigurationError: The version table knows revisions that we do not.
    """
    with _session(engine, policy) as connection:
        environment.applied(connection)  # knows every revision, or says so
        webhooks = webhooks or environment.is_applied(connection, environment.WEBHOOKS)
        require_rights(connection, snapshot(connection), specs)
        connection.rollback()
        config = environment.configuration(connection, policy)
        branches = [environment.INDEXES, *([environment.WEBHOOKS] if webhooks else [])]
        environment.upgrade(config, *branches)
        own: Work = config.attributes[WORK]
        found = {result.spec: result for result in own.results}
        connection.commit()
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        for spec in specs:
            # Also those of a revision that was run before: its table may have come, or its index gone, since then.
            result = build.ensure(autocommit, spec, policy, mark="" if spec in STRATEGIC else CONFIGURED)
            if spec not in found or result.action is not Action.PRESENT:
                found[spec] = result
        return Report(tuple(found[spec] for spec in specs), tuple(own.told))


def downgrade(
    engine: sa.Engine,
    specs: Sequence[IndexSpec],
    policy: Policy,
    *,
    webhooks: bool = False,
) -> Report:
    """Drop what is ours of `specs`, and of the shipped revisions. Raises as `upgrade` does."""
    with _session(engine, policy) as connection:
        environment.applied(connection)
        config = environment.configuration(connection, policy)
        own: Work = config.attributes[WORK]
        # The table of events first: when it has to stay, everything stays.
        if webhooks and environment.is_applied(connection, environment.WEBHOOKS):
            environment.downgrade(config, environment.WEBHOOKS)
        if environment.is_applied(connection, environment.INDEXES):
            environment.downgrade(config, environment.INDEXES)
        found = {result.spec: result for result in own.results}
        connection.commit()
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        for spec in specs:
            if spec not in found:
                found[spec] = build.drop(autocommit, spec, policy)
        return Report(tuple(found.values()), tuple(own.told))


@contextmanager
def _session(engine: sa.Engine, policy: Policy) -> Iterator[sa.Connection]:
    """One connection for everything, under the lock that keeps other upgrades out."""
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET statement_timeout = 0")  # a role's own is meant for the app
                connection.commit()
            require_writable(connection)
            with run_lock(connection, policy):
                yield connection
    except PendingRollbackError as error:
        # Alembic's own tidying up on a connection that is gone hides what ended it.
        raise BlockedError(_lost("it was ended from outside")) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise BlockedError(_lost(message_of(error))) from error
        raise refused("the database", error) from error


def _lost(why: str) -> str:
    return (
        f"the connection to the database was lost ({why}): run the command again, which goes on where this one ended."
    )
