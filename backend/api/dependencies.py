"""What requests need: the opened parts of the application, who is asking, and where."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Path, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.access.authentication import Authentication
from backend.access.identity import Identity
from backend.access.sites import Site, Sites
from backend.access.visitors import Visitors
from backend.api.schemas import Name
from backend.chat.deletion import Deletion
from backend.chat.runs import Runs
from backend.chat.service import ChatService
from backend.conversations.answers import Answers
from backend.conversations.store import ConversationStore
from backend.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.index import Index
from backend.limits.client_address import ClientAddresses
from backend.limits.limiter import Allowance, Limiter
from backend.llm.cascade import Cascade

KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the lifespan opened and that handlers use."""

    chat: ChatService
    runs: Runs
    conversations: ConversationStore
    answers: Answers
    catalogue: Catalogue
    visitors: Visitors
    authentication: Authentication
    sites: Sites
    index: Index
    cascade: Cascade
    deletion: Deletion
    addresses: ClientAddresses
    limiter: Limiter
    database: AsyncEngine
    curating: asyncio.Semaphore  # what curators read takes one connection at a time from those who ask


async def services(request: Request) -> Services:
    """The parts that the lifespan opened."""
    return cast(Services, request.state.services)


Parts = Annotated[Services, Depends(services)]


async def client_address(request: Request, parts: Parts) -> str:
    """The address that the client is counted by; see `ClientAddresses.of`."""
    return parts.addresses.of(request.client.host if request.client else "", request.headers)


ClientAddress = Annotated[str, Depends(client_address)]


async def here(
    request: Request, parts: Parts, x_footnote_site: Annotated[str | None, Header(max_length=63)] = None
) -> Site:
    """The site that the request names. Raises `NotFound` for one that there is not, `Forbidden` for an origin that may
    not ask there."""
    return parts.sites.of(x_footnote_site, request.headers)


Here = Annotated[Site, Depends(here)]


async def known(
    request: Request,
    parts: Parts,
    site: Here,
    x_visitor_token: Annotated[str | None, Header()] = None,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Identity | None:
    """Who is asking, None where no credentials came; see `Authentication.identify`. Of two credentials of one kind
    nobody can say which is meant."""
    if any(len(request.headers.getlist(name)) > 1 for name in ("authorization", "x-visitor-token")):
        raise Unauthenticated("Send each of your credentials once.")
    return await parts.authentication.identify(authorization, x_visitor_token, site.id)


Known = Annotated[Identity | None, Depends(known)]


async def owner(identity: Known, site: Here) -> str:
    """The owner of what the request asks for on this site. Who is not known owns nothing, so everything is missing to
    them."""
    if identity is None:
        raise NotFound("There is no such conversation or run.")
    return identity.owner_on(site.id)


Owner = Annotated[str, Depends(owner)]


async def accepted(accept: Annotated[list[str] | None, Header()] = None) -> str:
    """What the client accepts; ranges on several lines are one list (RFC 9110, 5.3)."""
    return ", ".join(["*/*"] if accept is None else accept)


Accepted = Annotated[str, Depends(accepted)]


async def repeatable(
    request: Request, idempotency_key: Annotated[str | None, Header(min_length=1, max_length=KEY_LENGTH)] = None
) -> str | None:
    """The key by which a repeat of the request is known. Of two that differ nobody can say which is meant."""
    if len(set(request.headers.getlist("idempotency-key"))) > 1:
        raise InvalidRequest("Send one `Idempotency-Key`.")
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(repeatable)]


async def curated(slug: Annotated[Name, Path()], parts: Parts, identity: Known) -> str:
    """The creator in the path, to somebody who looks after that creator. Raises `Unauthenticated`, `Forbidden`, and
    `NotFound` for a creator who is not there, which only an admin is told."""
    if identity is None:
        raise Unauthenticated("This is for curators: send a user's token or an API key as `Authorization: Bearer`.")
    if not identity.may_curate(slug):
        raise Forbidden("You do not look after this creator.")
    if await parts.catalogue.find_creator(slug) is None:
        raise NotFound("There is no such creator.")
    return slug


Curated = Annotated[str, Depends(curated)]


def allowance_of(
    parts: Services, identity: Identity | None, owner: str, address: str, site: Site, creator: str | None
) -> Allowance:
    """What a question takes of the limits; somebody without credentials is the new visitor `owner`."""
    asker = identity or Identity("visitor", owner)
    return parts.limiter.allowance(asker.kind, asker.name, address, site.id, creator)
