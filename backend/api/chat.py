"""Asking, coming back to a stream, and stopping it."""

import hashlib
from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from backend.api.accept import prefers_json
from backend.api.collected import CollectedAnswer
from backend.api.dependencies import (
    Accepted,
    ClientAddress,
    Here,
    IdempotencyKey,
    Known,
    Owner,
    Parts,
    Services,
    allowance_of,
)
from backend.api.documented import ANSWER, FRAMES, REFUSALS
from backend.api.schemas import ChatRequest
from backend.api.sse import EventStream
from backend.conversations.models import Question, RunRecord
from backend.errors import InvalidRequest

router = APIRouter(prefix="/api/v1/chat", tags=["chat"])

LAST_FRAME = 999_999_999


@router.post("", response_class=Response, responses=REFUSALS | ANSWER)
async def ask(
    body: ChatRequest,
    parts: Parts,
    identity: Known,
    site: Here,
    address: ClientAddress,
    idempotency_key: IdempotencyKey,
    accept: Accepted,
) -> Response:
    """Asks a question; the answer is a stream of server-sent events that begins with `sources`, or one JSON document at
    its end for a client that would rather have that."""
    body_hash = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    owner = (
        identity.owner_on(site.id)
        if identity
        else parts.visitors.newcomer(idempotency_key, address, body_hash, site.id)
    )
    question = Question(
        owner=owner,
        query=body.query,
        creator=body.creator,
        topic=body.topic,
        personality_weight=body.personality_weight,
        conversation_id=body.conversation_id,
        idempotency_key=idempotency_key,
        body_hash=body_hash,
        widen=body.widen,
        site=site.id,
        among=site.creators,
    )
    allowance = allowance_of(parts, identity, owner, address, site, body.creator)
    record = await parts.chat.ask(question, allowance)
    headers = dict(allowance.headers)
    if identity is None or identity.is_old:
        headers["X-Visitor-Token"] = parts.visitors.mint(owner, site.id)
    return await answered(parts, record, headers, accept)


@router.get("/runs/{run_id}/events", response_class=Response, responses=REFUSALS | FRAMES)
async def events(
    run_id: UUID,
    parts: Parts,
    owner: Owner,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[int | None, Query(ge=0, le=LAST_FRAME)] = None,
) -> Response:
    """The frames after `Last-Event-ID` (or `?after=`), and then the run live; 204 where none is left."""
    position = frame_id(last_event_id) if last_event_id else after  # to an EventSource an empty one is none
    return stream(await parts.runs.follow(run_id, owner, position or 0), {"X-Run-Id": str(run_id)})


@router.post("/runs/{run_id}/stop", status_code=202, response_class=Response, responses=REFUSALS)
async def stop(run_id: UUID, parts: Parts, owner: Owner) -> Response:
    """Ends a run; every reader gets `done` with `stopped`, and the partial answer is saved. Repeats do nothing."""
    await parts.runs.stop(run_id, owner)
    return Response(status_code=202)


async def answered(parts: Services, record: RunRecord, headers: dict[str, str], accept: str) -> Response:
    """The answer of a run that was begun or found just now, from its beginning, in the form that the client wants."""
    headers = {"X-Run-Id": str(record.id), "X-Conversation-Id": str(record.conversation_id), **headers}
    frames = await parts.runs.follow(record.id, record.owner, known=True)
    if frames is not None and prefers_json(accept):
        return CollectedAnswer(frames, headers)
    return stream(frames, headers)


def stream(frames: AsyncGenerator[bytes, None] | None, headers: dict[str, str]) -> Response:
    """Frames as a response; 204 where the client has all of them, which also tells an EventSource not to come back."""
    return Response(status_code=204, headers=headers) if frames is None else EventStream(frames, headers)


def frame_id(value: str) -> int:
    """A `Last-Event-ID` of ours."""
    if not value.isascii() or not value.isdigit() or len(value) > len(str(LAST_FRAME)):
        raise InvalidRequest("`Last-Event-ID` is the number of a frame of this run.")
    return int(value)
