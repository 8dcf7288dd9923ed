"""Passages as the reader is shown them: numbered, with a snippet and a link that opens the moment or the page."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from backend.chat.events import Source, SourceCreator
from backend.knowledge.models import Chunk, Document
from backend.llm.references import without_references
from backend.llm.tier import PromptSource
from backend.retrieval.models import Retrieved

SNIPPET_LENGTH = 320
MOST_PERHAPS = 3
RECORDED = ("audio", "video")
# Addresses of recordings themselves: a browser plays them alone, and heeds the moment only behind a `#`.
PLAYED = (".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".flac", ".wav", ".mp4", ".m4v", ".mov", ".webm", ".ogv")
REMOVED = {"title": "Removed", "url": None, "heading": None, "speaker": None, "snippet": "", "removed": True}
FIELDS = tuple(field.name for field in fields(Source))


def number_sources(retrieved: Retrieved) -> list[Source]:
    """The passages as sources 1, 2, 3 …, best first; where they do not answer, the nearest three of them."""
    return [
        Source(
            index=index,
            document_id=passage.document.id,
            chunk_id=passage.chunk.id,
            title=passage.document.title,
            creator=SourceCreator(passage.creator.slug, passage.creator.name),
            kind=passage.document.kind,
            url=deep_link(passage.document, passage.chunk),
            heading=passage.chunk.heading,
            speaker=passage.chunk.speaker,
            start_s=passage.chunk.start_s,
            end_s=passage.chunk.end_s,
            snippet=shorten(passage.chunk.told_text, SNIPPET_LENGTH),
            score=round(passage.score, 6),
            scope=passage.scope,
            published_at=passage.document.published_at,
            perhaps=not retrieved.answerable,
        )
        for index, passage in enumerate(retrieved.passages[: None if retrieved.answerable else MOST_PERHAPS], start=1)
    ]


def offered(retrieved: Retrieved) -> list[PromptSource]:
    """The passages as a tier reads them, numbered alike; what a source has in brackets itself is no marker of ours."""
    return [
        PromptSource(
            index,
            passage.document.title,
            passage.creator.name,
            without_references(passage.chunk.told_text),
            spoken=passage.document.kind in RECORDED,
            speaker=passage.chunk.speaker,
        )
        for index, passage in enumerate(retrieved.passages, start=1)
    ]


def as_json(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Sources as they go over the wire and into the message's snapshot: only JSON types."""
    return [
        {name: getattr(source, name) for name in FIELDS}
        | {
            "creator": {"slug": source.creator.slug, "name": source.creator.name},
            "document_id": str(source.document_id),
            "chunk_id": str(source.chunk_id),
            "published_at": source.published_at.isoformat() if source.published_at else None,
        }
        for source in sources
    ]


def hide_removed(snapshot: Sequence[dict[str, Any]], living: Collection[str]) -> list[dict[str, Any]]:
    """A message's snapshot, in which sources of documents that are gone keep their number and nothing else."""
    return [source if source["document_id"] in living else source | REMOVED for source in snapshot]


def deep_link(document: Document, chunk: Chunk) -> str | None:
    """The document's address, opened at the chunk: `t` in whole seconds, never past the end, or the page of a PDF.

    A recording that is addressed itself has its `t` also as a media fragment (W3C), without which it begins anew.
    Only web addresses are links; anything else gives None.
    """
    if document.url is None:
        return None
    parts = urlsplit(document.url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    if chunk.start_s is not None:
        last = document.duration_s if document.duration_s is not None else chunk.start_s
        # The rest of the query stays as it is written: a server may read it in its own way.
        query = [part for part in parts.query.split("&") if part and part.partition("=")[0] != "t"]
        moment = f"t={int(max(0.0, min(chunk.start_s, last)))}"
        query.append(moment)
        fragment = "" if parts.fragment.startswith("t=") else parts.fragment
        if parts.path.lower().endswith(PLAYED):
            fragment = moment
        return urlunsplit(parts._replace(query="&".join(query), fragment=fragment))
    if chunk.page is not None:
        return urlunsplit(parts._replace(fragment=f"page={chunk.page}"))
    return document.url


def shorten(text: str, limit: int) -> str:
    """The text on one line, cut at a word with an ellipsis where it is longer than `limit` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:–-") + "…"
