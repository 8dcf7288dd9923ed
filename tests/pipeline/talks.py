"""Documents and passages of a creator, made up for tests of their voice."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from backend.knowledge.models import Chunk, Creator, Document, Kind

ANA = Creator("ana-velloret", "Ana Velloret", voice="Calm and precise.", topics=("room acoustics",))


def by_id(texts: Iterable[str]) -> dict[UUID, str]:
    """Texts of documents, each with an id."""
    return {uuid4(): text for text in texts}


def document(creator: str = ANA.slug, kind: Kind = "audio", title: str = "A talk") -> Document:
    return Document(uuid4(), creator, title, kind, f"{title}.md")


def chunk(of: Document, ordinal: int, text: str, speaker: str | None = None, start_s: float | None = None) -> Chunk:
    return Chunk(uuid4(), of.id, of.creator, ordinal, text, 0, len(text), speaker=speaker, start_s=start_s)
