"""The sessions that tiers' upstreams keep of conversations, by name."""

from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import agent_sessions, conversations
from backend.database import autocommit


class AgentSessions:
    """One session for a conversation and tier. Both methods raise `Unavailable` while the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, conversation_id: UUID, tier: str, instructions: str) -> tuple[str, int] | None:
        """The name of the session that began under these instructions (their digest), and the number of the last
        question that it has answered; None where there is none."""
        query = select(agent_sessions.c.session_id, agent_sessions.c.number).where(
            agent_sessions.c.conversation_id == conversation_id,
            agent_sessions.c.tier == tier,
            agent_sessions.c.instructions == instructions,
        )
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(query)).first()
        return (row.session_id, row.number) if row else None

    async def keep(self, conversation_id: UUID, tier: str, instructions: str, session_id: str, number: int) -> None:
        """Remembers the session in place of any other; of a conversation that was deleted meanwhile, nothing."""
        values = {"tier": tier, "session_id": session_id, "instructions": instructions, "number": number}
        # The lock has a deletion wait for us or us for it: the row would otherwise be one of no conversation.
        living = (
            select(conversations.c.id, *(literal(value) for value in values.values()))
            .where(conversations.c.id == conversation_id, conversations.c.deleted_at.is_(None))
            .with_for_update(read=True, key_share=True)
        )
        added = insert(agent_sessions).from_select(["conversation_id", *values], living)
        replaced = {name: added.excluded[name] for name in ("session_id", "instructions", "number")}
        statement = added.on_conflict_do_update(index_elements=["conversation_id", "tier"], set_=replaced)
        async with autocommit(self._engine) as connection:
            await connection.execute(statement)
