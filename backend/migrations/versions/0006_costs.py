"""What an answer cost, where its tier has prices"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("cost", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "cost")
