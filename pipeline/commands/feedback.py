"""`footnote feedback`: what visitors think of the answers they were given."""

import asyncio

from backend.conversations.feedback import Rated, list_feedback
from backend.errors import ContentError
from backend.settings import Settings
from pipeline.library import Library
from pipeline.rows import Row, print_rows
from pipeline.terminal import one_line
from pipeline.workplace import database, workplace


def run(creator: str | None, limit: int) -> None:
    """Prints the ratings of what was asked of one creator or of all. Raises `ContentError` for a creator who is not
    known."""
    with workplace() as settings:
        found = asyncio.run(read(settings, creator, limit))
    columns = ("rated", "of", "rating", "question", "comment")
    print_rows(
        [cells(rated) for rated in found],
        columns,
        wrapped=("question", "comment"),
        nothing="No answer has been rated.",
    )


async def read(settings: Settings, creator: str | None, limit: int) -> list[Rated]:
    """What the conversations say."""
    async with database(settings) as connections:
        if creator is not None and not await Library(connections).has_creator(creator):
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        return await list_feedback(connections, creator=creator, limit=limit)


def cells(rated: Rated) -> Row:
    """A rating as parts of a line: the day (UTC), of whom, up or down, the question, and the comment."""
    day = rated.rated_at.date().isoformat()
    comment = one_line(rated.comment or "")
    return day, rated.creator or "everybody", rated.rating, one_line(rated.question), comment
