"""Request and response bodies."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints

from backend.settings_access import Theme

QUERY_LENGTH = 1000
TITLE_LENGTH = 200


def no_control_characters(value: str) -> str:
    """Refuses NUL and half characters, which the database cannot hold, and text that has nothing to read in it."""
    if "\0" in value:
        raise ValueError("must not contain NUL")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must not contain half a character")
    if all(unicodedata.category(character) in ("Cf", "Cc", "Zs") for character in value):
        raise ValueError("must contain something to read")
    return value


def on_one_line(value: object) -> object:
    """Text with single spaces for all its white space; anything else as it is."""
    return " ".join(value.split()) if isinstance(value, str) else value


def composed(value: str) -> str:
    """Letters with their accents as one character (NFC), as passages have them."""
    return unicodedata.normalize("NFC", value)


Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=QUERY_LENGTH),
    AfterValidator(no_control_characters),
    AfterValidator(composed),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(no_control_characters)]

Title = Annotated[
    str,
    BeforeValidator(on_one_line),
    StringConstraints(min_length=1, max_length=TITLE_LENGTH),
    AfterValidator(no_control_characters),
]


class ChatRequest(BaseModel):
    """The body of `POST /api/v1/chat`."""

    model_config = ConfigDict(extra="forbid")

    query: Query
    creator: Name | None = None
    conversation_id: UUID | None = None
    personality_weight: float = Field(default=0.0, ge=0, le=1, allow_inf_nan=False, strict=True)
    topic: Name | None = None
    widen: StrictBool = True


class ErrorBody(BaseModel):
    """Every refusal: one sentence for a person, one code for a program."""

    error: str
    code: str
    retry_after: int | None = None


class LinkBody(BaseModel):
    label: str
    url: str


class CreatorBody(BaseModel):
    """A creator as the picker shows them; `documents` counts those that answer.

    `persona` is true where a `personality_weight` above 0 makes answers sound like them.
    """

    slug: str
    name: str
    bio: str
    topics: list[str]
    links: list[LinkBody]
    questions: list[str]
    documents: int
    persona: bool


class CreatorsBody(BaseModel):
    items: list[CreatorBody]


class SiteBody(BaseModel):
    """A site as its widget needs it; "" is the service's own page."""

    id: str
    theme: Theme


class ConversationBody(BaseModel):
    """A conversation; `active_run_id` is there while an answer is on its way."""

    id: UUID
    title: str
    creator: str | None
    created_at: datetime
    updated_at: datetime
    active_run_id: UUID | None


class ConversationsBody(BaseModel):
    items: list[ConversationBody]
    next_cursor: str | None


class TitleRequest(BaseModel):
    """The body of `PATCH /api/v1/conversations/{id}`."""

    model_config = ConfigDict(extra="forbid")

    title: Title


class FeedbackRequest(BaseModel):
    """The body of `PUT /api/v1/conversations/{id}/messages/{message_id}/feedback`."""

    model_config = ConfigDict(extra="forbid")

    rating: Literal["up", "down"]
    comment: Query | None = None


class FeedbackBody(BaseModel):
    """What the owner of a conversation thinks of an answer there."""

    rating: str
    comment: str | None


class MessageBody(BaseModel):
    """A message as PROTOCOL describes it."""

    id: UUID
    seq: int
    role: str
    content: str
    status: str
    sources: list[dict[str, Any]]
    citations: list[dict[str, Any]]
    cascade_tier: str | None
    finish_reason: str | None
    standalone_query: str | None
    feedback: FeedbackBody | None
    created_at: datetime


class MessagesBody(BaseModel):
    items: list[MessageBody]
    next_cursor: str | None


class UnansweredBody(BaseModel):
    """A question as it was searched, asked `times` times; `elsewhere` of them others than the creator answered."""

    query: str
    creator: str | None
    times: int
    elsewhere: int
    asked_at: datetime


class UnansweredQuestionsBody(BaseModel):
    items: list[UnansweredBody]


class RatedBody(BaseModel):
    """A rating of an answer, and the question that it answers."""

    question: str
    creator: str | None
    rating: str
    comment: str | None
    rated_at: datetime


class RatingsBody(BaseModel):
    items: list[RatedBody]


class HealthBody(BaseModel):
    status: str
    dependencies: dict[str, str] = Field(default_factory=dict)
