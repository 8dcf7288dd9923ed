"""Conversations that nobody goes on with are found by their site and age, and what was said in them is not sampled"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The planner keeps samples of values until it takes new ones, also of rows that are gone since. No query compares these
# columns, so it has no use for theirs.
SAID = {
    "conversations": ("title",),
    "messages": ("content", "sources", "citations", "terminal", "upstream_events", "comment"),
}


def upgrade() -> None:
    op.create_index(
        "ix_conversations_site",
        "conversations",
        ["site", "updated_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    sample("0")


def downgrade() -> None:
    sample("-1")
    op.drop_index("ix_conversations_site", table_name="conversations", postgresql_where=sa.text("deleted_at IS NULL"))


def sample(target: str) -> None:
    """Sets how many values the planner samples of each of these columns; -1 is the server's default."""
    for table, columns in SAID.items():
        changes = ", ".join(f"ALTER COLUMN {column} SET STATISTICS {target}" for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
