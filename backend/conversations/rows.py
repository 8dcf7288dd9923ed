"""Rows of messages and runs: the columns that are read, and the values made from them."""

from typing import Any

from sqlalchemy import Row, func

from backend.conversations.models import Message, RunRecord, messages, runs

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
)
# Whoever reads messages has no use for the events that an upstream sent, which may be long.
message_columns = tuple(column for column in messages.c if column is not messages.c.upstream_events)


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
    )
