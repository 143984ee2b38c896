"""What the shipped revisions are made of: they say which indexes, and never how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from alembic import context, op

from seatrial.migrate import build as building
from seatrial.migrate import ledger
from seatrial.migrate.build import Result
from seatrial.migrate.policy import Policy
from seatrial.migrate.specs import IndexSpec

WORK = "seatrial"
"""Key of the `Work` among the attributes of Alembic's configuration."""


@dataclass(slots=True)
class Work:
    """Handed to the revisions by whoever runs them."""

    connection: sa.Connection | None = None
    policy: Policy = field(default_factory=Policy)
    results: list[Result] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """Sentences on what is no index."""


def work() -> Work:
    return context.config.attributes.setdefault(WORK, Work())  # type: ignore[no-any-return]


def build(specs: Sequence[IndexSpec], revision: str) -> None:
    """Bring the indexes of a revision to be valid or covered."""
    own = work()
    with op.get_context().autocommit_block():
        for spec in specs:
            own.results.append(building.ensure(op.get_bind(), spec, own.policy, mark=revision))


def drop(specs: Sequence[IndexSpec]) -> None:
    """Drop those that are ours, the last one first."""
    own = work()
    with op.get_context().autocommit_block():
        for spec in reversed(specs):
            own.results.append(building.drop(op.get_bind(), spec, own.policy))


def build_ledger() -> None:
    """Make the table of payment events, unless the app has one."""
    own = work()
    with op.get_context().autocommit_block():
        own.told.append(ledger.ensure(op.get_bind(), own.policy))


def drop_ledger() -> None:
    """Drop it if it is ours. Raises RefusedError while it holds rows."""
    own = work()
    with op.get_context().autocommit_block():
        own.told.append(ledger.drop(op.get_bind(), own.policy))
