"""Golden questions, asked of the curator's own library as a visitor would ask them."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from uuid import UUID

from backend.errors import ConfigurationError, ContentError
from backend.knowledge.catalogue import Catalogue
from backend.knowledge.embedders import open_embedders
from backend.knowledge.lexical import LexicalEncoder
from backend.knowledge.opening import open_index
from backend.knowledge.recent_documents import RecentDocuments
from backend.knowledge.reranker import Reranker
from backend.knowledge.searcher import Searcher
from backend.knowledge.similarity import Similarity
from backend.llm.extractive_tier import ExtractiveTier
from backend.retrieval.models import Passage, Retrieved
from backend.retrieval.retriever import Retriever
from backend.settings import Settings
from pipeline.commands.documents import WORDS
from pipeline.evaluation.answers import said
from pipeline.evaluation.dataset import Dataset, JudgedQuestion
from pipeline.evaluation.golden import GoldenQuestion, Right, Verdict
from pipeline.evaluation.library import PATIENCE_S
from pipeline.evaluation.rankings import FUSED, REWRITTEN, Rankings
from pipeline.library import Library, Shelved
from pipeline.place import clock, place_of
from pipeline.workplace import database

# A moment is found where a source covers it, give or take what a person needs to note it down.
TOLERANCE_S = 5.0


@dataclass(frozen=True, slots=True)
class OwnLibrary:
    """The library of the data folder, opened for questions; `model` is the id of its embedding model."""

    retriever: Retriever
    tier: ExtractiveTier
    library: Library
    model: str


@asynccontextmanager
async def own_library(settings: Settings, reranker: Reranker | None) -> AsyncIterator[OwnLibrary]:
    """The library of the data folder, composed as the service does it. Raises `FootnoteError` where it cannot be."""
    async with database(settings) as connections:
        index = open_index(settings)
        try:
            embedders = await open_embedders(settings, index)
            try:
                searcher = Searcher(index, embedders, LexicalEncoder())
                retriever = Retriever(searcher, RecentDocuments(Catalogue(connections)), settings.retrieval, reranker)
                model = await index.model()
                tier = ExtractiveTier("extractive", Similarity(index, embedders, PATIENCE_S), reranker)
                yield OwnLibrary(retriever, tier, Library(connections), model.id if model else "none")
            finally:
                await embedders.close()
        finally:
            await index.close()


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """Golden questions whose documents are known, and the same as judged questions over the whole library.

    `silent` says of documents that do not answer why, by id.
    """

    items: tuple[GoldenQuestion, ...]
    rights: tuple[tuple[Right, ...], ...]
    titles: Mapping[str, str]
    silent: Mapping[UUID, str]
    dataset: Dataset
    documents: int
    passages: int


async def looked_up(path: Path, items: Sequence[GoldenQuestion], library: Library) -> GoldenSet:
    """Finds the creators and documents that the questions name.

    Raises `ConfigurationError` with the number of the item whose creator, topic or document there is not.
    """
    shelved = await library.documents()
    creators = {one.slug for one in await library.counts()}
    topics = {topic for one in shelved for topic in one.document.topics}
    silent: dict[UUID, str] = {}
    rights: list[tuple[Right, ...]] = []
    for number, item in enumerate(items, 1):
        place = f"{path}, item {number}"
        if item.creator is not None and item.creator not in creators:
            raise ConfigurationError(f"{place}: there is no creator `{item.creator}`: `footnote status` lists them.")
        if item.topic is not None and item.topic not in topics:
            near = get_close_matches(item.topic, topics, n=1)
            hint = f". Did you mean `{near[0]}`?" if near else ": `footnote show` tells those of a document."
            raise ConfigurationError(f"{place}: no document has the topic `{item.topic}`{hint}")
        found: list[Right] = []
        for wanted in item.wanted:
            one = await _find(library, wanted.document, place)
            if item.creator not in (None, one.document.creator):
                raise ConfigurationError(
                    f"{place}: `{wanted.document}` is `{one.document.creator}`'s, and the question is asked of "
                    f"`{item.creator}`: change one of them."
                )
            if item.topic is not None and item.topic not in one.document.topics:
                raise ConfigurationError(
                    f"{place}: `{wanted.document}` is not of the topic `{item.topic}`, and the question is asked of "
                    "that: change one of them."
                )
            if one.status != "ready":
                silent[one.document.id] = WORDS[one.status]
            found.append(Right(one.document.id, one.document.title, wanted.at))
        rights.append(tuple(found))
    ready = [one for one in shelved if one.status == "ready"]
    return GoldenSet(
        items=tuple(items),
        rights=tuple(rights),
        titles={str(one.document.id): f"{one.document.title} by {one.document.creator}" for one in shelved},
        silent=silent,
        dataset=_as_dataset(path.stem, items, rights),
        documents=len(ready),
        passages=sum(one.chunks for one in ready),
    )


async def judge(golden: GoldenSet, own: OwnLibrary, rankings: Rankings) -> tuple[Verdict, ...]:
    """What a visitor is shown and told for each question, beside what the curator expects."""
    found = rankings.stages.get(REWRITTEN) or rankings.stages[FUSED]
    verdicts = []
    for number, (item, rights) in enumerate(zip(golden.items, golden.rights, strict=True), 1):
        retrieved = await own.retriever.retrieve(
            item.question, earlier=item.earlier, creator=item.creator, topic=item.topic, widen=False
        )
        order = [document for document, _ in found[str(number)]]
        verdict = _verdict(number, item, rights, retrieved, order, golden.silent)
        if retrieved.answerable:
            answer = await said(retrieved, own.tier)
            verdict = replace(verdict, answer=answer, cited=tuple(_cited(answer, retrieved.passages)))
        verdicts.append(verdict)
    return tuple(verdicts)


def _cited(answer: str, passages: Sequence[Passage]) -> Iterator[str]:
    """What the markers of an answer stand for."""
    for number, passage in enumerate(passages, 1):
        if f"[{number}]" in answer:
            yield f"[{number}] {passage.document.title} by {passage.creator.name}, {place_of(passage.chunk)}"


def _as_dataset(name: str, items: Sequence[GoldenQuestion], rights: Sequence[Sequence[Right]]) -> Dataset:
    """The questions as judged ones: documents stand for articles, and a topic is what a trait is."""
    questions = tuple(
        JudgedQuestion(str(number), item.question, item.earlier, item.creator, item.topic, bool(item.wanted), ())
        for number, item in enumerate(items, 1)
    )
    relevant = {str(number): {str(one.document): 1 for one in right} for number, right in enumerate(rights, 1) if right}
    return Dataset(name, (), questions, relevant)


async def _find(library: Library, name: str, place: str) -> Shelved:
    try:
        return await library.find(name)
    except ContentError as error:
        raise ConfigurationError(f"{place}: {error.message}") from error


def _verdict(
    number: int,
    item: GoldenQuestion,
    rights: Sequence[Right],
    retrieved: Retrieved,
    order: Sequence[str],
    silent: Mapping[UUID, str],
) -> Verdict:
    offered = retrieved.passages if retrieved.answerable else ()
    found = {one.document for one in rights} & {passage.document.id for passage in offered}
    moments = [one for one in rights if one.at_s is not None]
    is_whole = any(one.document in found for one in rights if one.at_s is None)  # no moment is wanted of it
    at_moment = is_whole or any(_covers(passage, one) for one in moments for passage in offered) if moments else None
    if not rights:
        failure = _should_be_refused(offered)
    elif not found:
        failure = _missing(rights, retrieved, order, silent)
    elif at_moment is False:
        failure = _wrong_moment(next(one for one in moments if one.document in found), offered)
    else:
        failure = ""
    return Verdict(number, item.question, bool(rights), bool(found), at_moment, not retrieved.answerable, failure)


def _covers(passage: Passage, right: Right) -> bool:
    chunk = passage.chunk
    if passage.document.id != right.document or chunk.start_s is None or right.at_s is None:
        return False
    end = chunk.start_s if chunk.end_s is None else chunk.end_s
    return chunk.start_s - TOLERANCE_S <= right.at_s <= end + TOLERANCE_S


def _should_be_refused(offered: Sequence[Passage]) -> str:
    if not offered:
        return ""
    best = offered[0]
    return (
        f"This should not be here, but was answered, first of all from “{best.document.title}” by {best.creator.name} "
        f"({place_of(best.chunk)})."
    )


def _missing(rights: Sequence[Right], retrieved: Retrieved, order: Sequence[str], silent: Mapping[UUID, str]) -> str:
    """Why none of the right documents was shown; where there are several, by the one that came nearest."""
    heard = [one for one in rights if one.document not in silent]
    if not heard:
        one = rights[0]
        return f"“{one.title}” does not answer ({silent[one.document]}): see `footnote status`."
    near = min(heard, key=lambda one: order.index(str(one.document)) if str(one.document) in order else len(order))
    place = order.index(str(near.document)) + 1 if str(near.document) in order else None
    where = "was not found at all" if place is None else f"was found as document {place}"
    if not retrieved.answerable:
        return f"It was refused as not here; “{near.title}” {where}."
    first = retrieved.passages[0].document.title
    return f"“{near.title}” {where}, and is not among the {len(retrieved.passages)} sources; the first is “{first}”."


def _wrong_moment(wanted: Right, offered: Sequence[Passage]) -> str:
    """Where a document that is among the sources opens instead."""
    title, at = wanted.title, clock(wanted.at_s or 0)
    of_it = [passage.chunk for passage in offered if passage.document.id == wanted.document]
    spans = [
        clock(chunk.start_s) + (f" to {clock(chunk.end_s)}" if chunk.end_s is not None else "")
        for chunk in of_it
        if chunk.start_s is not None
    ]
    if not spans:
        return f"“{title}” has no times: leave `at` out."
    return f"“{title}” is a source, but not at {at}: its passages are those from {', '.join(spans)}."
