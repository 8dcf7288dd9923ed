"""Conversations, their messages, and the runs that answer: the tables and the values made from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as SqlUUID

from backend.database import metadata

Role = Literal["user", "assistant"]
Status = Literal["complete", "interrupted", "failed"]
Rating = Literal["up", "down"]

conversations = Table(
    "conversations",
    metadata,
    Column("id", SqlUUID, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("creator", Text),
    Column("site", Text, nullable=False, server_default=""),
    Column("title", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deleted_at", DateTime(timezone=True)),
    Index("ix_conversations_owner_updated", "owner", "updated_at"),
    Index("ix_conversations_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    Index("ix_conversations_site", "site", "updated_at", postgresql_where=text("deleted_at IS NULL")),
)

# Answers that tell curators what is missing: nothing answered, or others than the creator who was asked. Written as the
# database keeps it with the index, which serves only those statements that say the same.
UNANSWERED = text(
    "(finish_reason = 'abstained' OR finish_reason IN ('stop', 'length')"
    " AND terminal ->> 'creator' IS NOT NULL AND terminal ->> 'scope' IN ('topic', 'global'))"
)
asked_of = literal_column("terminal ->> 'creator'", Text)

# `terminal` is the data of the frame that ended the run: `done`, or `error` where the status is failed or interrupted.
# `upstream_events` is what an upstream of the kind agent sent for the answer, `cost` what its tier takes for it;
# both are for the operator, never for a reader. `rating` and `comment` are what the reader thinks of the answer.
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
    Column("rating", Text),
    Column("comment", Text),
    Column("rated_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("conversation_id", "seq"),
    Index("ix_messages_rated_at", "rated_at", postgresql_where=text("rated_at IS NOT NULL")),
    Index("ix_messages_unanswered", text("(terminal ->> 'creator')"), postgresql_where=UNANSWERED),
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

# One row for each time that a question is answered, and how it was asked. At most one of a conversation is running; a
# key names one run of its owner for ever. `replaces` is the answer that a run makes anew. `state` is running, ended,
# stopped: then it was to make an answer anew and was stopped, or left by its readers, before that could stand, or
# replaced: then another run's answer stands in the place of this one's.
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
    Column("creator", Text),
    Column("topic", Text),
    Column("personality_weight", Float, nullable=False, server_default="0"),
    Column("widen", Boolean, nullable=False, server_default="true"),
    Column("replaces", SqlUUID),
    Column("state", Text, nullable=False),
    Column("frames", Integer),
    Column("ended_at", DateTime(timezone=True)),
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
    """What somebody asks, validated. `conversation_id` None begins a conversation; `widen` lets others answer where
    the creator or the topic cannot; `site` is where it is asked, and `among` who may be asked there, None: everybody;
    `run_id` is the name of its run, should one begin; `replaces` is the answer that is to be made anew, the last one of
    the conversation, to this very question.
    """

    owner: str
    query: str
    creator: str | None
    topic: str | None
    personality_weight: float
    conversation_id: UUID | None
    idempotency_key: str | None
    body_hash: str
    widen: bool = True
    site: str = ""
    among: frozenset[str] | None = None
    run_id: UUID = field(default_factory=uuid4)
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the database knows it. `message_id` is the id that its answer has or will have, `seq` the number of
    the question in the conversation; the answer's is one more. `frames` is the number of the last frame, once known.
    `replaces` is the answer that it makes anew, which stays where the run ends with none; `stopped` says that it has
    ended so because it was stopped; `previous` is the run whose answer came before the question, known only to who has
    begun this one."""

    id: UUID
    conversation_id: UUID
    message_id: UUID
    seq: int
    owner: str
    running: bool
    heartbeat_at: datetime
    frames: int | None = None
    replaces: UUID | None = None
    stopped: bool = False
    creator: str | None = None
    previous: UUID | None = None


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
    `upstream_events` and `cost` are for the operator alone. `may_replace` says whether it is as good as an earlier
    answer to the same question, and may take its place."""

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
    may_replace: bool = False


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the reader of an answer thinks of it."""

    rating: Rating
    comment: str | None


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
    feedback: Feedback | None = None

    @property
    def standalone_query(self) -> str | None:
        """What was searched for this answer."""
        return (self.terminal or {}).get("standalone_query")
