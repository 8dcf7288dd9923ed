"""What the reader of an answer may do with it: say what they think of it, and have the last one made anew."""

import hashlib
from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Response

from backend.api.chat import answered
from backend.api.dependencies import Accepted, ClientAddress, Here, IdempotencyKey, Known, Owner, Parts, allowance_of
from backend.api.documented import ANSWER, REFUSALS
from backend.api.schemas import FeedbackRequest
from backend.conversations.models import Feedback
from backend.errors import ConversationBusy, InvalidRequest, NotFound

router = APIRouter(
    prefix="/api/v1/conversations/{conversation_id}/messages/{message_id}", tags=["answers"], responses=REFUSALS
)


@router.put("/feedback", status_code=204, response_class=Response)
async def rate(conversation_id: UUID, message_id: UUID, body: FeedbackRequest, parts: Parts, owner: Owner) -> Response:
    """Keeps what the owner of a conversation thinks of an answer there, in place of what they thought before."""
    await parts.answers.rate(owner, conversation_id, message_id, Feedback(body.rating, body.comment))
    return Response(status_code=204)


@router.delete("/feedback", status_code=204, response_class=Response)
async def take_back(conversation_id: UUID, message_id: UUID, parts: Parts, owner: Owner) -> Response:
    """Forgets what the owner has said of an answer. Repeats do nothing."""
    await parts.answers.rate(owner, conversation_id, message_id, None)
    return Response(status_code=204)


@router.post("/regenerate", response_class=Response, responses=ANSWER)
async def regenerate(
    conversation_id: UUID,
    message_id: UUID,
    parts: Parts,
    identity: Known,
    owner: Owner,
    site: Here,
    address: ClientAddress,
    idempotency_key: IdempotencyKey,
    accept: Accepted,
) -> Response:
    """Answers the last question of a conversation anew, as it was asked. The stream is like that of a question; the new
    answer takes the place of the earlier one, which stays as it was where nothing came of it."""
    body_hash = hashlib.sha256(f"regenerate {conversation_id} {message_id}".encode()).hexdigest()
    # The answer that a repeat names may have been replaced by the run that it is to find.
    record = await parts.conversations.find_repeated(owner, idempotency_key, body_hash)
    if record is not None:
        return await answered(parts, record, {}, accept)
    try:
        asked = await parts.answers.asked(owner, conversation_id, message_id)
    except (ConversationBusy, InvalidRequest, NotFound):
        # A repeat that was as fast may have begun in between.
        record = await parts.conversations.find_repeated(owner, idempotency_key, body_hash)
        if record is None:
            raise
        return await answered(parts, record, {}, accept)
    question = replace(asked, idempotency_key=idempotency_key, body_hash=body_hash, site=site.id, among=site.creators)
    allowance = allowance_of(parts, identity, owner, address, site, question.creator)
    record = await parts.chat.ask(question, allowance)
    headers = dict(allowance.headers)
    if identity is not None and identity.is_old:
        headers["X-Visitor-Token"] = parts.visitors.mint(owner, site.id)
    return await answered(parts, record, headers, accept)
