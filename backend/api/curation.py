"""What curators see of the creators they look after: what nothing answered, and what readers think of the answers.

In each worker one such list is read at a time, and the others wait: most connections are for those who ask.
"""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.dependencies import Curated, Parts
from backend.api.documented import REFUSALS
from backend.api.schemas import RatedBody, RatingsBody, UnansweredBody, UnansweredQuestionsBody
from backend.conversations.feedback import list_feedback
from backend.conversations.unanswered import list_unanswered

router = APIRouter(prefix="/api/v1/creators/{slug}", tags=["curation"], responses=REFUSALS)

PAGE = 100
MOST = 1000

Limit = Annotated[int, Query(ge=1, le=MOST)]


@router.get("/unanswered")
async def unanswered(creator: Curated, parts: Parts, limit: Limit = PAGE) -> UnansweredQuestionsBody:
    """The questions asked of a creator that nothing of theirs answered, the most asked first."""
    async with parts.curating:
        found = await list_unanswered(parts.database, creator=creator, limit=limit)
    return UnansweredQuestionsBody(items=[UnansweredBody(**asdict(question)) for question in found])


@router.get("/feedback")
async def feedback(creator: Curated, parts: Parts, limit: Limit = PAGE) -> RatingsBody:
    """What readers think of the answers to what was asked of a creator, the newest first."""
    async with parts.curating:
        found = await list_feedback(parts.database, creator=creator, limit=limit)
    return RatingsBody(items=[RatedBody(**asdict(rated)) for rated in found])
