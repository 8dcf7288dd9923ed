"""One's own conversations: listed, read back, renamed and deleted."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from backend.api.dependencies import Here, Known, Owner, Parts
from backend.api.documented import MESSAGES, REFUSALS
from backend.api.schemas import ConversationBody, ConversationsBody, MessageBody, MessagesBody, TitleRequest
from backend.chat.remote import living_snapshots
from backend.conversations.listing import Place
from backend.conversations.models import Message
from backend.errors import InvalidRequest

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"], responses=REFUSALS)

PAGE = 50
LONGEST_PAGE = 200


@router.get("")
async def list_own(
    parts: Parts,
    identity: Known,
    site: Here,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
) -> ConversationsBody:
    """One's own conversations, the one last answered in first; `next_cursor` is there while there are more."""
    behind = None if cursor is None else Place.read(cursor)
    if identity is None:  # who has no credentials has begun none
        return ConversationsBody(items=[], next_cursor=None)
    found, place = await parts.conversations.list_conversations(identity.owner_on(site.id), behind, limit)
    items = [ConversationBody(**asdict(conversation)) for conversation in found]
    return ConversationsBody(items=items, next_cursor=place.cursor if place else None)


@router.delete("", status_code=204, response_class=Response)
async def delete_all(parts: Parts, identity: Known, site: Here) -> Response:
    """Deletes every conversation of one's own, as `delete` does."""
    if identity is not None:
        await parts.deletion.delete(identity.owner_on(site.id))
    return Response(status_code=204)


@router.get("/{conversation_id}")
async def read(conversation_id: UUID, parts: Parts, owner: Owner) -> ConversationBody:
    """One of one's own conversations."""
    return ConversationBody(**asdict(await parts.conversations.find_conversation(conversation_id, owner)))


@router.patch("/{conversation_id}")
async def rename(conversation_id: UUID, body: TitleRequest, parts: Parts, owner: Owner) -> ConversationBody:
    """Gives one of one's own conversations another title; its place in the list stays."""
    return ConversationBody(**asdict(await parts.conversations.rename(conversation_id, owner, body.title)))


@router.delete("/{conversation_id}", status_code=204, response_class=Response)
async def delete(conversation_id: UUID, parts: Parts, owner: Owner) -> Response:
    """Deletes one of one's own conversations: nobody can read it from now on, and an answer that is being given there
    is stopped. Its rows and copies are purged within the deadline of docs/operations.md."""
    await parts.deletion.delete(owner, conversation_id)
    return Response(status_code=204)


@router.get("/{conversation_id}/messages", responses=MESSAGES)
async def messages(
    conversation_id: UUID,
    parts: Parts,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, Query(max_length=20)] = None,
) -> MessagesBody:
    """Its messages in order; `next_cursor` is there while there are more."""
    found = await parts.conversations.list_messages(conversation_id, owner, seq_of(cursor), limit + 1)
    page = found[:limit]
    snapshots = await living_snapshots(parts.catalogue, [message.sources for message in page])
    items = [message_body(message, sources) for message, sources in zip(page, snapshots, strict=True)]
    return MessagesBody(items=items, next_cursor=str(page[-1].seq) if len(found) > limit else None)


def message_body(message: Message, sources: list[dict[str, Any]]) -> MessageBody:
    """A message with its sources as they may be shown now."""
    fields = {name: getattr(message, name) for name in MessageBody.model_fields}
    feedback = asdict(message.feedback) if message.feedback else None
    return MessageBody(**fields | {"sources": sources, "feedback": feedback})


def seq_of(cursor: str | None) -> int:
    """The number that a cursor of ours stands for."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise InvalidRequest("`cursor` is not one that this service gave.")
    return int(cursor)
