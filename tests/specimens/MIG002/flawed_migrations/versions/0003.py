import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = '0001'


def upgrade():
    op.add_column("item", sa.Column("size", sa.String(40)))


def downgrade():
    op.drop_column("item", "size")
