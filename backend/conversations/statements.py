"""The statements of a turn, made once: a visitor waits for them, and making them anew takes as long as the database
does."""

from uuid import uuid4

from sqlalchemy import Boolean, and_, bindparam, case, delete, exists, func, insert, literal, null, select, update
from sqlalchemy.dialects import postgresql

from backend.conversations.models import Question, RunRecord, agent_sessions, conversations, messages, runs
from backend.conversations.rows import run_columns

# The run that an owner's key names; where its answer was made anew since, the one whose answer stands there now.
NAMED = runs.alias("named")
STANDING = (
    select(messages.c.run_id)
    .where(messages.c.conversation_id == NAMED.c.conversation_id, messages.c.seq == NAMED.c.seq + 1)
    .scalar_subquery()
)
NAMED_RUN = (
    select(*run_columns, NAMED.c.body_hash, conversations.c.deleted_at)
    .select_from(NAMED)
    .join(conversations, conversations.c.id == NAMED.c.conversation_id)
    .join(runs, runs.c.id == case((NAMED.c.state == "replaced", STANDING), else_=NAMED.c.id))
    .where(NAMED.c.owner == bindparam("named_owner"), NAMED.c.idempotency_key == bindparam("named_key"))
)
LAST_MESSAGE = (
    select(messages.c.id, messages.c.seq, messages.c.run_id)
    .where(messages.c.conversation_id == bindparam("there"))
    .order_by(messages.c.seq.desc())
    .limit(1)
)

INSERT_RUN = insert(runs).values(
    id=bindparam("run_id"),
    conversation_id=bindparam("conversation_id"),
    message_id=bindparam("answer_id"),
    seq=bindparam("seq"),
    owner=bindparam("owner"),
    idempotency_key=bindparam("idempotency_key"),
    body_hash=bindparam("body_hash"),
    creator=bindparam("creator"),
    topic=bindparam("topic"),
    personality_weight=bindparam("personality_weight"),
    widen=bindparam("widen"),
    replaces=bindparam("replaces"),
    state="running",
)

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
    .add_cte(INSERT_RUN.cte("run"))
)
# A run alone, of a question that is there. A session that has answered it knows an answer which nobody will have given.
INSERT_RUN_ANEW = INSERT_RUN.add_cte(
    delete(agent_sessions)
    .where(
        agent_sessions.c.conversation_id == bindparam("conversation_id"), agent_sessions.c.number >= bindparam("seq")
    )
    .cte("sessions")
)
INSERT_CONVERSATION = INSERT_TURN.add_cte(
    insert(conversations)
    .values(
        id=bindparam("conversation_id"),
        owner=bindparam("owner"),
        creator=bindparam("creator"),
        site=bindparam("site"),
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
    .values(state=bindparam("ended_state"), frames=bindparam("ended_frames"), ended_at=func.now())
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
    if column.name not in ("role", "run_id", "rating", "comment", "rated_at", "created_at")
}
# The place is taken only where the answer is made anew. What was thought of the earlier one goes with it, and the run
# that had given it is nobody's any more.
REPLACES = bindparam("answer_replaces", type_=Boolean)
WRITTEN = postgresql.insert(messages).from_select(list(ANSWER), select(*ANSWER.values()))
WRITTEN = WRITTEN.on_conflict_do_update(
    index_elements=[messages.c.conversation_id, messages.c.seq],
    set_={column.name: WRITTEN.excluded[column.name] for column in ANSWER}
    | {"rating": null(), "comment": null(), "rated_at": null(), "created_at": func.now()},
    where=REPLACES,
)
REPLACED = update(runs).where(
    REPLACES,
    exists(select(ENDED.c.id)),
    and_(
        runs.c.conversation_id == bindparam("answer_conversation_id"),
        runs.c.seq == bindparam("answer_seq") - 1,
        runs.c.state.in_(("ended", "stopped")),
    ),
)
END_RUN = select(ENDED.c.id).add_cte(
    WRITTEN.cte("written"),
    REPLACED.values(state="replaced").cte("replaced"),
    update(conversations)
    .where(conversations.c.id == bindparam("answer_conversation_id"), exists(select(ENDED.c.id)))
    .values(updated_at=func.now())
    .cte("conversation"),
)


def turn_values(question: Question, run: RunRecord) -> dict[str, object]:
    """What `INSERT_TURN` wants to know."""
    return run_values(question, run) | {"question_id": uuid4(), "query": question.query}


def run_values(question: Question, run: RunRecord) -> dict[str, object]:
    """What `INSERT_RUN` wants to know."""
    return {
        "run_id": run.id,
        "answer_id": run.message_id,
        "conversation_id": run.conversation_id,
        "seq": run.seq,
        "owner": question.owner,
        "idempotency_key": question.idempotency_key,
        "body_hash": question.body_hash,
        "creator": question.creator,
        "topic": question.topic,
        "personality_weight": question.personality_weight,
        "widen": question.widen,
        "replaces": question.replaces,
    }
