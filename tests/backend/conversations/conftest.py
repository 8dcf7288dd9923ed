"""What keeps conversations, over the database of the session."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.conversations.answers import Answers
from backend.conversations.postgres import PostgresConversations


@pytest.fixture
def store(engine: AsyncEngine) -> PostgresConversations:
    return PostgresConversations(engine)


@pytest.fixture
def answers(engine: AsyncEngine) -> Answers:
    return Answers(engine)
