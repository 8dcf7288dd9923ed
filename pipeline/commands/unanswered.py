"""`footnote unanswered`: what visitors asked and nothing here answers."""

import asyncio

from backend.conversations.unanswered import Unanswered, list_unanswered
from backend.errors import ContentError
from backend.settings import Settings
from pipeline.library import Library
from pipeline.rows import Row, print_rows
from pipeline.terminal import one_line
from pipeline.workplace import database, workplace


def run(creator: str | None, limit: int) -> None:
    """Prints the questions asked of one creator or of all. Raises `ContentError` for a creator who is not known."""
    with workplace() as settings:
        found = asyncio.run(read(settings, creator, limit))
    columns = ("asked", "last", "of", "question", "answered by")
    print_rows(
        [cells(question) for question in found],
        columns,
        wrapped=("question", "answered by"),
        right=("asked",),
        nothing="Every question was answered.",
    )


async def read(settings: Settings, creator: str | None, limit: int) -> list[Unanswered]:
    """What the conversations say."""
    async with database(settings) as connections:
        if creator is not None and not await Library(connections).has_creator(creator):
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        return await list_unanswered(connections, creator=creator, limit=limit)


def cells(question: Unanswered) -> Row:
    """A question as parts of a line: how often, the last day (UTC), of whom, its words, and who answered instead."""
    nobody = question.times - question.elsewhere
    answered = "others" if not nobody else "nobody" if not question.elsewhere else f"nobody {nobody}×, else others"
    day = question.asked_at.date().isoformat()
    return str(question.times), day, question.creator or "everybody", one_line(question.query), answered
