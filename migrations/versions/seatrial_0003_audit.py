"""Index of audit_log: what happened in an organisation, the newest first.

Revision ID: seatrial_0003
Revises: seatrial_0002
"""

from seatrial.migrate.revisions import build, drop
from seatrial.migrate.specs import AUDIT

revision = "seatrial_0003"
down_revision = "seatrial_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build(AUDIT, revision)


def downgrade() -> None:
    drop(AUDIT)
