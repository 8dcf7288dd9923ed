"""What requests need: the opened parts of the application, and who is asking."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Header, Request

from backend.access.visitors import Visitors
from backend.chat.deletion import Deletion
from backend.chat.runs import Runs
from backend.chat.service import ChatService
from backend.conversations.store import ConversationStore
from backend.errors import NotFound, Unauthenticated
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.index import Index
from backend.limits.client_address import ClientAddresses
from backend.limits.limiter import Limiter
from backend.llm.cascade import Cascade


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the lifespan opened and that handlers use."""

    chat: ChatService
    runs: Runs
    conversations: ConversationStore
    catalogue: Catalogue
    visitors: Visitors
    index: Index
    cascade: Cascade
    deletion: Deletion
    addresses: ClientAddresses
    limiter: Limiter


async def services(request: Request) -> Services:
    """The parts that the lifespan opened."""
    return cast(Services, request.state.services)


Parts = Annotated[Services, Depends(services)]


async def client_address(request: Request, parts: Parts) -> str:
    """The address that the client is counted by; see `ClientAddresses.of`."""
    return parts.addresses.of(request.client.host if request.client else "", request.headers)


ClientAddress = Annotated[str, Depends(client_address)]


async def known_visitor(
    parts: Parts,
    x_visitor_token: Annotated[str | None, Header()] = None,
    authorization: Annotated[str | None, Header()] = None,
) -> str | None:
    """The visitor whose token came with the request, or None without one.

    Raises `Unauthenticated` for credentials that are present and not valid; they are never treated as absent.
    """
    if authorization is not None:
        raise Unauthenticated("These credentials are not valid here.")
    if x_visitor_token is None:
        return None
    return parts.visitors.check(x_visitor_token)


KnownVisitor = Annotated[str | None, Depends(known_visitor)]


async def owner(visitor: KnownVisitor) -> str:
    """The owner of what the request asks for. Who has no token owns nothing, so everything is missing to them."""
    if visitor is None:
        raise NotFound("There is no such conversation or run.")
    return visitor


Owner = Annotated[str, Depends(owner)]
