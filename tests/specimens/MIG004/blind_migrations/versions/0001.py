from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.drop_table("nothing")


def downgrade():
    pass
