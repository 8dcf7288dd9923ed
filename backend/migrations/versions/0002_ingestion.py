"""What the pipeline remembers of a document: where it came from, its words, its vectors"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("origin", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "documents",
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("documents", sa.Column("model", sa.Text(), server_default="", nullable=False))
    op.add_column("documents", sa.Column("text_hash", sa.Text(), server_default="", nullable=False))
    op.add_column("documents", sa.Column("duplicate_of", sa.UUID(), nullable=True))
    op.create_index("ix_documents_origin", "documents", ["origin"], unique=False)
    op.create_table(
        "embeddings",
        sa.Column("document_id", sa.UUID(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("fk_embeddings_document_id_documents"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "model", "key", name=op.f("pk_embeddings")),
    )


def downgrade() -> None:
    op.drop_table("embeddings")
    op.drop_index("ix_documents_origin", table_name="documents")
    for column in ("duplicate_of", "text_hash", "model", "request", "origin"):
        op.drop_column("documents", column)
