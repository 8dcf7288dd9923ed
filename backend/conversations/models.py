"""Conversations, their messages, and the runs that answer: the tables and the values made from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Column, DateTime, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as SqlUUID

from backend.database import metadata

Role = Literal["user", "assistant"]
Status = Literal["complete", "interrupted", "failed"]

conversations = Table(
    "conversations",
    metadata,
    Column("id", SqlUUID, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("creator", Text),
    Column("title", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True)),
    Index("ix_conversations_owner_updated", "owner", "updated_at"),
    Index("ix_conversations_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
)

# `terminal` is the data of the frame that ended the run: `done`, or `error` where the status is failed or interrupted.
# `upstream_events` is what an upstream of the kind agent sent for the answer, `cost` what its tier takes for it;
# both are for the operator, never for a reader.
messages = Table(
    "messages",
    metadata,
    Column("id", SqlUUID, primary_key=True),
    Column("conversation_id", SqlUUID, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("sources", JSONB, nullable=False, server_default="[]"),
    Column("citations", JSONB, nullable=False, server_default="[]"),
    Column("cascade_tier", Text),
    Column("finish_reason", Text),
    Column("run_id", SqlUUID, index=True),
    Column("terminal", JSONB),
    Column("upstream_events", Text),
    Column("cost", Float),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("conversation_id", "seq"),
)

# The session that a tier's upstream keeps of a conversation: the instructions (SHA-256) that it began under, and the
# number of the last question that it has answered.
agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("conversation_id", SqlUUID, ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("number", Integer, nullable=False),
)

# One row a question. At most one of a conversation is running; a key names one run of its owner for ever.
runs = Table(
    "runs",
    metadata,
    Column("id", SqlUUID, primary_key=True),
    Column("conversation_id", SqlUUID, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("message_id", SqlUUID, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("body_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("frames", Integer),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("uq_runs_running_conversation", "conversation_id", unique=True, postgresql_where=text("state = 'running'")),
    Index(
        "uq_runs_owner_idempotency_key",
        "owner",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor asks, validated. `conversation_id` None begins a conversation; `widen` lets others answer where
    the creator or the topic cannot."""

    owner: str
    query: str
    creator: str | None
    topic: str | None
    personality_weight: float
    conversation_id: UUID | None
    idempotency_key: str | None
    body_hash: str
    widen: bool = True


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the database knows it. `message_id` is the id that its answer has or will have, `seq` the number of
    the question in the conversation; the answer's is one more. `frames` is the number of the last frame, once known."""

    id: UUID
    conversation_id: UUID
    message_id: UUID
    seq: int
    owner: str
    running: bool
    heartbeat_at: datetime
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation of its owner."""

    id: UUID
    title: str
    creator: str | None
    created_at: datetime
    updated_at: datetime
    active_run_id: UUID | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """Conversations that are gone for every reader, all their runs, and those of them that were still answering."""

    conversations: Sequence[UUID]
    runs: Sequence[UUID]
    running: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as a prompt's history reads it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run leaves behind, however it ended. `frames` is the number of its last frame, where that is known;
    `upstream_events` and `cost` are for the operator alone."""

    content: str
    status: Status
    terminal: dict[str, Any]
    sources: list[dict[str, Any]] = field(default_factory=list)
    citations: list[dict[str, Any]] = field(default_factory=list)
    cascade_tier: str | None = None
    finish_reason: str | None = None
    frames: int | None = None
    upstream_events: str | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One stored message. `sources` is the snapshot that the reader saw."""

    id: UUID
    seq: int
    role: Role
    content: str
    status: Status
    sources: list[dict[str, Any]]
    citations: list[dict[str, Any]]
    cascade_tier: str | None
    finish_reason: str | None
    created_at: datetime
    terminal: dict[str, Any] | None

    @property
    def standalone_query(self) -> str | None:
        """What was searched for this answer."""
        return (self.terminal or {}).get("standalone_query")
