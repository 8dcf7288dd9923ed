"""What deleted conversations are found by, and their runs"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_conversations_deleted",
        "conversations",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_runs_conversation_id"), "runs", ["conversation_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_runs_conversation_id"), table_name="runs")
    op.drop_index(
        "ix_conversations_deleted", table_name="conversations", postgresql_where=sa.text("deleted_at IS NOT NULL")
    )
