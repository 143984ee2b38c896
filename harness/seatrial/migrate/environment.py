"""Our own Alembic environment beside the app's: own version table, own branches, no import of the app."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from seatrial import suites
from seatrial.migrate.address import migration_url, open_engine
from seatrial.migrate.policy import Policy
from seatrial.migrate.revisions import WORK, Work, work
from seatrial.model.errors import ConfigurationError

VERSION_TABLE = "seatrial_alembic_version"
INDEXES, WEBHOOKS = "seatrial_indexes", "seatrial_webhooks"
"""Branch labels. The second one is taken only by those who ask for it."""


def configuration(connection: sa.Connection | None = None, policy: Policy | None = None) -> Config:
    """Alembic's configuration for the shipped revisions."""
    config = Config()
    config.set_main_option("script_location", str(suites.path("migrations")).replace("%", "%%"))
    config.attributes[WORK] = Work(connection, policy or Policy())
    return config


def run() -> None:
    """What env.py does. Under the `alembic` command itself it takes `-x url=` or SEATRIAL_MIGRATE_URL."""
    if context.is_offline_mode():
        raise ConfigurationError(
            "what is to be done depends on what is there, so there is no SQL without the database: "
            "seatrial db upgrade --sql asks it and changes nothing."
        )
    own = work()
    if own.connection is not None:
        _migrate(own.connection)
        return
    given = context.get_x_argument(as_dictionary=True)
    allowed = given.get("allow_host", "")
    engine = open_engine(migration_url(given.get("url"), allowed.split(",") if allowed else ()))
    with engine.connect() as connection:
        _migrate(connection)


def _migrate(connection: sa.Connection) -> None:
    # A command before this one may have looked at the version table and left that transaction open; Alembic takes
    # it for one of the caller's then, and refuses to leave it for the builds.
    connection.commit()
    context.configure(
        connection=connection,
        version_table=VERSION_TABLE,
        transaction_per_migration=True,
        target_metadata=None,
        # Whoever runs autogenerate in here by mistake gets an empty revision, not one that drops the app.
        include_name=lambda *_: False,
    )
    with context.begin_transaction():
        context.run_migrations()


def upgrade(config: Config, *branches: str) -> None:
    """To the newest revision of each branch."""
    for branch in branches:
        command.upgrade(config, f"{branch}@head")


def downgrade(config: Config, branch: str) -> None:
    """To before the first revision of a branch."""
    command.downgrade(config, f"{branch}@base")


def revisions(branch: str) -> list[str]:
    """Of a branch, the oldest first."""
    script = ScriptDirectory.from_config(configuration())
    return [revision.revision for revision in script.iterate_revisions(f"{branch}@head", "base")][::-1]


def applied(connection: sa.Connection) -> list[str]:
    """What the version table says was run. Raises ConfigurationError when it knows more than we do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()
    connection.rollback()
    known = {name for branch in (INDEXES, WEBHOOKS) for name in revisions(branch)}
    if strange := sorted(set(found) - known):
        raise ConfigurationError(
            f"{VERSION_TABLE} holds {', '.join(strange)}, which this Seatrial does not know: the database was upgraded "
            "by a newer one; install that version (pip install -U seatrial)."
        )
    return list(found)


def is_applied(connection: sa.Connection, branch: str) -> bool:
    """Any revision of the branch was run."""
    return bool(set(applied(connection)) & set(revisions(branch)))


def stamp_statements(branches: Sequence[str], present: Sequence[str]) -> list[str]:
    """SQL that records the newest revision of each branch, as Alembic would have."""
    said = []
    if not present:
        said.append(
            f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
            f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    for branch in branches:
        names = revisions(branch)
        if names[-1] in present:
            continue
        said += [f"DELETE FROM {VERSION_TABLE} WHERE version_num = '{name}'" for name in names if name in present]
        said.append(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES ('{names[-1]}')")
    return said
