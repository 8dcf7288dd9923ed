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
    """The narrowest of the scopes that were asked for in which a chunk lies."""
    of_topic = topic is not None and topic in chunk.topics
    if creator is not None and chunk.creator == creator and (topic is None or of_topic):
        return "creator"
    return "topic" if of_topic else "global"
