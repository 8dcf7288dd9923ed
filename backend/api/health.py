"""Whether the process lives, and whether it can answer."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Response

from backend.api.dependencies import Parts
from backend.api.schemas import HealthBody

router = APIRouter(prefix="/health", tags=["health"])

CHECK_TIMEOUT_S = 2


@router.get("/live")
async def live() -> HealthBody:
    """The process answers."""
    return HealthBody(status="live")


@router.get("/ready", responses={503: {"model": HealthBody}})
async def ready(parts: Parts, response: Response) -> HealthBody:
    """200 only while a chat would be answered. Redis may be away: answers are slower then, not wrong."""
    names = ("database", "index", "redis")
    checks = (parts.catalogue.ready(), parts.index.ready(), parts.runs.redis_ready())
    states = dict(zip(names, await asyncio.gather(*(state_of(check) for check in checks)), strict=True))
    able = states["database"] == states["index"] == "ok" and bool(parts.cascade.tiers) and not parts.runs.draining
    if not able:
        response.status_code = 503
    tiers = {f"tier {tier.name}": "configured" for tier in parts.cascade.tiers}
    return HealthBody(status="ready" if able else "not ready", dependencies=states | tiers)


async def state_of(check: Awaitable[bool]) -> str:
    """A check that takes too long counts as away."""
    try:
        return "ok" if await asyncio.wait_for(check, CHECK_TIMEOUT_S) else "away"
    except TimeoutError:
        return "away"
