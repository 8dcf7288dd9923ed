"""Taking a conversation along: as JSON, or as Markdown to read."""

import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from backend.api.accept import JSON, prefers
from backend.api.conversations import message_body
from backend.api.dependencies import Accepted, Owner, Parts, Services
from backend.api.documented import REFUSALS
from backend.api.schemas import ConversationBody
from backend.chat.remote import living_snapshots
from backend.chat.transcript import heading, passage
from backend.conversations.models import Conversation, Message

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"], responses=REFUSALS)

MARKDOWN = "text/markdown"
PAGE = 100  # messages in memory at a time
NAME_LENGTH = 60

Shown = tuple[Message, list[dict[str, Any]]]


@router.get(
    "/{conversation_id}/export", response_class=Response, responses={200: {"content": {JSON: {}, MARKDOWN: {}}}}
)
async def export(
    conversation_id: UUID,
    parts: Parts,
    owner: Owner,
    accept: Accepted,
    form: Annotated[Literal["json", "markdown"] | None, Query(alias="format")] = None,
) -> Response:
    """The whole conversation as a file: in the form that `format` names, else the one that `Accept` asks for, else
    JSON. Sources that were removed since are without their text."""
    conversation = await parts.conversations.find_conversation(conversation_id, owner)
    pages = pages_of(parts, conversation_id, owner)
    first = await anext(pages)  # what can be refused is refused before the first byte
    is_markdown = form == "markdown" or (form is None and prefers(MARKDOWN, JSON, accept))
    write, kind, ending = (as_markdown, MARKDOWN, "md") if is_markdown else (as_json, JSON, "json")
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(conversation.title)}.{ending}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept",
    }
    return StreamingResponse(write(conversation, first, pages), media_type=kind, headers=headers)


async def pages_of(parts: Services, conversation_id: UUID, owner: str) -> AsyncIterator[list[Shown]]:
    """All messages in order with their sources as they may be shown now. Raises `NotFound`, also between two pages."""
    after = 0
    while True:
        page = await parts.conversations.list_messages(conversation_id, owner, after, PAGE)
        snapshots = await living_snapshots(parts.catalogue, [message.sources for message in page])
        yield list(zip(page, snapshots, strict=True))
        if len(page) < PAGE:
            return
        after = page[-1].seq


async def as_json(
    conversation: Conversation, first: list[Shown], others: AsyncIterator[list[Shown]]
) -> AsyncIterator[str]:
    """The conversation and its messages as the API has them, in one document."""
    about = ConversationBody(**asdict(conversation)).model_dump_json(exclude={"active_run_id"})
    yield f'{about[:-1]},"messages":['
    yield ",".join(message_body(*shown).model_dump_json() for shown in first)
    async for page in others:
        for shown in page:
            yield f",{message_body(*shown).model_dump_json()}"
    yield "]}"


async def as_markdown(
    conversation: Conversation, first: list[Shown], others: AsyncIterator[list[Shown]]
) -> AsyncIterator[str]:
    """The conversation to read: each question, its answer and the answer's sources."""
    yield heading(conversation)
    yield "".join(passage(*shown) for shown in first)
    async for page in others:
        yield "".join(passage(*shown) for shown in page)


def file_name(title: str) -> str:
    """Letters, digits and hyphens of a title, as no file system and no header can misread them."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower())[:NAME_LENGTH].strip("-")
    return f"footnote-{words or 'conversation'}"
