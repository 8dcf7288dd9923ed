"""Who can be asked."""

from dataclasses import asdict

from fastapi import APIRouter, Depends

from backend.api.dependencies import Here, Parts, known
from backend.api.documented import REFUSALS
from backend.api.schemas import CreatorBody, CreatorsBody, LinkBody
from backend.chat.persona import voice_of

router = APIRouter(prefix="/api/v1/creators", tags=["creators"], responses=REFUSALS, dependencies=[Depends(known)])


@router.get("")
async def creators(parts: Parts, site: Here) -> CreatorsBody:
    """Every creator with something that answers on this site, by name."""
    return CreatorsBody(
        items=[
            CreatorBody(
                slug=entry.creator.slug,
                name=entry.creator.name,
                bio=entry.creator.bio,
                topics=list(entry.creator.topics),
                links=[LinkBody(**asdict(link)) for link in entry.creator.links],
                questions=list(entry.creator.questions),
                documents=entry.documents,
                persona=parts.cascade.writes() and voice_of(entry.creator) is not None,
            )
            for entry in await parts.catalogue.list_creators()
            if entry.documents and site.offers(entry.creator.slug)
        ]
    )
