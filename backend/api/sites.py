"""How a widget is to look where it stands."""

from fastapi import APIRouter, Depends

from backend.api.dependencies import Here, known
from backend.api.documented import REFUSALS
from backend.api.schemas import SiteBody

router = APIRouter(prefix="/api/v1/site", tags=["sites"], responses=REFUSALS, dependencies=[Depends(known)])


@router.get("")
async def read(site: Here) -> SiteBody:
    """The site that the request names, or the service's own page. Nothing in it is secret."""
    return SiteBody(id=site.id, theme=site.theme)
