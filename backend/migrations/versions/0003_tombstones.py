"""The index over deleted documents has only those that may still have passages: every question reads it"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DELETED = "deleted_at IS NOT NULL"


def upgrade() -> None:
    op.drop_index("ix_documents_deleted", table_name="documents", postgresql_where=sa.text(DELETED))
    op.create_index(
        "ix_documents_silent",
        "documents",
        ["id"],
        unique=False,
        postgresql_where=sa.text(f"{DELETED} AND title <> ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_documents_silent", table_name="documents")
    op.create_index("ix_documents_deleted", "documents", ["id"], unique=False, postgresql_where=sa.text(DELETED))
