"""How a question was asked, when its run ended, which answer it makes anew, and what the reader thinks of an answer"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("creator", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("topic", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("personality_weight", sa.Float(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("widen", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("runs", sa.Column("replaces", sa.UUID(), nullable=True))
    op.add_column("runs", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("rating", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("comment", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_messages_rated_at",
        "messages",
        ["rated_at"],
        unique=False,
        postgresql_where=sa.text("rated_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_rated_at", table_name="messages", postgresql_where=sa.text("rated_at IS NOT NULL"))
    for name in ("rated_at", "comment", "rating"):
        op.drop_column("messages", name)
    for name in ("ended_at", "replaces", "widen", "personality_weight", "topic", "creator"):
        op.drop_column("runs", name)
