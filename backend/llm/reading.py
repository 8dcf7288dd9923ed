"""The sources, read for one question: their sentences, what each is worth by its words, and who asks. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from backend.knowledge.words import content_stems
from backend.llm.hosts import hosts_of
from backend.llm.meaning import Passage, worth_comparing
from backend.llm.names import is_one_of, speaks_in
from backend.llm.passage_sentences import Sentence, read_passage
from backend.llm.question_kind import asked_of, asks_twice, is_of_person, wanted_by
from backend.llm.sentence_scores import QuestionTerms, bearings, score_sentences
from backend.llm.tier import PromptSource


class Reading:
    """The sources, read for one question.

    Every sentence is read and scored by its words once, as what the best of them mean is asked in between. Where
    somebody's words are asked for, and some sources have them, only these are read, for what is asked about.
    """

    def __init__(self, question: str, sources: Sequence[PromptSource]) -> None:
        names = frozenset(content_stems(question)) if is_of_person(question) else frozenset()
        self.guests: tuple[str, ...] = ()
        if asked := asked_of(question):
            if own := [source for source in sources if is_one_of(asked.who, source.creator)]:
                sources, question = own, f"What about {asked.what}"
            elif own := [source for source in sources if speaks_in(asked.who, source.speaker, source.text)]:
                self.guests, names = asked.who, frozenset()
                sources, question = own, f"What about {asked.what}"
        self.question = question
        self.sources = tuple(sources)
        self.passages = [
            read_passage(source.text, names, spoken=source.spoken, speaker=self.speaker_of(source))
            for source in sources
        ]
        theirs = [said_by(self.guests, passage) for passage in self.passages]
        if any(theirs):
            self.passages = theirs
        self.terms = QuestionTerms(question, self.passages)
        self.wanted = wanted_by(question)
        titles = [source.title for source in sources]
        self.hosts = hosts_of(titles, self.passages)
        self.counting = bearings(self.passages, self.terms, self.hosts)
        self.scores = score_sentences(self.wanted, titles, self.passages, self.terms, self.counting)
        self.brief = self.wanted is not None and self.wanted.brief and not asks_twice(question)
        self.has_parts = asks_twice(question) or (self.wanted is not None and self.wanted.compares)
        self.defines = self.wanted is not None and self.wanted.defines
        self.weighed = [
            Passage(sentences, scores, counting, source.spoken)
            for source, sentences, scores, counting in zip(
                sources, self.passages, self.scores, self.counting, strict=True
            )
        ]
        self.compared = worth_comparing(self.weighed, brief=self.brief)
        self.on_subject = list(map(self.terms.coverage, titles, self.passages))

    def speaker_of(self, source: PromptSource) -> str:
        """Who speaks in all of it. Who wrote an article is its creator's matter, unless they are asked for."""
        return (source.speaker if source.spoken or self.guests else None) or ""

    def is_wanted(self, sentence: str) -> bool:
        """Whether it is of the kind that the question asks for."""
        return self.wanted is not None and self.wanted.strength(sentence) > 1

    def worth_comparing(self) -> list[str]:
        """The stretches whose meaning, compared with the question's, may change what is best."""
        return list(dict.fromkeys(self.compared.values()))


def said_by(guests: Sequence[str], passage: Sequence[Sentence]) -> list[Sentence]:
    """What the guests say of a passage, as a passage of its own."""
    own = [sentence for sentence in passage if is_one_of(guests, sentence.speaker)]
    befores = [-1, *(sentence.place for sentence in own)]
    return [
        replace(sentence, place=place, continues=sentence.continues and before == sentence.place - 1)
        for place, (before, sentence) in enumerate(zip(befores, own, strict=False))
    ]
