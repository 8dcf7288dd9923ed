"""What a reader may do with an answer: say what they think of it, and have the last one made anew."""

from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.models import Feedback, Question, conversations, messages, runs
from backend.conversations.postgres import BUSY, owned
from backend.conversations.rows import active_run
from backend.database import autocommit
from backend.errors import ConversationBusy, InvalidRequest, NotFound

NO_ANSWER = "There is no such answer."
NOT_THE_LAST = "Only the last answer of a conversation can be made anew: ask the earlier question again instead."


class Answers:
    """Answers in Postgres, by the conversation's owner. Someone else's, deleted and missing are the same `NotFound`, as
    is a message that is no answer; both methods raise `Unavailable` while the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rate(self, owner: str, conversation_id: UUID, message_id: UUID, feedback: Feedback | None) -> None:
        """Keeps what the owner thinks of an answer, in place of what they thought before; None takes it back."""
        theirs = select(conversations.c.id).where(owned(conversation_id, owner))
        rated = update(messages).where(
            messages.c.id == message_id,
            messages.c.conversation_id == conversation_id,
            messages.c.role == "assistant",
            exists(theirs),
        )
        values = {
            messages.c.rating: feedback.rating if feedback else None,
            messages.c.comment: feedback.comment if feedback else None,
            messages.c.rated_at: func.now() if feedback else None,
        }
        async with autocommit(self._engine) as connection:
            if not (await connection.execute(rated.values(values))).rowcount:
                raise NotFound(NO_ANSWER)

    async def asked(self, owner: str, conversation_id: UUID, message_id: UUID) -> Question:
        """The question that an answer answers, as it was asked, to be answered anew.

        Raises `ConversationBusy` while something is being answered there, and `InvalidRequest` for an answer that is
        not the conversation's last message.
        """
        question = messages.alias("question")
        later = messages.alias("later")
        is_earlier = exists(
            select(later.c.id).where(later.c.conversation_id == conversation_id, later.c.seq > messages.c.seq)
        )
        query = (
            select(
                question.c.content,
                runs.c.creator,
                runs.c.topic,
                runs.c.personality_weight,
                runs.c.widen,
                active_run,
                is_earlier.label("is_earlier"),
            )
            .select_from(messages)
            .join(conversations, conversations.c.id == messages.c.conversation_id)
            .join(
                question,
                (question.c.conversation_id == messages.c.conversation_id) & (question.c.seq == messages.c.seq - 1),
            )
            .join(runs, runs.c.id == question.c.run_id)
            .where(messages.c.id == message_id, messages.c.role == "assistant", owned(conversation_id, owner))
        )
        async with autocommit(self._engine) as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise NotFound(NO_ANSWER)
        if row.active_run_id is not None:
            raise ConversationBusy(BUSY)
        if row.is_earlier:
            raise InvalidRequest(NOT_THE_LAST)
        return Question(
            owner=owner,
            query=row.content,
            creator=row.creator,
            topic=row.topic,
            personality_weight=row.personality_weight,
            conversation_id=conversation_id,
            idempotency_key=None,
            body_hash="",
            widen=row.widen,
            replaces=message_id,
        )
