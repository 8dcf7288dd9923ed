"""The statements that write a turn, made once: a visitor waits for them, and making them anew takes as long as the
database does."""

from sqlalchemy import bindparam, exists, func, insert, literal, select, update

from backend.conversations.models import conversations, messages, runs

# The visitor's message and its run together.
INSERT_TURN = (
    insert(messages)
    .values(
        id=bindparam("question_id"),
        conversation_id=bindparam("conversation_id"),
        seq=bindparam("seq"),
        role="user",
        content=bindparam("query"),
        status="complete",
        run_id=bindparam("run_id"),
    )
    .add_cte(
        insert(runs)
        .values(
            id=bindparam("run_id"),
            conversation_id=bindparam("conversation_id"),
            message_id=bindparam("answer_id"),
            seq=bindparam("seq"),
            owner=bindparam("owner"),
            idempotency_key=bindparam("idempotency_key"),
            body_hash=bindparam("body_hash"),
            state="running",
        )
        .cte("run")
    )
)
INSERT_CONVERSATION = INSERT_TURN.add_cte(
    insert(conversations)
    .values(
        id=bindparam("conversation_id"),
        owner=bindparam("owner"),
        creator=bindparam("creator"),
        title=bindparam("title"),
    )
    .cte("conversation")
)
# Ends a run and writes its answer, if it has not ended before and the conversation is still there: one statement, one
# transaction, one round trip. Whoever writes in a conversation locks it first, as asking and deleting do, so that no
# two of them wait for each other.
LIVING = (
    select(conversations.c.id)
    .where(conversations.c.id == bindparam("answer_conversation_id"), conversations.c.deleted_at.is_(None))
    .with_for_update(key_share=True)
    .cte("living")
)
ENDED = (
    update(runs)
    .where(runs.c.id == bindparam("ended_id"), runs.c.state == "running", exists(select(LIVING.c.id)))
    .values(state="ended", frames=bindparam("ended_frames"))
    .returning(runs.c.id)
    .cte("ended")
)
ANSWER = {
    messages.c.role: literal("assistant", messages.c.role.type),
    messages.c.run_id: ENDED.c.id,
} | {
    # Names of their own: one that is also a column of `runs` would be set there.
    column: bindparam(f"answer_{column.name}", type_=column.type)
    for column in messages.c
    if column.name not in ("role", "run_id", "created_at")
}
INSERT_ANSWER = (
    insert(messages)
    .from_select(list(ANSWER), select(*ANSWER.values()))
    .add_cte(
        update(conversations)
        .where(conversations.c.id == bindparam("answer_conversation_id"), exists(select(ENDED.c.id)))
        .values(updated_at=func.now())
        .cte("conversation")
    )
)
