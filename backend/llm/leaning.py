"""Whether a sentence needs the one before it: told by its first words that point back. Pure."""

import re

from backend.knowledge.words import content_stems

KNOWING_THAT = r"\w{2,}ing (?:this|that|these|those|it|them),"
POINTING_BACK = re.compile(
    r"(?:(?:his|her|hers|their|theirs|its|both|neither|either|such|which|same|here|ones?|another|others|otherwise|too|"
    r"as well|vice versa|not (?:at all|only|really))\b|"
    r"the (?:same|other|others|latter|former|rest|second|third|result|above)\b|"
    r"(?:some|most|many|all|none|each|one|two|three|both|any) of (?:them|these|those|it)\b|"
    r"(?:some|most|many|all|none|each|one|two|three|both) of the \w+ (?:is|are|was|were)\b|"
    rf"(?:the )?(?:first|second|third|last) (?:one|is|of(?! all))\b|{KNOWING_THAT})",
    re.IGNORECASE,
)
# Says what follows from the sentence before, or the other side of it: without that one it may say the contrary.
CONCLUDING = re.compile(
    r"(?:(?:and|so|but)\s+)*"
    r"(?:(?:therefore|thus|hence|consequently|instead|as a result|in other words|conversely|rather(?! than))\b|"
    r"(?:\w+[ ,]+){0,3}on the other (?:hand|side),?\s)",
    re.IGNORECASE,
)
# These point back where the sentence has not yet said what it is about.
POINTER = re.compile(r"\b(?:it|they|them|he|she|him|this|these|those|that)\b", re.IGNORECASE)
# "I think that …" points at nothing, but "I think that's it" does.
CONJUNCTION = re.compile(
    r"\b(?:think|thinks|know|knew|say|said|says|mean|means|believe|guess|hope|sure|so|see|find|found|note|show|shows|"
    r"all|everything|anything|something|things?|one|now|ones|those|argue|except)$",
    re.IGNORECASE,
)
PREDICATE = re.compile(r"['’]s\b|\s+(?:is|was|means|makes|would|will|can)\b", re.IGNORECASE)
# What comes before a pointer without saying anything of the subject: "I feel like it …", "Essentially it …".
FEELING = frozenset(content_stems("feel felt find found believe guess hope love wonder realize imagine"))
ADVERB = re.compile(r"\b\w+ly\b")
# "It is hard to say", "those who know".
EXPLETIVE = re.compile(
    r"it(?:['’]s| is| was| can be| may be| will be| would be)(?: (?!an?\b)\w+)? "
    r"(?!(?:similar|related|different|close|due|equal|used|able|going|connected|compared)\b)\w+ "
    r"(?:to|that|when|if|how|why|whether)\b|"
    r"it(?:['’]s| is| was)(?: \w+)? (?:interesting|fascinating|funny|amazing|surprising|strange|weird|wild|odd)\b|"
    r"it (?:depends|takes|turns out|seems|helps|matters|follows) |(?:this|these|those|that) (?:who|of us|year|week)\b|"
    r"those (?:who|of|that|with|in)\b",
    re.IGNORECASE,
)

# What it is about stands before it all the same: "Compared to two strings, that's cheaper.", "In a flat, this is loud."
BEHIND_A_PHRASE = re.compile(
    r"(?:compared (?:to|with)|unlike|in|at|on|for|with|without|after|before|despite|besides) [^,]{2,60}, "
    r"(?:(?:that|this)(?=['’]s\b| (?:is|was|means|makes|would|will|can)\b)|(?:these|those) (?:are|were|can|will)\b)",
    re.IGNORECASE,
)
PERSON = re.compile(r"(he|she|they)\b", re.IGNORECASE)
# Whom these may be: a name or a pronoun for one, and anything in the plural for "they".
SOMEBODY = re.compile(
    r"(?<=[a-z,;:] )(?!I\b)[A-Z]\w|^(?:[A-Z]\w+ ){2}|"
    r"\b(?i:he|she|him|her|his|who|some(?:one|body)|person|friend|colleague|author|writer|speaker|singer|teacher|student|"
    r"mentor|founder|developer|engineer|researcher|professor|doctor|manager|maintainer|user|guest|host|boss|wife|husband|"
    r"mother|father|m[ao]m|dad|brother|sister|son|daughter|child|kid|man|woman|guy|boy|girl)\b"
)
SEVERAL = re.compile(
    r"\w{2}(?<![su])s\b|\b(?i:they|them|their|people|men|women|children|team|everyone|everybody)\b|\band [A-Z]\w"
)
# The pronoun is all that the sentence says of what it is about.
NAMELESS = re.compile(
    r"(?:i (?:think|guess) )?(?:it|they|he|she|this|these|those)"
    r"(?=['’]| (?:is|was|are|were|has|have|had|will|would|can|could|also|\w+ed)\b)|"
    r"(?:(?:for|to) me,? |i (?:think|guess) )?that(?:['’]s| is| was) "
    r"(?:what|why|how|where|when|it|all|an?|my|your|our|their)\b",
    re.IGNORECASE,
)
# One of those that were announced before, or like what was said there.
COUNTED = re.compile(
    rf"{KNOWING_THAT}|"
    r"(?:the )?(?:first|second|third|last) (?:one|is|of(?! all))\b|the (?:others?|rest|latter|former)\b|"
    r"the same (?:thing|way|is|goes|happen\w*|holds|applies|was|with)\b|another (?:one|is|was)\b|"
    r"another (?:\w+ ){0,2}(?:benefit|advantage|reason|way|thing|problem|example|option|point|aspect|case|issue|"
    r"question)\b|"
    r".{0,60}\bthese (?:last )?(?:two|three|four)\b|"
    r".{0,60}\b(?:any|all|some|each|both|none|most) of (?:these|those) (?:things|ones)\b",
    re.IGNORECASE,
)


def leans(text: str, alone: str) -> bool:
    """Whether the sentence `text`, which reads `alone` without its connectives, points at what was said before it."""
    if CONCLUDING.match(text) or POINTING_BACK.match(alone) or BEHIND_A_PHRASE.match(alone):
        return True
    pointer = POINTER.search(alone)
    if pointer is None or EXPLETIVE.match(alone, pointer.start()):
        return False
    before = alone[: pointer.start()].rstrip()
    joins = pointer[0].lower() == "that" and CONJUNCTION.search(before) and not PREDICATE.match(alone, pointer.end())
    return not joins and FEELING.issuperset(content_stems(ADVERB.sub("", before)))


def goes_on(text: str, alone: str) -> bool:
    """Whether the sentence `text`, which reads `alone` without its connectives, is tied to what was said before it, by
    one of these or by a pronoun anywhere in it."""
    return text != alone or bool(POINTER.search(alone) or POINTING_BACK.match(alone))


def misses_whom(alone: str, said: str) -> bool:
    """Whether it begins with a "he", "she" or "they" that nobody in what was `said` before it can be."""
    pronoun = PERSON.match(alone)
    if pronoun is None:
        return False
    return not (SEVERAL if pronoun[1].lower() == "they" else SOMEBODY).search(said)


def is_nameless(alone: str) -> bool:
    """Whether a pronoun at its beginning stands for what it says: "It is called …", "For me that's what it is."."""
    return bool(NAMELESS.match(alone)) and not EXPLETIVE.match(alone)


def concludes(text: str) -> bool:
    """Whether it says what follows from the sentence before, or the other side of that."""
    return bool(CONCLUDING.match(text))


def counts_on(alone: str) -> bool:
    """Whether it is one of several that were announced before it: "The second one is …", "The others …"."""
    return bool(COUNTED.match(alone))


def points_at_once(alone: str) -> bool:
    """Whether its very first words point: "That is why …", "These traps …", "The first one is …"; or those behind a
    phrase."""
    return bool(POINTER.match(alone) or BEHIND_A_PHRASE.match(alone)) or counts_on(alone)
