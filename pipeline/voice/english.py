"""English words that carry no subject, and how much of a text they are where it is English."""

from collections.abc import Sequence

# In running English nearly half of the words are among these; in no other language a quarter.
LEAST_SHARE = 0.3

DETERMINERS = frozenset("a an the my your our their his her its this that these those some any no every each".split())
PREPOSITIONS = frozenset(
    "of in on at for with from by to into onto about as than over under between through during without within".split()
)
CONJUNCTIONS = frozenset("and or but so because if when where which who whose while though although whether".split())
PRONOUNS = frozenset("i you he she it we they me him us them what there here".split())
AUXILIARIES = frozenset(
    "am is are was were be been being have has had having do does did will would can could should may might must shall "
    "not don't doesn't didn't isn't aren't wasn't weren't can't couldn't won't wouldn't shouldn't haven't hasn't "
    "hadn't gonna it's that's there's here's what's who's he's she's i'm we're you're they're i've we've you've "
    "they've i'd we'd you'd they'd he'd she'd i'll we'll you'll they'll it'll let's".split()
)
FUNCTION_WORDS = DETERMINERS | PREPOSITIONS | CONJUNCTIONS | PRONOUNS | AUXILIARIES
# Words of manner: with another word they make a phrase, and are nothing by themselves.
MANNER = frozenset(
    "just really very pretty quite super so too also even still then now well all up out how why more most much lot "
    "little bit kind sort right like yeah yes oh okay ok totally absolutely actually basically definitely obviously "
    "honestly literally probably certainly simply always never ever maybe perhaps rather fairly".split()
)
# Nouns and the like that idioms are made of ("by the way", "for sure", "a bunch of"): they name no subject.
IDIOM = frozenset(
    "way ways sure instance example course day days end fact terms time times least once thing things bunch ton tons "
    "couple deal point sense degree moment matter guess mean means know think said say see hand hands mind word words "
    "heart place shot reason chance idea question bottom line top first last second same other else everything "
    "anything something nothing everybody anybody somebody everyone anyone someone whatever stuff folks guys people "
    "world board bat long speak honest fair far good great cool fine".split()
)

FIRST_SINGULAR = frozenset("i me my mine myself i'm i've i'd i'll".split())
FIRST_PLURAL = frozenset("we us our ours ourselves we're we've we'd we'll let's".split())
SECOND = frozenset("you your yours yourself yourselves you're you've you'd you'll y'all".split())
_OTHER_CONTRACTIONS = frozenset(
    "it's that's there's here's what's who's he's she's let's how's where's gonna wanna gotta".split()
)


def is_english(words: Sequence[str]) -> bool:
    """Whether running text of these words, in lower case, is English."""
    return bool(words) and sum(word in FUNCTION_WORDS for word in words) >= LEAST_SHARE * len(words)


def is_contraction(word: str) -> bool:
    """Whether a word in lower case is two that are said as one; a genitive ("Ana's") is none."""
    return word.endswith(("n't", "'re", "'ve", "'ll", "'d", "'m")) or word in _OTHER_CONTRACTIONS
