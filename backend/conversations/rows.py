"""Rows of conversations, messages and runs: the columns that are read, and the values made from them."""

from typing import Any

from sqlalchemy import Row, func, select

from backend.conversations.models import Conversation, Feedback, Message, RunRecord, conversations, messages, runs

heartbeat_age = func.extract("epoch", func.now() - runs.c.heartbeat_at)
run_columns = (
    runs.c.id,
    runs.c.conversation_id,
    runs.c.message_id,
    runs.c.seq,
    runs.c.owner,
    runs.c.state,
    runs.c.heartbeat_at,
    runs.c.frames,
    runs.c.replaces,
    runs.c.creator,
)
# Whoever reads messages has no use for the events that an upstream sent, which may be long.
message_columns = tuple(column for column in messages.c if column is not messages.c.upstream_events)

# The run that is answering in a conversation, beside its columns.
active_run = (
    select(runs.c.id)
    .where(runs.c.conversation_id == conversations.c.id, runs.c.state == "running")
    .correlate(conversations)
    .scalar_subquery()
    .label("active_run_id")
)


def conversation_from(row: Row[*tuple[Any, ...]]) -> Conversation:
    """A row of `conversations` with `active_run`."""
    return Conversation(row.id, row.title, row.creator, row.created_at, row.updated_at, row.active_run_id)


def run_from(row: Row[*tuple[Any, ...]]) -> RunRecord:
    """A row of `run_columns`."""
    return RunRecord(
        id=row.id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        seq=row.seq,
        owner=row.owner,
        running=row.state == "running",
        heartbeat_at=row.heartbeat_at,
        frames=row.frames,
        replaces=row.replaces,
        stopped=row.state == "stopped",
        creator=row.creator,
    )


def message_from(row: Row[*tuple[Any, ...]]) -> Message:
    """A row of `messages`."""
    return Message(
        id=row.id,
        seq=row.seq,
        role=row.role,
        content=row.content,
        status=row.status,
        sources=row.sources,
        citations=row.citations,
        cascade_tier=row.cascade_tier,
        finish_reason=row.finish_reason,
        created_at=row.created_at,
        terminal=row.terminal,
        feedback=Feedback(row.rating, row.comment) if row.rating else None,
    )
