"""Chooses excerpts: where each begins, how far it goes on, and which of them add to each other. Pure."""

from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass

from backend.llm.asides import closes_a_point
from backend.llm.leaning import goes_on, misses_whom
from backend.llm.passage_sentences import Sentence
from backend.llm.sentence_scores import QuestionTerms

MOST_WORDS = 110
MOST_SENTENCES = 8
MOST_BLOCKS = 2  # of code
MOST_EXCERPTS = 3
# An excerpt goes on behind its best sentence, where speakers explain what they said, until it has so many words: the
# first more than the others, which only add to it; little where a number, a date or a name is asked for. It stops
# before a sentence that would make it this many times as long, or so many where that has a word of the question that
# is still missing: both of "X or Y?".
LEAD_WORDS, LEAD_SENTENCES = 45, 5
BRIEF_LEAD_WORDS = 25
MORE_WORDS, MORE_SENTENCES = 22, 2
TOO_LONG, TOO_LONG_ADDING = 1.5, 2.0
# The point often comes later than the words of the question, with speakers still later than with writers: what is said
# further of the same is read up to so many words, if it has so many content words that were not said yet.
WRITTEN_LEAD_WORDS, SPOKEN_LEAD_WORDS = 85, 100
WORTH_SAYING = 3
# What is shorter than this begins a thought, and whatever is said behind it goes on with that.
SHORT_WORDS = 22
# A sentence that needs others before it to be understood costs their words, or the reader a guess where they cannot be
# had, and so many it may need.
LEANING_WEIGHT = 0.75
LONGEST_CHAIN = 3
# What follows the sentence will be read with it, and counts so much.
AHEAD_WEIGHT = 0.1
AHEAD_SENTENCES = 2
# A word of the question that was answered counts this much for the next excerpt, so the others get their turn.
COVERED_WEIGHT = 0.55
# An excerpt is added only if it is worth this share of the best one and shares this much of what that shares with the
# question, from a passage that has this much of the question that the best one's has; one that says mostly the same is
# not. Where the best only comes near, the others need half as much of the question, as one of them may answer it.
WORTH_ADDING = 0.5
SHARED_WORTH_ADDING = 0.7
SUBJECT_WORTH_ADDING = 0.8
NOT_SURE = 0.5
TOO_ALIKE = 0.6
# So many words between two excerpts of a passage are read too: a stretch reads better than its bits.
GAP_WORDS = 30


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Sentences of one passage in its order."""

    source: int
    sentences: tuple[Sentence, ...]

    @property
    def words(self) -> int:
        """Words in all."""
        return sum(sentence.length for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may begin an excerpt: a sentence with those before it that it leans on, and what it is worth."""

    excerpt: Excerpt
    stems: frozenset[str]
    score: float


def candidates_of(
    source: int,
    passage: Sequence[Sentence],
    scores: Sequence[float],
    understood: Container[int],
    clear: Container[int],
    *,
    only_matched: bool,
) -> Iterator[Candidate]:
    """Every usable sentence with what it leans on, or only those with a score; one that misses its ground is left out.

    `scores` are those of the sentences of `passage`, which is number `source`. Those at the places that are
    `understood` from the question may stand without their ground, and those that are `clear` need none.
    """
    for place, score in enumerate(scores):
        if only_matched and score <= 0:
            continue
        first = place
        while place not in clear and reaches_back(passage[first]) and place - first < LONGEST_CHAIN - 1:
            first -= 1
        begin, *others = passage[first : place + 1]
        own = LEANING_WEIGHT * max(scores[first : place + 1]) if others else score
        if begin.leans or not begin.usable or (others and is_aside(begin)) or not all(map(may_follow, others)):
            begin, others = passage[place], []
            own = LEANING_WEIGHT * score if place not in clear else score
            if place not in understood or not begin.usable or begin.about_itself:
                continue
        ahead = sum(scores[place + 1 : place + 1 + AHEAD_SENTENCES])
        stems = frozenset(stem for sentence in (begin, *others) for stem in sentence.stems)
        yield Candidate(
            Excerpt(source, (begin, *others)),
            stems,
            own + AHEAD_WEIGHT * ahead if score > 0 else 0.0,
        )


def reaches_back(sentence: Sentence) -> bool:
    """Whether it is read with the sentence before it."""
    return sentence.continues and sentence.leans


def is_aside(sentence: Sentence) -> bool:
    """Whether it leads away from the subject."""
    return sentence.about_itself or sentence.secondary


def may_follow(sentence: Sentence) -> bool:
    """Whether it may be read behind another."""
    return sentence.whole and not sentence.about_itself


def is_passed_over(sentence: Sentence, passage: Sequence[Sentence]) -> bool:
    """Whether what stands before it goes on behind it, and it is not missed: it is a bit that nobody replies to,
    and no item of a list."""
    following = passage[sentence.place + 1 : sentence.place + 2]
    return (
        sentence.continues and sentence.fragment and not sentence.item and not any(after.replies for after in following)
    )


def lead_of(best: Candidate, passages: Sequence[Sequence[Sentence]], terms: QuestionTerms, *, brief: bool) -> Excerpt:
    """The excerpt that an answer begins with, a short one where it is `brief`."""
    return continued(best.excerpt, passages, BRIEF_LEAD_WORDS if brief else LEAD_WORDS, LEAD_SENTENCES, (), terms)


def with_others(
    lead: Excerpt,
    best: Candidate,
    candidates: Sequence[Candidate],
    passages: Sequence[Sequence[Sentence]],
    terms: QuestionTerms,
    on_subject: Sequence[float],
    *,
    sure: bool,
) -> list[Excerpt]:
    """The lead, which the best candidate begins, and up to two more: greedily, each time what adds most to those
    chosen.

    `on_subject` is the share of the question that each passage has; `sure` is whether the lead answers it.
    """
    chosen = [lead]
    asked = 1.0 if sure else NOT_SURE
    enough = asked * SUBJECT_WORTH_ADDING * on_subject[best.excerpt.source]
    shared = asked * SHARED_WORTH_ADDING * terms.overlap(best.stems)
    others = [
        candidate
        for candidate in candidates
        if not is_aside(candidate.excerpt.sentences[0])
        and on_subject[candidate.excerpt.source] >= enough
        and candidate.score >= WORTH_ADDING * best.score
        and terms.overlap(candidate.stems) >= shared
    ]
    while others and len(chosen) < MOST_EXCERPTS:
        said = [sentence for excerpt in chosen for sentence in excerpt.sentences]
        others = [candidate for candidate in others if not repeats(candidate, said, terms)]
        covered = frozenset(stem for sentence in said for stem in sentence.stems)
        following = max(others, key=lambda candidate: gain(candidate, covered, terms), default=None)
        if following is None or gain(following, covered, terms) <= 0:
            break
        more = continued(following.excerpt, passages, MORE_WORDS, MORE_SENTENCES, said, terms)
        more = joined(more, said_in(chosen, more.source), passages[more.source])
        if comes_before(more, best.excerpt):
            others.remove(following)
            continue
        words = sum(excerpt.words for excerpt in (*chosen, more))
        blocks = sum(bool(sentence.code) for sentence in (*said, *more.sentences))
        if words > MOST_WORDS or len(said) + len(more.sentences) > MOST_SENTENCES or blocks > MOST_BLOCKS:
            break
        chosen.append(more)
    return chosen


def continued(
    begun: Excerpt,
    passages: Sequence[Sequence[Sentence]],
    enough_words: int,
    most_sentences: int,
    said: Collection[Sentence],
    terms: QuestionTerms,
) -> Excerpt:
    """The excerpt with the sentences right behind it, until there are enough words or what comes next is `said`."""
    excerpt = begun
    passage = passages[begun.source]
    for sentence in passage[begun.sentences[-1].place + 1 :]:
        if is_passed_over(sentence, passage):
            continue
        full = excerpt.words >= enough_words or len(excerpt.sentences) >= most_sentences or excerpt.sentences[-1].code
        covered = frozenset(stem for earlier in excerpt.sentences for stem in earlier.stems)
        adds = terms.overlap(frozenset(sentence.stems) - covered) > 0
        too_long = excerpt.words + sentence.length > (TOO_LONG_ADDING if adds else TOO_LONG) * enough_words
        if full or too_long or not sentence.continues or not may_follow(sentence) or sentence.personal:
            break
        if sentence in said or misses_whom(sentence.alone, read_so_far(excerpt)):
            break
        excerpt = Excerpt(begun.source, (*excerpt.sentences, sentence))
    return excerpt


def read_so_far(excerpt: Excerpt) -> str:
    """What it says."""
    return " ".join(sentence.text for sentence in excerpt.sentences)


def said_further(lead: Excerpt, passage: Sequence[Sentence], terms: QuestionTerms, most_words: int) -> Excerpt:
    """The first excerpt with what is said further of it: right behind it stands what is tied to it or has a word of the
    question, and tells something new; and what is too short for that, where more follows. Behind a short one it may be
    anything."""
    excerpt = lead
    for sentence in passage[lead.sentences[-1].place + 1 :]:
        if is_passed_over(sentence, passage):
            continue
        stems = frozenset(sentence.stems)
        fresh = stems - frozenset(stem for earlier in excerpt.sentences for stem in earlier.stems)
        tied = goes_on(sentence.text, sentence.alone) or excerpt.words < SHORT_WORDS
        of_it = tied or terms.overlap(stems) > 0
        ends = closes_a_point(sentence.text) or sentence.personal or excerpt.sentences[-1].code
        same_voice = sentence.speaker == excerpt.sentences[-1].speaker
        readable = same_voice and (sentence.continues or sentence.leans) and may_follow(sentence)
        whom = misses_whom(sentence.alone, read_so_far(excerpt))
        if excerpt.words + sentence.length > most_words or not (readable and of_it) or ends or whom:
            break
        excerpt = Excerpt(lead.source, (*excerpt.sentences, sentence))
        if len(fresh) >= WORTH_SAYING:
            lead = excerpt
    return lead


def comes_before(excerpt: Excerpt, best: Excerpt) -> bool:
    """Whether it would be read before the best excerpt of its passage, without being one stretch with that."""
    return excerpt.source == best.source and excerpt.sentences[-1].place + 1 < best.sentences[0].place


def said_in(chosen: Sequence[Excerpt], source: int) -> list[int]:
    """The places of what is chosen from one source."""
    return [sentence.place for excerpt in chosen if excerpt.source == source for sentence in excerpt.sentences]


def joined(excerpt: Excerpt, places: Collection[int], passage: Sequence[Sentence]) -> Excerpt:
    """The excerpt with what lies between it and what is chosen at `places`, if that is short and can be read."""
    first, last = excerpt.sentences[0].place, excerpt.sentences[-1].place
    before = max((place for place in places if place < first), default=first - 1)
    after = min((place for place in places if place > last), default=last + 1)
    sentences = list(excerpt.sentences)
    for begin, end in ((before + 1, first), (last + 1, after)):
        between = passage[begin:end]
        short = sum(sentence.length for sentence in between) <= GAP_WORDS
        if short and all(sentence.continues for sentence in passage[begin : end + 1]) and all(map(may_follow, between)):
            sentences += between
    return Excerpt(excerpt.source, tuple(sorted(sentences, key=lambda sentence: sentence.place)))


def repeats(candidate: Candidate, said: Sequence[Sentence], terms: QuestionTerms) -> bool:
    """Whether the candidate, or the like of it, is said already."""
    asked = frozenset(terms.weights)
    return any(
        sentence in candidate.excerpt.sentences or alike(candidate.stems, frozenset(sentence.stems), asked)
        for sentence in said
    )


def gain(candidate: Candidate, covered: frozenset[str], terms: QuestionTerms) -> float:
    """What the candidate adds where the stems `covered` have been read."""
    full = terms.overlap(candidate.stems)
    fresh = terms.overlap(candidate.stems - covered)
    return candidate.score * (COVERED_WEIGHT + (1 - COVERED_WEIGHT) * (fresh / full if full else 0.0))


def alike(one: frozenset[str], other: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether the shorter of the two, apart from the question's own words, says little that the longer does not."""
    one, other = one - asked, other - asked
    return not one or (bool(other) and len(one & other) / min(len(one), len(other)) >= TOO_ALIKE)
