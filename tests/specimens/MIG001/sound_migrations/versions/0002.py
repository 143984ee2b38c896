from alembic import op

revision = "0002"
down_revision = '0001'


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_item_name", "item", ["name"], postgresql_concurrently=True)


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_item_name", "item", postgresql_concurrently=True)
