"""Answers a question with the best sentences of the sources, as short excerpts that read. Pure."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.llm.excerpts import (
    SPOKEN_LEAD_WORDS,
    WRITTEN_LEAD_WORDS,
    Candidate,
    Excerpt,
    candidates_of,
    lead_of,
    said_further,
    with_others,
)
from backend.llm.leaning import concludes, counts_on, is_nameless, points_at_once
from backend.llm.meaning import CLEAR, NEAR, Meanings, Place, Ranking, by_meaning, reordered
from backend.llm.passage_sentences import Sentence
from backend.llm.question_kind import years_in
from backend.llm.read_out import Quoted, read_out
from backend.llm.reading import Reading
from backend.llm.reply import with_reply
from backend.llm.tier import PromptSource
from backend.llm.window import window

# A sentence that holds this share of the question, by weight, says what the next one points at.
KNOWN_SHARE = 0.8
# Whether an answer is a direct one is told from the cosine of its first excerpt and the share of the question's words
# that this has: a logistic regression of scripts/fit_directness.py (8.49·cosine + 2.48·share - 5.64, even odds), which
# also says what it reaches. docs/decisions/0020-direct-answers.md has the figures.
SHARE_WEIGHT = 0.3
DIRECT = 0.67
# Who talks says the same again at other places, in passing. Those are read only where they have a word of the question
# that the direct answer has not, or are nearer to it by so much; then they come first. What a thing is, is seldom said
# at one place. Whatever is further from the question by so much is left out too: it has its words and another meaning.
NEARER = 0.05
# A sentence that scores this many times as much by its words as those before it does not need to be led up to.
WITHOUT_RUN_UP = 2.0


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences of one source in its own order."""

    source: PromptSource
    sentences: tuple[Quoted, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The best excerpts; those of an answer that is not `direct` may only come near to the question.

    `nearness` is the highest cosine of the first excerpt with the question, 0 where nothing of it was compared; `share`
    is the part of the question's words that it has, by weight.
    """

    extracts: tuple[Extract, ...]
    direct: bool
    nearness: float = 0.0
    share: float = 0.0


def extract(reading: Reading, meanings: Meanings | None = None, ranking: Ranking | None = None) -> Answer:
    """One to three excerpts, some 110 words at most, the best first; what one creator says stays together.

    `meanings` are the cosines of `Reading.worth_comparing` with the question; None where there are none to be had.
    Without them every answer counts as direct. `ranking` has what a reranker says of the same stretches; None where
    there is none. It decides which of them come first, and not whether they answer.

    Measured on the 2,910 answerable questions of the dev set squad2 with the passages that retrieval finds: 77.8 % of
    the answers have a gold answer in their first 60 words; they have 59 words on average. It was 81.2 % when what is
    written was compared and read by the sentence, which answers questions to articles worse (decision 20).

    Empty only where no source holds a usable sentence. Without a word in common with the question, the beginning of
    the best source is taken: retrieval found it by its meaning.
    """
    cosines = {place: meanings[text] for place, text in reading.compared.items()} if meanings else {}
    scores = by_meaning(reading.weighed, cosines, brief=reading.brief) if cosines else reading.scores
    if ranking is not None and len(set(ranking.values())) > 1:
        scores = reordered(scores, {place: ranking[text] for place, text in reading.compared.items()})
    else:
        ranking = None  # it has nothing to say
    candidates = beginnings(reading.passages, scores, understood(reading, cosines), clear(reading, cosines))
    if not candidates:
        return Answer((), direct=True)
    best = past_run_up(max(candidates, key=lambda candidate: candidate.score), reading)
    spoken = reading.sources[best.excerpt.source].spoken
    as_window = bool(cosines) and not (spoken or reading.brief)
    if as_window:
        lead = written_out(best.excerpt, reading)
    else:
        lead = with_reply(lead_of(best, reading.passages, reading.terms, brief=reading.brief), reading)
    nearness = nearness_of(lead, cosines)
    share = reading.terms.share(frozenset(stem for sentence in lead.sentences for stem in sentence.stems))
    direct = meanings is None or is_direct(reading, lead, nearness, share)
    if not (as_window or reading.brief):
        most_words = SPOKEN_LEAD_WORDS if spoken else WRITTEN_LEAD_WORDS
        lead = said_further(lead, reading.passages[lead.source], reading.terms, most_words)
    if direct and cosines and spoken and not reading.defines:
        candidates = without_mentions(candidates, lead, reading, cosines, nearness + NEARER)
    if cosines and not reading.has_parts:
        candidates = without_distant(candidates, lead, cosines, nearness - NEARER)
    chosen = with_others(lead, best, candidates, reading.passages, reading.terms, reading.on_subject, sure=direct)
    if direct and spoken and ranking is None:
        chosen = nearest_first(chosen, reading, cosines)
    groups = grouped(chosen, [source.creator for source in reading.sources])
    extracts = (Extract(reading.sources[index], tuple(read_out(group))) for index, group in groups)
    return Answer(tuple(extracts), direct, nearness, share)


def written_out(begun: Excerpt, reading: Reading) -> Excerpt:
    """What is written from the sentence that was compared on, with those before it that it leans on."""
    *before, first = begun.sentences
    words = WRITTEN_LEAD_WORDS - sum(sentence.length for sentence in before)
    read = window(reading.passages[begun.source], first.place, words)
    return with_reply(Excerpt(begun.source, (*before, *read)), reading)


def without_mentions(
    candidates: Sequence[Candidate],
    lead: Excerpt,
    reading: Reading,
    cosines: Mapping[Place, float],
    nearer: float,
) -> list[Candidate]:
    """The candidates without those of another passage of the lead's creator that only come back to what it says."""
    creator = reading.sources[lead.source].creator
    said = frozenset(stem for sentence in lead.sentences for stem in sentence.stems)
    return [
        candidate
        for candidate in candidates
        if candidate.excerpt.source == lead.source
        or reading.sources[candidate.excerpt.source].creator != creator
        or reading.terms.overlap(candidate.stems - said) > 0
        or nearness_of(candidate.excerpt, cosines) >= nearer
    ]


def without_distant(
    candidates: Sequence[Candidate], lead: Excerpt, cosines: Mapping[Place, float], near: float
) -> list[Candidate]:
    """The candidates without those of other passages that are less than `near` to the question."""
    return [
        candidate
        for candidate in candidates
        if candidate.excerpt.source == lead.source or nearness_of(candidate.excerpt, cosines) >= near
    ]


def nearest_first(chosen: Sequence[Excerpt], reading: Reading, cosines: Mapping[Place, float]) -> list[Excerpt]:
    """The excerpts, led by the one that is nearest to the question where that is clearly nearer than the first, and of
    its creator."""
    first, nearest = chosen[0], max(chosen, key=lambda excerpt: nearness_of(excerpt, cosines))
    creators = {reading.sources[excerpt.source].creator for excerpt in (first, nearest)}
    if len(creators) > 1 or nearness_of(nearest, cosines) < nearness_of(first, cosines) + NEARER:
        return list(chosen)
    return [nearest, *(excerpt for excerpt in chosen if excerpt is not nearest)]


def nearness_of(excerpt: Excerpt, cosines: Mapping[Place, float]) -> float:
    """The highest cosine of what it says with the question, 0 where nothing of it was compared."""
    return max(cosines.get((excerpt.source, sentence.place), 0.0) for sentence in excerpt.sentences)


def past_run_up(best: Candidate, reading: Reading) -> Candidate:
    """The candidate without what only leads up to what has far more of the question, where that stands alone."""
    lead = lead_of(best, reading.passages, reading.terms, brief=reading.brief)
    words = [reading.scores[lead.source][sentence.place] for sentence in lead.sentences]
    for number, sentence in enumerate(lead.sentences[1:], start=1):
        stands = sentence.usable and not (sentence.leans or sentence.about_itself)
        if stands and words[number] >= WITHOUT_RUN_UP * max(words[:number]) > 0:
            return replace(best, excerpt=Excerpt(lead.source, (sentence,)), stems=frozenset(sentence.stems))
    return best


def is_direct(reading: Reading, lead: Excerpt, nearness: float, share: float) -> bool:
    """Whether the first excerpt is near enough to the question to answer it, in meaning and in words.

    What a speaker tells of themselves is not, nor what a host says to a guest, and neither is what a source says that
    has nothing of the year that is asked about. The words of "What is X?" are the subject's alone, and say nothing of
    whether it is explained: there, words count where the sentence is one that explains.
    """
    first = lead.sentences[0]
    if first.secondary or first.about_itself or first.speaker in reading.hosts[lead.source]:
        return False
    if reading.defines and not any(reading.is_wanted(sentence.alone) for sentence in lead.sentences):
        return nearness >= DIRECT
    source = reading.sources[lead.source]
    if years_in(reading.question) - years_in(f"{source.title} {source.text}"):
        return False
    return nearness + SHARE_WEIGHT * share >= DIRECT


def understood(reading: Reading, cosines: Mapping[Place, float]) -> list[set[int]]:
    """By passage, the places of sentences that need nothing before them, as what they point at is in the question.

    Such a sentence is near to the question and names what it is about, or the one before it says what is asked. Behind
    a statement, which can be read as well, that does not do for "It is one.".
    """
    enough = KNOWN_SHARE * reading.terms.total
    return [
        {
            sentence.place
            for sentence in passage
            if (
                cosines.get((rank, sentence.place), 0.0) >= NEAR
                and not (is_nameless(sentence.alone) or counts_on(sentence.alone))
                and not (source.spoken and concludes(sentence.text))
            )
            or (
                sentence.continues
                and reading.terms.overlap(frozenset(passage[sentence.place - 1].stems)) >= enough
                and not (is_nameless(sentence.alone) and is_statement(passage[sentence.place - 1]))
            )
        }
        for rank, (source, passage) in enumerate(zip(reading.sources, reading.passages, strict=True))
    ]


def is_statement(sentence: Sentence) -> bool:
    """Whether it can be read in an answer: it is no question and no aside."""
    return sentence.usable and not sentence.about_itself


def clear(reading: Reading, cosines: Mapping[Place, float]) -> list[set[int]]:
    """By passage, the places of sentences so near to the question that one before them would only lead up to them."""
    near = {place for place, cosine in cosines.items() if cosine >= CLEAR}
    return [
        {
            sentence.place
            for sentence in passage
            if (rank, sentence.place) in near and not points_at_once(sentence.alone)
        }
        for rank, passage in enumerate(reading.passages)
    ]


def beginnings(
    passages: Sequence[Sequence[Sentence]],
    scores: Sequence[Sequence[float]],
    understood: Sequence[Container[int]],
    clear: Sequence[Container[int]],
) -> list[Candidate]:
    """What may begin an excerpt: of the sentences with a score and, only where none of them can, of the others."""
    for only_matched in (True, False):
        found = [
            candidate
            for index, (passage, row) in enumerate(zip(passages, scores, strict=True))
            for candidate in candidates_of(
                index,
                passage,
                row,
                understood[index],
                clear[index],
                only_matched=only_matched,
            )
        ]
        if found:
            return found
    return []


def grouped(chosen: Sequence[Excerpt], creators: Sequence[str]) -> list[tuple[int, list[Sentence]]]:
    """By source and in its order; the best source first, and what one creator says in one place."""
    groups: dict[int, list[Sentence]] = {}
    for excerpt in chosen:
        groups.setdefault(excerpt.source, []).extend(excerpt.sentences)
    speakers = list(dict.fromkeys(creators[index] for index in groups))
    order = sorted(groups, key=lambda index: speakers.index(creators[index]))
    return [(index, sorted(groups[index], key=lambda sentence: sentence.place)) for index in order]
