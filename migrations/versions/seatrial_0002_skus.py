"""Indexes of product_sku_history, the same as for lots.

Revision ID: seatrial_0002
Revises: seatrial_0001
"""

from seatrial.migrate.revisions import build, drop
from seatrial.migrate.specs import SKUS

revision = "seatrial_0002"
down_revision = "seatrial_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build(SKUS, revision)


def downgrade() -> None:
    drop(SKUS)
