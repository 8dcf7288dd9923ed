"""Workers see at once what has changed in the catalogue, and keep what has not"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# The newest row is enough: those of transactions that have ended go with it, but for rows that another one removes just
# now, for which nobody waits. So do those that came with a dump from a server whose numbers were higher.
NOTE = """
CREATE FUNCTION note_catalogue_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    this bigint := pg_current_xact_id()::text::bigint;
BEGIN
    INSERT INTO catalogue_changes (transaction) VALUES (this) ON CONFLICT DO NOTHING;
    DELETE FROM catalogue_changes WHERE transaction IN (
        SELECT transaction FROM catalogue_changes
        WHERE transaction <> this
            AND (transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
                OR transaction >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
        FOR UPDATE SKIP LOCKED
    );
    RETURN NULL;
END $$
"""
TABLES = ("creators", "documents")


def upgrade() -> None:
    op.create_table(
        "catalogue_changes",
        sa.Column("transaction", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("transaction", name=op.f("pk_catalogue_changes")),
    )
    op.execute(NOTE)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION note_catalogue_change()"
        )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TRIGGER note_change ON {table}")
    op.execute("DROP FUNCTION note_catalogue_change()")
    op.drop_table("catalogue_changes")
