"""What the service and the pipeline both speak of: creators, documents, chunks, and the answers of the index."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from backend.knowledge.voice_profile import VoiceProfile

Kind = Literal["video", "audio", "article", "document"]


@dataclass(frozen=True, slots=True)
class Link:
    """A labelled address of a creator's own."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Creator:
    """Someone whose knowledge is published; `voice` says in prose how they talk, `questions` are examples to ask.

    `persona` is False where answers must not sound like them; `profile` is how they talk in detail, if that is known.
    """

    slug: str
    name: str
    bio: str = ""
    voice: str = ""
    topics: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    questions: tuple[str, ...] = ()
    persona: bool = True
    profile: VoiceProfile | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One published piece. `url` is where a reader finds it, `source_uri` where the pipeline did."""

    id: UUID
    creator: str
    title: str
    kind: Kind
    source_uri: str
    url: str | None = None
    published_at: date | None = None
    duration_s: float | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document, with its place in it.

    `text` is what a reader is shown; `heading` is the heading path ("Setup > Microphones"). `char_start` and
    `char_end` are offsets into the document's cleaned text; `start_s` and `end_s` are seconds into a recording.
    `speaker` is who says or wrote all of it; the labels of several are in the text, and where that begins within the
    turn of one, `begun_by` is who goes on.
    """

    id: UUID
    document_id: UUID
    creator: str
    ordinal: int
    text: str
    char_start: int
    char_end: int
    topics: tuple[str, ...] = ()
    heading: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None
    begun_by: str | None = None
    page: int | None = None

    @property
    def told_text(self) -> str:
        """The text in which each of several speakers has their name before their words, the first one too."""
        return f"{self.begun_by}: {self.text}" if self.begun_by else self.text

    @property
    def labelled_text(self) -> str:
        """The same, behind the name of its one speaker where it has only one."""
        return f"{self.speaker}: {self.text}" if self.speaker else self.told_text


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """Which model makes the vectors: `name` is what the settings call it (`embedded`, an id or a folder).

    `id` is the name of its export, `all-MiniLM-L6-v2-<hash>`: two models are the same one where their ids are equal.
    """

    name: str
    id: str
    dimension: int


@dataclass(frozen=True, slots=True)
class SparseVector:
    """BM25 weights by term id; both arrays have the same length and ids are unique."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk as the index keeps it. `dense` has the model's dimension and length 1."""

    chunk: Chunk
    dense: tuple[float, ...]
    sparse: SparseVector


@dataclass(frozen=True, slots=True)
class Scope:
    """Which chunks a search may return: of one creator, of one topic, of any of the creators `among` (None: of all),
    never of `excluded` documents (tombstones)."""

    creator: str | None = None
    topic: str | None = None
    among: frozenset[str] | None = None
    excluded: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that one search found, with that search's own score (cosine, or BM25)."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class LexicalHits:
    """What a lexical search found, best first, for a search that goes on with it: see `Index.lexical`.

    `found_in` is the engine's own word for where: a search elsewhere does not go on with them.
    """

    sparse: SparseVector
    hits: tuple[Hit, ...]
    found_in: object


@dataclass(frozen=True, slots=True)
class Candidates:
    """What two searches of one question found together, as each scores it, best first; see `Index.search`."""

    dense: tuple[Hit, ...]
    lexical: tuple[Hit, ...]
