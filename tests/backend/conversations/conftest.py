"""Conversations in the Postgres and the Redis of the session."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.answers import Answers
from backend.conversations.postgres import PostgresConversations
from backend.database import open_database
from backend.settings import Settings


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    connections = open_database(settings.database.url, pool_size=8)
    yield connections
    await connections.dispose()


@pytest.fixture
def store(engine: AsyncEngine) -> PostgresConversations:
    return PostgresConversations(engine)


@pytest.fixture
def answers(engine: AsyncEngine) -> Answers:
    return Answers(engine)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    connection = Redis.from_url(settings.redis.url)
    yield connection
    await connection.aclose()
