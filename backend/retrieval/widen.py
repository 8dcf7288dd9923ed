"""How far a search may go: from the creator to the topic to everything."""

from dataclasses import dataclass

from backend.knowledge.models import Chunk
from backend.retrieval.models import ScopeName


@dataclass(frozen=True, slots=True)
class Reach:
    """One step of the way: a creator's, a topic's, or everything."""

    name: ScopeName
    creator: str | None = None
    topic: str | None = None


def reaches(creator: str | None, topic: str | None, *, widen: bool) -> list[Reach]:
    """The scopes to look in, the narrowest first; only that one unless the search may `widen`.

    A topic that is named together with a creator narrows what is the creator's.
    """
    steps = [Reach("global")]
    if topic is not None:
        steps.insert(0, Reach("topic", topic=topic))
    if creator is not None:
        steps.insert(0, Reach("creator", creator, topic))
    return steps if widen else steps[:1]


def nearness(chunk: Chunk, creator: str | None, topic: str | None) -> ScopeName:
    """How near a chunk is to what was asked of."""
    if creator is not None and chunk.creator == creator:
        return "creator"
    return "topic" if topic is not None and topic in chunk.topics else "global"
