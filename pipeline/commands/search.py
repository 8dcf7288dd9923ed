"""`footnote search`: asks as a visitor would, and shows what each stage of retrieval made of it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

from rich.text import Text

from backend.chat.sources import MOST_PERHAPS
from backend.errors import ContentError
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.embedders import open_embedders
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.models import Chunk, Creator, Document, Hit
from backend.knowledge.opening import open_index
from backend.knowledge.recent_documents import RecentDocuments
from backend.knowledge.searcher import Searcher
from backend.retrieval.models import Passage, Trace
from backend.retrieval.rerank import open_reranker
from backend.retrieval.retriever import Retriever
from backend.settings import RetrievalSettings, Settings
from pipeline.clean import clean_characters
from pipeline.place import place_of
from pipeline.snippet import snippet
from pipeline.terminal import Terminal
from pipeline.workplace import database, workplace

Known = Mapping[UUID, tuple[Document, Creator]]


@dataclass(frozen=True, slots=True)
class Score:
    """What one search says of a passage, and at which rank (from 1)."""

    value: float
    rank: int


def run(query: str, creator: str | None, topic: str | None) -> int:
    """Prints what a visitor's question would find; returns the exit code: 0 where it would be answered, else 1.

    Raises a `FootnoteError` where nothing can be asked.
    """
    query = clean_characters(query).strip()
    if not query:
        raise ContentError("Say what to search for.")
    with workplace() as settings:
        trace, known = asyncio.run(ask(settings, query, creator, topic))
    console = Terminal()
    for line in report(trace, known, settings.retrieval, creator, topic):
        console.print(line)
    return 0 if trace.retrieved.answerable else 1


async def ask(settings: Settings, query: str, creator: str | None, topic: str | None) -> tuple[Trace, Known]:
    """The stages of the search, and every document that it touched and that answers. Composed as the service does."""
    async with database(settings) as engine:
        catalogue = Catalogue(engine)
        if creator is not None and await catalogue.find_creator(creator) is None:
            raise ContentError(f"There is no creator `{creator}`: `footnote status` lists them.")
        async with AsyncExitStack() as stack:
            index = open_index(settings)
            stack.push_async_callback(index.close)
            embedders = await open_embedders(settings, index)
            stack.push_async_callback(embedders.close)
            if reranker := await open_reranker(settings):
                stack.push_async_callback(reranker.close)
            searcher = Searcher(index, embedders, LexicalEncoder())
            retriever = Retriever(searcher, RecentDocuments(catalogue), settings.retrieval, reranker)
            trace = await retriever.trace(query, creator=creator, topic=topic, widen=True)
        return trace, await catalogue.find_documents({hit.chunk.document_id for hit in trace.stages["fused"]})


def report(trace: Trace, known: Known, limits: RetrievalSettings, creator: str | None, topic: str | None) -> list[Text]:
    """The lines for a curator: what was searched, whether it would be answered, and the passages by fused score."""
    retrieved = trace.retrieved
    lines = [
        Text.assemble(
            ("searched ", "bold"), f"“{retrieved.query}” in {_scope(creator, topic)}{_widened(trace, creator, topic)}"
        ),
        Text.assemble(("answer ", "bold"), _verdict(trace, limits.min_confidence)),
    ]
    fused = trace.stages["fused"]
    if fused:
        found = f"{len(fused)}, {len(trace.candidates.lexical)} of them with words of the question"
        lines.append(Text.assemble(("found ", "bold"), found))
    fates = _fates(trace, known, limits.sources)
    dense, lexical = _scores(trace.candidates.dense), _scores(trace.candidates.lexical)
    for rank, (hit, fate) in enumerate(zip(fused, fates, strict=False), start=1):
        chunk = hit.chunk
        excerpt = snippet(chunk.told_text, retrieved.query)
        by = f" by {', '.join(excerpt.words)}" if chunk.id in lexical and excerpt.words else ""
        body = Text(f"   {excerpt.text}", style="default")
        for start, end in excerpt.matches:
            body.stylize("bold yellow", start + 3, end + 3)
        style = "dim" if fate.startswith("not shown") else "green"
        lines += [
            Text(""),
            Text.assemble((f"{rank}. ", "bold"), (fate, style), f" · {_title(chunk, known)} · {place_of(chunk)}"),
            Text(
                f"   cosine {_score(dense.get(chunk.id), 3)} · BM25 {_score(lexical.get(chunk.id), 2)}{by} · "
                f"fused {hit.score:.3f}"
            ),
            body,
        ]
    return lines


def _widened(trace: Trace, creator: str | None, topic: str | None) -> str:
    """How the search went on where the scope that was asked for could not answer."""
    scope = trace.retrieved.scope
    asked = "creator" if creator else "topic" if topic else "global"
    if scope == asked:
        return ""
    return f", which has no answer, and then in {_scope(None, topic if scope == 'topic' else None)}"


def _verdict(trace: Trace, least: float) -> str:
    if not trace.stages["fused"]:
        return "no: there is nothing to find here, and the service would say so."
    said = f"the probability that they answer is {trace.confidence:.2f}, and `retrieval.min_confidence` is {least:g}"
    if trace.retrieved.answerable:
        return f"yes: {said}."
    if trace.confidence >= least:
        return "no: what was found belongs to documents that do not answer."
    return f"no, the service would say that it found nothing: {said}."


def _fates(trace: Trace, known: Known, sources: int) -> list[str]:
    """What becomes of each passage, down to the last source and at least twice as many as there are sources."""
    fused = trace.stages["fused"]
    offered = sources if trace.retrieved.answerable else min(sources, MOST_PERHAPS)
    shown = [_source_of(hit.chunk, trace.retrieved.passages[:offered]) for hit in fused]
    last = max((rank for rank, number in enumerate(shown, start=1) if number), default=0)
    fates = []
    for rank, (hit, number) in enumerate(zip(fused, shown, strict=True), start=1):
        if rank > max(last, 2 * sources):
            break
        if number:
            fates.append(f"source {number}" if trace.retrieved.answerable else f"perhaps: source {number}")
        elif hit.chunk.document_id not in known:
            fates.append("not shown (its document does not answer)")
        elif rank < last:
            fates.append("not shown (others of its document, or the same words, come first)")
        else:
            fates.append(f"not shown (only {offered} are)")
    return fates


def _source_of(chunk: Chunk, passages: Sequence[Passage]) -> int | None:
    """The number of the source that has the chunk, alone or joined with its neighbours."""
    for number, passage in enumerate(passages, start=1):
        whole = passage.chunk
        if whole.document_id == chunk.document_id and whole.char_start <= chunk.char_start < whole.char_end:
            return number
    return None


def _scores(hits: Sequence[Hit]) -> dict[UUID, Score]:
    return {hit.chunk.id: Score(hit.score, rank) for rank, hit in enumerate(hits, start=1)}


def _score(score: Score | None, digits: int) -> str:
    """A score and its rank in its own search; a passage that this search did not bring has none."""
    return f"{score.value:.{digits}f} (#{score.rank})" if score else "–"


def _title(chunk: Chunk, known: Known) -> str:
    if chunk.document_id not in known:
        return chunk.creator
    document, creator = known[chunk.document_id]
    return f"{creator.name} · {document.title}"


def _scope(creator: str | None, topic: str | None) -> str:
    whose = f"what `{creator}` has published" if creator else "the whole library"
    return f"{whose}, topic `{topic}`" if topic else whose
