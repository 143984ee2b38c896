import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = '0001'


def upgrade():
    op.add_column("item", sa.Column("colour", sa.String(40)))


def downgrade():
    op.drop_column("item", "colour")
