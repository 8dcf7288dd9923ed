"""How creators talk, and whether answers may sound like them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("creators", sa.Column("persona", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("creators", sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("creators", "profile")
    op.drop_column("creators", "persona")
