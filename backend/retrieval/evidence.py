"""What the best passages say of a question: which of its words they have, and what speaks against them."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from backend.knowledge.sentences import sentence_spans
from backend.knowledge.stem import stem
from backend.knowledge.words import CONTRACTION, STOPWORDS, WORD

LIKENESS = 0.6  # what a word of the same beginning is worth, "observatory" for "observe"; 0.4 and 0.8 differ little
SHORTEST_BEGINNING = 4
BEGINNING = 0.7  # of the stem
LATER_PASSAGE = 0.02  # the share that a sentence of the next passage must have more, so that ties go to the first
LEAST_WEIGHT = 0.3  # of a word that every text has
REMEMBERED = 256  # texts of some 10 kB as words: good passages come up again
SHORTEST_INITIALS = 3  # "PC" is rarely a person
MOST_TERMS = 64  # each is looked for in every sentence and text; no question that means one thing has as many

NEGATION = re.compile(
    r"\b(?:not|never|no|nor|none|nobody|neither|without|cannot|except|unable|lack\w*|fail\w*|refus\w*|\w+n['’]t)\b",
    re.I,
)
# Words that deny by how they begin or end.
NEGATED = re.compile(
    r"\b(?:non-?\w{3,}|un(?!der|i|til|less)\w{4,}|im(?:possible|perfect|mobile|practical)|ir(?:regular|relevant|rational)"
    r"|in(?:correct|valid|capable|direct|equal|formal|complete|dependent|sufficient|accurate|frequent|effective|active)"
    r"|il(?:legal|logical|literate)|dis(?:agree|allow|approv|connect|continu|like)\w*|\w{3,}less)\b",
    re.I,
)
ASKED = re.compile(r"\b(?:what|which|whose|how (?:many|much))\s+([\w'’-]+)", re.I)
OPPOSITES = """
    high/low higher/lower highest/lowest large/small larger/smaller largest/smallest big/little big/small first/last
    early/late earlier/later earliest/latest most/least more/less more/fewer increase/decrease increase/reduce
    rise/fall raise/lower gain/lose win/lose won/lost before/after above/below over/under upper/lower inside/outside
    north/south northern/southern east/west eastern/western left/right old/new older/newer oldest/newest young/old
    oldest/youngest strong/weak stronger/weaker good/bad better/worse best/worst long/short longer/shorter
    longest/shortest fast/slow faster/slower hot/cold warm/cold wet/dry light/dark light/heavy thick/thin
    deep/shallow wide/narrow full/empty near/far open/close begin/end start/end start/stop start/finish
    create/destroy build/destroy found/abolish establish/abolish demolish/build allow/prevent allow/forbid
    allow/prohibit allow/ban accept/reject approve/reject support/oppose encourage/discourage encourage/prevent
    help/hinder help/harm protect/harm protect/attack attack/defend offensive/defensive cause/prevent
    include/exclude add/remove join/leave join/separate unite/divide enter/leave arrive/leave arrive/depart
    import/export buy/sell save/spend lend/borrow teach/learn hire/fire appoint/dismiss produce/consume
    absorb/release absorb/emit attract/repel capture/release gather/scatter expand/contract expand/shrink
    grow/shrink grow/decline improve/worsen retain/lose keep/abandon remember/forget admit/deny agree/disagree
    appear/disappear succeed/fail pass/fail success/failure victory/defeat advantage/disadvantage war/peace
    freedom/slavery friend/enemy ally/enemy love/hate birth/death born/died alive/dead male/female man/woman
    men/women father/mother son/daughter brother/sister husband/wife king/queen boy/girl adult/child teacher/student
    day/night summer/winter spring/autumn rich/poor expensive/cheap public/private local/foreign domestic/foreign
    central/local urban/rural formal/informal legal/illegal known/unknown able/unable possible/impossible
    dependent/independent direct/indirect regular/irregular visible/invisible stable/unstable equal/unequal
    finite/infinite natural/artificial positive/negative internal/external interior/exterior maximum/minimum
    majority/minority major/minor common/rare often/rarely always/never simple/complex easy/difficult easy/hard
    easier/harder same/different similar/different true/false prove/disprove active/passive modern/ancient
    innate/adaptive liquid/solid solid/gas liquid/gas even/odd permanent/temporary required/optional
    mandatory/optional voluntary/compulsory violent/peaceful amateur/professional
"""


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question that carries meaning.

    `weight` is higher for words that few of the found texts have. `asked` is the word behind "what" or "which": the
    answer is one of its kind, so its text need not say it. A capital makes a name, but for the first word.
    """

    stem: str
    beginning: str
    weight: float
    name: bool
    number: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, in lower case and as stems, both in its order."""

    spelt: list[str]
    stems: list[str]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Of any text, function words included."""
        spelt = [
            CONTRACTION.sub("", word) if "'" in word or "’" in word else word for word in WORD.findall(text.lower())
        ]
        return cls(spelt, [stem(word) for word in spelt])

    @classmethod
    def together(cls, parts: Iterable["Words"]) -> "Words":
        """The words of several texts as of one."""
        kept = list(parts)
        return cls([word for part in kept for word in part.spelt], [word for part in kept for word in part.stems])


@dataclass(frozen=True, slots=True)
class Evidence:
    """How far the best passages bear a question out.

    Shares of words count each by its weight. The best sentence is the one with the largest share of the question's
    words.
    """

    coverage: float  # the share of the words that the best sentence has, 0 to 1
    all_but_one: bool  # whether it and its title have all the words but one; the asked kind left out
    missing_particulars: float  # names, numbers and years of the question that none of the passages has
    opposites: int  # words that the best sentence turns round: "before" where it says "after"
    negated_words: int  # words such as "unknown" or "careless" that the best passage has not
    denies: bool  # whether the best sentence denies anything


def terms_of(question: str, texts: Sequence[str]) -> list[Term]:
    """The words of a question that carry meaning, each once, 64 of them at most. `texts` are what was found for it, in
    lower case."""
    asked = {stem(match[1].lower()) for match in ASKED.finditer(question)}
    terms: dict[str, Term] = {}
    for number, match in enumerate(WORD.finditer(question)):
        if len(terms) == MOST_TERMS:
            break
        word = CONTRACTION.sub("", match[0].lower())
        if word in STOPWORDS or (len(word) == 1 and not word.isdigit()):
            continue
        root = stem(word)
        if root in terms:
            continue
        terms[root] = Term(
            stem=root,
            beginning=root[: max(SHORTEST_BEGINNING, int(len(root) * BEGINNING))],
            weight=rarity(root, texts),
            name=number > 0 and match[0][0].isupper() and root not in asked,
            number=any(letter.isdigit() for letter in word) and root not in asked,
            asked=root in asked,
        )
    return list(terms.values())


def about(terms: Sequence[Term], names: Iterable[str]) -> list[Term]:
    """The terms without those that call somebody of these `names`, by a word of it or by its initials ("DHH"): whose
    words are asked for, and not what they say. All of them where no others are left."""
    called: set[str] = set()
    for name in map(Words.of, names):
        called.update(name.stems)
        if len(name.spelt) >= SHORTEST_INITIALS:
            called.add(stem("".join(word[0] for word in name.spelt)))
    return [term for term in terms if not (term.name and term.stem in called)] or list(terms)


def rarity(root: str, texts: Sequence[str]) -> float:
    """An IDF over the found texts alone: what the whole library has of a word is not known while a question waits."""
    sought = root if len(root) >= SHORTEST_BEGINNING else f" {root}"
    having = sum(sought in text for text in texts)
    return math.log((len(texts) + 1) / (having + 0.5)) + LEAST_WEIGHT


def weigh(question: str, terms: Sequence[Term], passages: Sequence[tuple[str, str]]) -> Evidence:
    """The evidence of `passages`, title and text each, best first; at least one. `question` is as the visitor said it,
    `terms` are of the question as it was searched."""
    read = [sentences(text) for _, text in passages]
    titles = [Words.of(title) for title, _ in passages]
    coverage, first, second = max(
        ((share(terms, held(terms, words)) - LATER_PASSAGE * passage, passage, sentence)
         for passage, said in enumerate(read) for sentence, (_, words) in enumerate(said)),
        key=lambda found: found[0],
        default=(0.0, 0, 0),
    )  # fmt: skip
    best, best_words = read[first][second] if read[first] else ("", Words([], []))
    with_title = held(terms, Words.together((best_words, titles[first])))
    particulars = [term for term in terms if term.name or term.number]
    everything = Words.together((*titles, *(words for said in read for _, words in said)))
    text = passages[first][1].lower()
    return Evidence(
        coverage=coverage + LATER_PASSAGE * first,
        all_but_one=sum(has < 1 for term, has in zip(terms, with_title, strict=True) if not term.asked) == 1,
        missing_particulars=len(particulars) - sum(held(particulars, everything)),
        opposites=turned_round(Words.of(question).stems, best_words.stems),
        negated_words=sum(word.lower() not in text for word in NEGATED.findall(question)),
        denies=bool(NEGATION.search(best)),
    )


@lru_cache(REMEMBERED)
def sentences(text: str) -> list[tuple[str, Words]]:
    """The sentences of a text, each with its words."""
    return [(text[start:end], Words.of(text[start:end])) for start, end in sentence_spans(text)]


def held(terms: Sequence[Term], words: Words) -> list[float]:
    """For each term 1 where the words have it, less where they have one that begins like it, else 0."""
    stems = set(words.stems)
    joined = ""
    having: list[float] = []
    for term in terms:
        if term.stem in stems:
            having.append(1.0)
        elif term.number or len(term.beginning) < SHORTEST_BEGINNING:
            having.append(0.0)
        else:
            joined = joined or f" {' '.join(words.spelt)}"
            having.append(LIKENESS if f" {term.beginning}" in joined else 0.0)
    return having


def share(terms: Sequence[Term], having: Sequence[float]) -> float:
    """How much of the terms' weight is held, 0 to 1; 0 where there are none."""
    whole = sum(term.weight for term in terms)
    return sum(term.weight * has for term, has in zip(terms, having, strict=True)) / whole if whole else 0.0


def opposites_by_stem() -> dict[str, frozenset[str]]:
    """Each word's opposites, as stems."""
    found: dict[str, set[str]] = {}
    for pair in OPPOSITES.split():
        one, other = (stem(word) for word in pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES_BY_STEM = opposites_by_stem()


def turned_round(asked: Iterable[str], said: Iterable[str]) -> int:
    """How many of the asked words are not said while an opposite of them is."""
    present = set(said)
    missing = set(asked) - present
    return sum(1 for word in missing if word in OPPOSITES_BY_STEM and OPPOSITES_BY_STEM[word] & present)
