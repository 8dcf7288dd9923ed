"""How a widget is to look on a site."""

from fastapi import APIRouter, Request

from backend.api.dependencies import Parts
from backend.api.documented import REFUSALS
from backend.api.schemas import SiteBody

router = APIRouter(prefix="/api/v1/sites", tags=["sites"], responses=REFUSALS)


@router.get("/{site}")
async def read(site: str, request: Request, parts: Parts) -> SiteBody:
    """A site by the name that its widget gives. Nothing in it is secret, and it grants nothing but asking."""
    found = parts.sites.of(site, request.headers)
    return SiteBody(id=found.id, theme=found.theme)
