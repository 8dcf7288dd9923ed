"""Whether the process lives, and whether it can answer."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Response

from backend.api.dependencies import Parts
from backend.api.schemas import HealthBody
from backend.llm.circuit import State

router = APIRouter(prefix="/health", tags=["health"])

CHECK_TIMEOUT_S = 2
# Nobody has asked a tier for the sake of this: what the last questions have shown of it.
TIER_STATES: dict[State, str] = {
    "closed": "configured",
    "open": "left out, as it fails",
    "half_open": "about to be tried again",
    "trying": "about to be tried again",
    "key_refused": "left out, as it refuses its key",
}


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
    tiers = await parts.cascade.states()
    answering = any(state not in ("open", "key_refused") for state in tiers.values())
    able = states["database"] == states["index"] == "ok" and answering and not parts.runs.draining
    if not able:
        response.status_code = 503
    states |= {f"tier {name}": TIER_STATES[state] for name, state in tiers.items()}
    return HealthBody(status="ready" if able else "not ready", dependencies=states)


async def state_of(check: Awaitable[bool]) -> str:
    """A check that takes too long counts as away."""
    try:
        return "ok" if await asyncio.wait_for(check, CHECK_TIMEOUT_S) else "away"
    except TimeoutError:
        return "away"
