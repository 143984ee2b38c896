"""Indexes of inventory_history: open lots, lots that expire, the history of an organisation.

Revision ID: seatrial_0001
Revises:
"""

from seatrial.migrate.revisions import build, drop
from seatrial.migrate.specs import INVENTORY

revision = "seatrial_0001"
down_revision = None
branch_labels = ("seatrial_indexes",)
depends_on = None


def upgrade() -> None:
    build(INVENTORY, revision)


def downgrade() -> None:
    drop(INVENTORY)
