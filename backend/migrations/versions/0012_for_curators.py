"""What curators read is found without a look at everything that was ever answered"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UNANSWERED = """
(finish_reason = 'abstained' OR finish_reason IN ('stop', 'length')
    AND terminal ->> 'creator' IS NOT NULL AND terminal ->> 'scope' IN ('topic', 'global'))
"""


def upgrade() -> None:
    op.create_index(
        "ix_messages_unanswered",
        "messages",
        [sa.text("(terminal ->> 'creator')")],
        unique=False,
        postgresql_where=sa.text(UNANSWERED),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_unanswered", table_name="messages", postgresql_where=sa.text(UNANSWERED))
