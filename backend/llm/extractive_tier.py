"""The tier `extractive`: the best sentences of the sources, joined readably, each cited. It needs nothing."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import groupby, zip_longest
from textwrap import indent

from backend.knowledge.reranker import Reranker
from backend.knowledge.similarity import Similarity
from backend.llm.extract import Answer, extract
from backend.llm.meaning import Meanings, Ranking
from backend.llm.names import is_called
from backend.llm.read_out import Quoted
from backend.llm.reading import Reading
from backend.llm.tier import Finish, Prompt, PromptSource, TierFailure, Token

WORD = re.compile(r"\s*\S+")
MOST_QUOTED_WORDS = 60
FEW_WORDS = 5
# Whoever says it means themselves; "I/O" does not.
OF_ONESELF = re.compile(r"\b(?:I|us|[Mm](?:e|y|ine|yself)|[Ww]e|[Oo]ur(?:s|selves)?)\b(?!/)")
NOT_DIRECT = "I am not sure that this answers your question. What comes nearest:"


class ExtractiveTier:
    """Answers from the sources' own words at once, after the 0.2 s that comparing what they mean takes.

    Without `similarity`, and where that cannot tell in time, the words alone decide. A `reranker` chooses among the
    places that are compared, at most 800 words in all, within its own deadline.
    """

    def __init__(self, name: str, similarity: Similarity | None, reranker: Reranker | None = None) -> None:
        self.name = name
        self._similarity = similarity
        self._reranker = reranker

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Token | Finish, None]:
        """The answer word by word. Fails as `empty` where there is no source."""
        if not prompt.sources:
            raise TierFailure("empty")
        reading = Reading(prompt.question, prompt.sources)
        places = reading.worth_comparing()
        meanings, ranking = await asyncio.gather(
            self._meanings(reading.question, places), self._ranking(reading.question, places)
        )
        answer = extract(reading, meanings, ranking)
        for word in WORD.findall(compose(answer, prompt.sources) if answer.extracts else quotation(prompt.sources[0])):
            yield Token(word)
        yield Finish("stop")

    async def close(self) -> None:
        """Nothing is held open."""

    async def _meanings(self, question: str, sentences: Sequence[str]) -> Meanings | None:
        if self._similarity is None:
            return None
        cosines = await self._similarity.best([(sentence, (question,)) for sentence in sentences])
        return None if cosines is None else dict(zip(sentences, cosines, strict=True))

    async def _ranking(self, question: str, places: Sequence[str]) -> Ranking | None:
        scores = None if self._reranker is None else await self._reranker.scores(question, places)
        return None if scores is None else dict(zip(places, scores, strict=True))


def compose(answer: Answer, offered: Sequence[PromptSource]) -> str:
    """One paragraph a source and speaker, each sentence with its marker; what is not direct says so, and is a list.

    Where there are several creators, each is named: as where it is from, as in a creator's podcast a guest may speak.
    One creator alone is named where others were found too and the words are about whoever said them: "Mine come out at
    -9" is nobody's otherwise. Whoever else is known to speak is named.
    """
    several = len({source.creator for source in offered}) > 1
    named = len({extracted.source.creator for extracted in answer.extracts}) > 1 or any(
        (several and OF_ONESELF.search(said.text))
        or (said.speaker and not is_called(said.speaker, extracted.source.creator))
        for extracted in answer.extracts
        for said in extracted.sentences
    )
    places: list[str] = []
    before = ""
    for extracted in answer.extracts:
        paragraphs: list[str] = []
        for speaker, sentences in groupby(extracted.sentences, key=lambda sentence: sentence.speaker):
            text = "".join(marked(list(sentences), extracted.source.index))
            name = speaking(speaker, extracted.source.creator, several=several)
            paragraphs.append(f"**{name}:** {text}" if named and name != before else text)
            before = name
        places.append("\n\n".join(paragraphs))
    if answer.direct:
        return "\n\n".join(places)
    if len(places) > 1:  # what only comes near makes no text together: each place is read alone
        places = [indent(place, "  ").replace("  ", "- ", 1) for place in places]
    return "\n\n".join([NOT_DIRECT, *places])


def speaking(speaker: str, creator: str, *, several: bool) -> str:
    """Whose words these are: a guest's with the creator they are from, where there are `several`."""
    if not speaker:
        return f"From {creator}"
    if is_called(speaker, creator):
        return creator
    return f"{speaker} ({creator})" if several else speaker


def marked(sentences: Sequence[Quoted], index: int) -> Iterator[str]:
    """The sentences with their markers, each behind what parts it from the one before. One of a few words ("That's
    it.") is covered by the next one's."""
    before: Quoted | None = None
    for said, following in zip_longest(sentences, sentences[1:]):
        if said.item and before:
            yield f"\n{said.item} " if before.listed else f"\n\n{said.item} "
        elif before:
            yield "\n\n" if before.code or (before.listed and not said.listed) else " "
        is_covered = len(said.text.split()) < FEW_WORDS and not (said.code or said.listed) and following
        yield said.text if is_covered else f"{said.text} [{index}]"
        if said.code:
            yield f"\n\n{said.code}"
        before = said


def quotation(source: PromptSource) -> str:
    """The beginning of a source that holds no whole sentence, such as captions without full stops, as a quotation."""
    words = re.sub(r"[`*#|<>\[\]{}]+", " ", source.text).split()
    text = " ".join(words[:MOST_QUOTED_WORDS])
    return f"“{text}{'…' if len(words) > MOST_QUOTED_WORDS else ''}” [{source.index}]"
