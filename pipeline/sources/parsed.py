"""What every kind of content becomes: sections of blocks, and what the file says about itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from backend.errors import ContentError
from backend.knowledge.models import Kind

PARAGRAPH_BREAK = "\n\n"
LINE_BREAK = "\n"


class NothingToRead(ContentError):
    """A well-formed file without a passage in it, such as a redirect: left out, and not a failure."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row, code block or caption cue.

    `before` is the white space that sets it off from the block before it. `verbatim` text (a code block in its fences)
    keeps its lines and is only divided between them. Times are seconds into a recording; `page` counts from 1.
    """

    text: str
    before: str = PARAGRAPH_BREAK
    verbatim: bool = False
    start_s: float | None = None
    end_s: float | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under one heading, or one speaker's turn. `headings` is the path from the outermost heading inwards."""

    blocks: tuple[Block, ...]
    headings: tuple[str, ...] = ()
    speaker: str | None = None
    is_turn: bool = False

    @property
    def label(self) -> str:
        """What must be read before the text where it stands next to another section's: heading or speaker."""
        if self.is_turn:
            return f"{self.speaker}: " if self.speaker else ""
        return f"{self.headings[-1]}{PARAGRAPH_BREAK}" if self.headings else ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named part of a recording."""

    start_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a document besides its text; None or empty where nothing is.

    `creator` is whose it is, as a name or a slug.
    """

    title: str | None = None
    url: str | None = None
    kind: Kind | None = None
    published_at: date | None = None
    duration_s: float | None = None
    topics: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    creator: str | None = None
    chapters: tuple[Chapter, ...] = ()

    def over(self, other: "Metadata") -> "Metadata":
        """These values, and the other's where this has none."""
        return Metadata(
            title=self.title or other.title,
            url=self.url or other.url,
            kind=self.kind or other.kind,
            published_at=self.published_at or other.published_at,
            duration_s=self.duration_s if self.duration_s is not None else other.duration_s,
            topics=self.topics or other.topics,
            authors=self.authors or other.authors,
            creator=self.creator or other.creator,
            chapters=self.chapters or other.chapters,
        )


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A file that was understood.

    `default_kind` and `title` (found in the text, not stated) hold where nobody says another. `remarks` tell the
    curator what was left out.
    """

    sections: tuple[Section, ...]
    default_kind: Kind
    title: str | None = None
    metadata: Metadata = field(default_factory=Metadata)
    remarks: tuple[str, ...] = ()

    def with_remarks(self, remarks: Iterable[str]) -> "ParsedDocument":
        """The same document with these remarks before its own."""
        return replace(self, remarks=(*remarks, *self.remarks))
