"""The table of payment events, stripe_events.

Revision ID: seatrial_webhooks_0001
Revises:
"""

from seatrial.migrate.revisions import build_ledger, drop_ledger

revision = "seatrial_webhooks_0001"
down_revision = None
branch_labels = ("seatrial_webhooks",)
depends_on = None


def upgrade() -> None:
    build_ledger()


def downgrade() -> None:
    drop_ledger()
