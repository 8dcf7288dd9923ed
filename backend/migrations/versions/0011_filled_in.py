"""How questions were asked before that was kept with their runs, a part at a time, while others read and ask"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

RUNS_AT_ONCE = 2000

NEXT = sa.text("SELECT id FROM runs WHERE id > :behind ORDER BY id LIMIT :most").columns(id=sa.UUID())
# What the answers tell of how earlier questions were asked, and when they ended; where one tells nothing, the creator
# of its conversation is the one that was asked. A run that has an end has the rest, so nothing is filled in twice.
FILL_IN = sa.text("""
UPDATE runs SET
    creator = CASE
        WHEN messages.terminal ? 'creator' THEN messages.terminal ->> 'creator'
        ELSE conversations.creator
    END,
    personality_weight = CASE
        WHEN jsonb_typeof(messages.terminal -> 'persona') = 'number'
        THEN CAST(messages.terminal ->> 'persona' AS double precision)
        ELSE 0
    END,
    ended_at = messages.created_at
FROM messages, conversations
WHERE runs.id = ANY(:some) AND runs.ended_at IS NULL
    AND messages.run_id = runs.id AND messages.role = 'assistant' AND conversations.id = runs.conversation_id
""").bindparams(sa.bindparam("some", type_=sa.ARRAY(sa.UUID())))


def upgrade() -> None:
    behind = "00000000-0000-0000-0000-000000000000"
    with op.get_context().autocommit_block():
        while some := op.get_bind().execute(NEXT, {"behind": behind, "most": RUNS_AT_ONCE}).scalars().all():
            op.get_bind().execute(FILL_IN, {"some": some})
            behind = some[-1]


def downgrade() -> None:
    pass
